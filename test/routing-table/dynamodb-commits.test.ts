import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import { aComponent, aSubjectRow } from "../support/builders.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import {
  after,
  answerLost,
  dynamodbProxy,
  type Fault,
  refused,
  requestLost,
  servedBut,
} from "../support/dynamodb-proxy.ts";
import { aChange, aNewRoutingTable, aRoutingTable, putRows } from "../support/dynamodb-routing.ts";

const acme = aSubjectRow({ customer: "acme" });
const cancelled = (...reasons: string[]) => refused("TransactionCanceledException", { reasons });

withDynamoDB("commits to DynamoDB that don't go smoothly", (endpoint) => {
  /** A table with one change, reached through a proxy. */
  async function throughProxy(maxAttempts?: number) {
    const proxy = await dynamodbProxy(endpoint);
    const direct = await aNewRoutingTable(endpoint);
    await putRows(direct.table, { "component#release-coordinator": aComponent() }, "the first");
    const { table, delays } = aRoutingTable(proxy.endpoint, direct.tableName, maxAttempts);
    return { proxy, direct: direct.table, table, delays };
  }

  it.each<[string, Fault]>([
    ["a throttle", refused("ProvisionedThroughputExceededException")],
    ["a throttle of the account", refused("ThrottlingException")],
    ["a request limit", refused("RequestLimitExceeded")],
    ["a conflict with another transaction", cancelled("TransactionConflict", "None", "None", "None")],
    ["a throttled item", cancelled("None", "None", "None", "ProvisionedThroughputExceeded")],
    ["a throttled transaction", cancelled("None", "ThrottlingError", "None", "TransactionConflict")],
    ["its own request still running", refused("TransactionInProgressException")],
    ["an internal error", refused("InternalServerError", { status: 500 })],
    ["an error that only the status tells", refused("SomethingNew", { status: 503 })],
    ["a connection that was cut", requestLost],
    ["an internal error after the change was made", servedBut("InternalServerError", { status: 500 })],
    ["a lost answer", answerLost],
  ])("commits once all the same after %s", async (_, fault) => {
    const { proxy, direct, table, delays } = await throughProxy();
    proxy.faults("TransactWriteItems", fault);
    expect(await table.commit(aChange("mine", { "project#acme/site": acme }), 1)).toEqual({
      committed: true,
      revision: 2,
    });
    expect(await direct.changesAfter(1, 10)).toMatchObject([{ revision: 2, changeId: "mine" }]);
    expect(await direct.rows(["project#acme/site"])).toEqual({
      revision: 2,
      rows: new Map([["project#acme/site", acme]]),
    });
    expect(delays).toHaveLength(1);
    const tokens = proxy.requests("TransactWriteItems").map(({ ClientRequestToken }) => ClientRequestToken);
    expect(tokens).toEqual([tokens[0], tokens[0]]);
  });

  it("backs off with full jitter under a doubling ceiling, and gives up with what to do", async () => {
    const { proxy, direct, table, delays } = await throughProxy(5);
    proxy.faults("TransactWriteItems", ...Array.from({ length: 5 }, () => refused("ThrottlingException")));
    const committing = table.commit(aChange("mine", { "project#acme/site": acme }), 1);
    await expect(committing).rejects.toMatchObject({
      kind: "failed",
      message: expect.stringMatching(/in 5 tries; the last one failed with ThrottlingException.*throttling metrics/s),
    });
    expect(delays).toHaveLength(4);
    delays.forEach((ms, failure) => {
      expect(ms).toBeLessThan(20 * 2 ** failure);
    });
    expect(await direct.head()).toBe(1);
  });

  it("answers with success when the last answer of all was the lost one", async () => {
    const { proxy, table } = await throughProxy(3);
    proxy.faults("TransactWriteItems", refused("ThrottlingException"), requestLost, answerLost);
    expect(await table.commit(aChange("mine"), 1)).toEqual({ committed: true, revision: 2 });
    expect(proxy.counts()).toEqual({ TransactWriteItems: 3, TransactGetItems: 1 });
  });

  it("says that the change's fate is unknown when not even that can be read", async () => {
    const { proxy, table } = await throughProxy(2);
    proxy.faults("TransactWriteItems", requestLost, answerLost);
    proxy.faults("TransactGetItems", requestLost, requestLost);
    const committing = table.commit(aChange("mine"), 1);
    await expect(committing).rejects.toThrow(/not known whether the change was made.*Look at the change log/s);
  });

  it("recognises its own change behind others when its token is long forgotten", async () => {
    const { direct, table, proxy } = await throughProxy();
    const change = aChange("mine", { "project#acme/site": acme });
    await direct.commit(change, 1);
    await putRows(direct, { "project#acme/site": null });
    // As after ten minutes, DynamoDB takes the request for a new one.
    proxy.faults("TransactWriteItems", cancelled("ConditionalCheckFailed", "ConditionalCheckFailed", "None", "None"));
    expect(await table.commit(change, 1)).toEqual({ committed: true, revision: 2 });
    expect(await table.commit(change, 3)).toEqual({ committed: true, revision: 2 });
    expect(await direct.head()).toBe(3);
  });

  it("names the change that came first when one slips in between two tries", async () => {
    const { proxy, direct, table } = await throughProxy();
    proxy.faults(
      "TransactWriteItems",
      refused("ThrottlingException"),
      after(() => putRows(direct, { "project#acme/site": acme }, "theirs")),
    );
    const result = await table.commit(aChange("mine", { "project#acme/site": null }), 1);
    expect(result).toMatchObject({
      committed: false,
      head: 2,
      winner: { changeId: "theirs", revision: 2, who: "ada" },
    });
    expect((await direct.rows(["project#acme/site"])).rows.size).toBe(1);
  });

  it("looks again for the winner when a third transaction is in the way", async () => {
    const { direct, table, proxy } = await throughProxy();
    await putRows(direct, {}, "theirs");
    proxy.faults("TransactGetItems", refused("TransactionCanceledException", { reasons: ["TransactionConflict"] }));
    expect(await table.commit(aChange("mine"), 1)).toMatchObject({ committed: false, winner: { changeId: "theirs" } });
  });

  it.each([
    ["a table that isn't there", refused("ResourceNotFoundException"), "not found", /no DynamoDB table.*AWS_REGION/s],
    ["a table that may not be used", refused("AccessDeniedException"), "not allowed", /may not be used/],
  ])("fails at once on %s", async (_, fault, kind, message) => {
    const { proxy, table, delays } = await throughProxy();
    proxy.faults("TransactWriteItems", fault);
    const committing = table.commit(aChange("mine"), 1);
    await expect(committing).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(delays).toEqual([]);
  });

  it("fails at once on a transaction that is wrong in itself, whatever else was in its way", async () => {
    const { proxy, table, delays } = await throughProxy();
    proxy.faults("TransactWriteItems", cancelled("TransactionConflict", "None", "None", "ValidationError"));
    await expect(table.commit(aChange("mine"), 1)).rejects.toMatchObject({ name: "TransactionCanceledException" });
    expect(delays).toEqual([]);
  });

  it("refuses to write over a change log whose head was lost", async () => {
    const { table, client, tableName } = await aNewRoutingTable(endpoint);
    await putRows(table, { "project#acme/site": acme }, "the first");
    await client.send(new DeleteCommand({ TableName: tableName, Key: { pk: "head", sk: "head" } }));
    await expect(table.commit(aChange("mine"), 0)).rejects.toThrow(
      /is damaged: its change log goes beyond its head, 0/,
    );
  });

  it("fails on a revision past the head", async () => {
    const { table } = await throughProxy();
    await expect(table.commit(aChange("mine"), 7)).rejects.toThrow(new RangeError("revision 7 is past the head, 1"));
  });

  it("gives concurrent writers revisions without a gap, each change exactly once", async () => {
    const { tableName } = await aNewRoutingTable(endpoint);
    const writers = 6;
    const changes = 8;
    const revisions = await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        const { table } = aRoutingTable(endpoint, tableName);
        const mine: number[] = [];
        for (let n = 0; n < changes; n++) {
          let expected = await table.head();
          for (;;) {
            const result = await table.commit(aChange(`${writer}-${n}`, { [`project#${writer}`]: acme }), expected);
            if (result.committed) {
              mine.push(result.revision);
              break;
            }
            expect(result.winner.revision).toBe(expected + 1);
            expected = result.head;
          }
        }
        return mine;
      }),
    );
    const all = Array.from({ length: writers * changes }, (_, n) => n + 1);
    expect(revisions.flat().sort((a, b) => a - b)).toEqual(all);
    const { table } = aRoutingTable(endpoint, tableName);
    const log = await table.changesAfter(0, 1_000);
    expect(log.map(({ revision }) => revision)).toEqual(all);
    expect(new Set(log.map(({ changeId }) => changeId)).size).toBe(writers * changes);
  });
});
