import { expect, it } from "vitest";
import type { RowKey } from "../../shared/domain/routing/routing-change.ts";
import type { SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import { itemKeyOf } from "../../shared/routing-table/dynamodb-requests.ts";
import { aComponent, aPin, aSubjectRow } from "../support/builders.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import {
  after,
  answerLost,
  dynamodbProxy,
  edited,
  type Fault,
  refused,
  requestLost,
} from "../support/dynamodb-proxy.ts";
import { aNewRoutingTable, aRoutingTable, putRows, type Rows } from "../support/dynamodb-routing.ts";

const acme = aSubjectRow({ customer: "acme" });
const globex = aSubjectRow({ customer: "globex" });
const aRowOf = (bytes: number) => aSubjectRow({ pins: { mailer: aPin({ why: "x".repeat(bytes) }) } });
const conflict = refused("TransactionCanceledException", { reasons: ["None", "TransactionConflict"] });

/** A Query that shows a change in part: without the entries that `keep` refuses. */
const entriesMissing = (keep: (index: number) => boolean) =>
  edited(({ Items }) => ({ Items: (Items as unknown[]).filter((_, index) => keep(index)) }));

withDynamoDB("reads of DynamoDB that don't go smoothly", (endpoint) => {
  async function throughProxy(maxAttempts?: number) {
    const proxy = await dynamodbProxy(endpoint);
    const direct = await aNewRoutingTable(endpoint);
    const { table, delays } = aRoutingTable(proxy.endpoint, direct.tableName, maxAttempts);
    return { proxy, direct: direct.table, table, delays };
  }

  it.each<[string, Fault]>([
    ["a throttle", refused("ProvisionedThroughputExceededException")],
    ["an internal error", refused("InternalServerError", { status: 500 })],
    ["a cut connection", requestLost],
    ["a lost answer", answerLost],
    ["an answer that was cut off", async () => ({ status: 200, body: '{"Item": {"revis' })],
  ])("reads the head again after %s", async (_, fault) => {
    const { proxy, direct, table, delays } = await throughProxy();
    await putRows(direct, {});
    proxy.faults("GetItem", fault, fault);
    expect(await table.head()).toBe(1);
    expect(delays).toHaveLength(2);
  });

  it("gives up on a head that can't be read", async () => {
    const { proxy, table } = await throughProxy(3);
    proxy.faults("GetItem", requestLost, requestLost, requestLost);
    await expect(table.head()).rejects.toMatchObject({
      kind: "failed",
      message: expect.stringContaining("in 3 tries"),
    });
  });

  it("reads the change log again when it shows a gap, though it has as many entries as asked for", async () => {
    const { proxy, direct, table, delays } = await throughProxy();
    for (let n = 0; n < 4; n++) await putRows(direct, {});
    const withoutTheSecond = entriesMissing((index) => index !== 1);
    proxy.faults("Query", (forward, request) => withoutTheSecond(() => forward({ ...request, Limit: 4 }), request));
    const entries = await table.changesAfter(0, 3);
    expect(entries.map(({ revision }) => revision)).toEqual([1, 2, 3]);
    expect(delays).toHaveLength(1);
    expect(proxy.counts()).toEqual({ Query: 2 });
  });

  it("reads the change log again when it ends before the head", async () => {
    const { proxy, direct, table } = await throughProxy();
    for (let n = 0; n < 3; n++) await putRows(direct, {});
    const last = entriesMissing((index) => index < 1);
    proxy.faults("Query", last, last, last);
    const entries = await table.changesAfter(1, 2);
    expect(entries.map(({ revision }) => revision)).toEqual([2, 3]);
    expect(proxy.counts()).toEqual({ Query: 4, GetItem: 1 });
  });

  it("ends at the head that was there when it looked, however fast others write", async () => {
    const { proxy, direct, table } = await throughProxy();
    await putRows(direct, {});
    const another = after(() => putRows(direct, {}));
    proxy.faults("GetItem", another);
    proxy.faults("Query", ...Array.from({ length: 10 }, () => another));
    const entries = await table.changesAfter(0, 100);
    expect(entries.length).toBeLessThan(5);
  });

  it("reads a change log of several pages", async () => {
    const { proxy, direct, table } = await throughProxy();
    for (let n = 0; n < 6; n++) await putRows(direct, { "project#big": aRowOf(250_000) });
    const entries = await table.changesAfter(0, 6);
    expect(entries.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(proxy.counts()).toEqual({ Query: 2 });
    expect((await table.changesAfter(2, 3)).map(({ revision }) => revision)).toEqual([3, 4, 5]);
  });

  it("reads rows again while a change is being made to them", async () => {
    const { proxy, direct, table, delays } = await throughProxy();
    await putRows(direct, { "project#acme/site": acme });
    proxy.faults("TransactGetItems", conflict, conflict);
    expect(await table.rows(["project#acme/site"])).toEqual({
      revision: 1,
      rows: new Map([["project#acme/site", acme]]),
    });
    expect(delays).toHaveLength(2);
  });

  it("shows rows of several transactions as of one revision, though a change comes in between", async () => {
    const { proxy, direct, table } = await throughProxy();
    const keys = Array.from({ length: 150 }, (_, n): RowKey => `project#${n}`);
    const both = { "project#0": acme, "project#149": acme };
    await putRows(direct, both);
    const first = Promise.withResolvers<void>();
    const thenChange = async () => {
      await first.promise;
      await putRows(direct, { "project#0": globex, "project#149": globex });
    };
    proxy.faults("TransactGetItems", async (forward) => forward().finally(first.resolve), after(thenChange));
    const { revision, rows } = await table.rows(keys);
    expect(revision).toBe(2);
    expect([...rows]).toEqual([
      ["project#0", globex],
      ["project#149", globex],
    ]);
    expect(proxy.counts().TransactGetItems).toBe(4);
  });

  it("reads rows that are too much for one transaction in smaller ones", async () => {
    const { direct, table } = await throughProxy();
    const keys = Array.from({ length: 16 }, (_, n): RowKey => `project#${n}`);
    for (const key of keys) await putRows(direct, { [key]: aRowOf(280_000) });
    const { revision, rows } = await table.rows(keys);
    expect(revision).toBe(16);
    expect([...rows.keys()]).toEqual(keys);
  });

  it.each<[string, Rows, string[]]>([
    ["comes", { "component#new": aComponent({ name: "new" }) }, ["new", "old"]],
    ["goes", { "component#old": null }, []],
  ])("shows the components as of one revision, though one %s while they are read", async (_, rows, names) => {
    const { proxy, direct, table } = await throughProxy();
    await putRows(direct, { "component#old": aComponent({ name: "old" }) });
    proxy.faults(
      "TransactGetItems",
      (forward) => forward(),
      after(() => putRows(direct, rows)),
    );
    const { revision, components } = await table.components();
    expect(revision).toBe(2);
    expect(components.map(({ name }) => name)).toEqual(names);
  });

  it("lists more components than one transaction reads, by name", async () => {
    const { direct, table } = await throughProxy();
    const names = Array.from({ length: 130 }, (_, n) => `component-${String(n).padStart(3, "0")}`);
    for (const some of [names.slice(60), names.slice(0, 60)]) {
      await putRows(direct, Object.fromEntries(some.map((name) => [`component#${name}`, aComponent({ name })])));
    }
    const { components } = await table.components();
    expect(components.map(({ name }) => name)).toEqual(names);
  });

  it("lists a level's subjects over all shards and pages, by the bytes of their ids", async () => {
    const { proxy, direct, table } = await throughProxy();
    const ids = [
      "a",
      "B",
      "é",
      "z".repeat(1024),
      "\u{ff5e}",
      "\u{1f600}",
      "a#b",
      "a/b c",
      "0",
      "__proto__",
      "€".repeat(341),
    ];
    await putRows(direct, Object.fromEntries(ids.map((id) => [`customer#${id}`, aSubjectRow({ plan: id })])));
    await putRows(direct, { "project#other": acme, "plan#other": acme });
    const first = Array.from({ length: 100 }, (_, n) => String(n)).filter(
      (id) => itemKeyOf(`project#${id}`).pk === "project#0",
    );
    for (const id of first.slice(0, 6)) await putRows(direct, { [`project#${id}`]: aRowOf(220_000) });
    const listed = await Array.fromAsync(table.subjects("customer"));
    expect(listed.map(({ id }) => id)).toEqual([...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(listed.every(({ id, row }) => (row as SubjectRow).plan === id)).toBe(true);
    const projects = await Array.fromAsync(table.subjects("project"));
    expect(projects.map(({ id }) => id)).toEqual([...first.slice(0, 6), "other"].sort());
    expect(proxy.counts()).toEqual({ Query: 8 + 8 + 1 });
  });
});
