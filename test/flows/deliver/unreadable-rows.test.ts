import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import type { RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { again, aMessage, aRouter, done, failed, putRows, turnoutOf } from "../../support/router.ts";

const mailer = aComponent({ name: "mailer" });
const billing = aComponent({ name: "billing", pattern: { source: ["shop"] } });
const orders = aMessage({ id: "1", source: "shop", customer: "acme" });

/** A router that finds this row damaged. */
async function aDamagedRouter(key: RowKey, text: string, components = [mailer, billing]) {
  const rows = { "customer#acme": aSubjectRow({ pins: { mailer: aPin() } }), "source#shop": { source: "shop" } };
  const router = await aRouter({ components, rows });
  router.damage(key, text);
  const ports = { ...router.ports, routing: routingCache(router.table) };
  const sentTo = () => router.sends.map(({ component }) => component);
  /** As the sweeper does once they are due, for as long as there are any. */
  async function sweepAll(): Promise<void> {
    for (let round = 0; round < 10; round++) {
      const open = (await router.ledger()).filter(({ status }) => status === "failed");
      if (open.length === 0) return;
      const latest = Math.max(...open.map(({ nextAttemptAt }) => nextAttemptAt?.getTime() ?? 0));
      await router.time.pass(Math.max(1, latest + 1 - router.time.now().getTime()));
      await routeBatch(ports, open.map(redelivered));
    }
  }
  return { ...router, ports, sentTo, sweepAll };
}

function redelivered(entry: LedgerEntry) {
  return { ...aMessage({ id: `again-${entry.deliveryKey}` }), body: redeliveryBody(entry) };
}

const withoutPattern = '{"name":"billing","pattern":{"source":[{"anything-but":null}]},"aliases":{"stable":{}}}';
const withPattern = '{"name":"billing","pattern":{"source":["shop"]},"aliases":7}';

describe("a component whose row can't be read", () => {
  it.each([
    ["its pattern included", withoutPattern],
    ["all but its pattern", withPattern],
    ["as it is no JSON", "{"],
  ])("has its events kept, while the others get theirs: %s", async (_, text) => {
    const { ports, sentTo, ledger, reports, time, table, sweepAll } = await aDamagedRouter("component#billing", text);
    expect(await routeBatch(ports, [orders])).toHaveLength(1);
    expect(sentTo()).toEqual(["mailer"]);
    expect(await ledger()).toMatchObject([
      { component: "mailer", status: "done" },
      { component: "billing", status: "failed", failures: 0, error: { type: "RowUnreadable" } },
    ]);
    expect(reports).toContainEqual(
      expect.objectContaining({
        component: "billing",
        outcome: "postponed",
        error: {
          type: "RowUnreadable",
          message: expect.stringContaining("the row of component billing can't be read"),
        },
      }),
    );
    // A day and a half, which is more than the component's own patience.
    for (let hour = 0; hour < 36; hour++) {
      await time.pass(3_600_000);
      await routeBatch(ports, [again(orders)]);
    }
    expect(sentTo()).toEqual(["mailer"]);

    await putRows(table, { "component#billing": billing });
    await sweepAll();
    await routeBatch(ports, [again(orders)]);
    expect(sentTo()).toEqual(["mailer", "billing"]);
    expect(await ledger()).toMatchObject([{ status: "done" }, { status: "done" }]);
  });

  it("keeps only what it listens to, where that can still be read", async () => {
    const { ports, ledger, records } = await aDamagedRouter("component#billing", withPattern);
    const other = aMessage({ id: "2", source: "forge" });
    expect(await routeBatch(ports, [other])).toEqual([]);
    expect((await ledger()).map(({ component }) => component)).toEqual(["mailer"]);
    expect((await records()).map(({ components }) => components)).toEqual([["mailer"]]);
  });

  it("leaves no trace on events that turn out not to be its own", async () => {
    const { ports, sentTo, ledger, records, table, sweepAll } = await aDamagedRouter("component#billing", "{");
    const other = aMessage({ id: "2", source: "forge" });
    await routeBatch(ports, [orders, other]);
    expect((await ledger()).map(({ component }) => component).sort()).toEqual([
      "billing",
      "billing",
      "mailer",
      "mailer",
    ]);
    const named = async () => (await records()).map(({ components }) => components);
    expect(await named()).toEqual([["mailer"], ["mailer"]]);
    await routeBatch(ports, [again(orders), again(other)]);
    expect(await named()).toEqual([["mailer"], ["mailer"]]);
    await putRows(table, { "component#billing": billing });
    await sweepAll();
    expect(sentTo().filter((component) => component === "billing")).toHaveLength(1);
    expect((await ledger()).map(({ component, status }) => `${component} ${status}`).sort()).toEqual([
      "billing done",
      "mailer done",
      "mailer done",
    ]);
  });

  it("leaves no trace on events of it either once it is removed", async () => {
    const { ports, ledger, table, sweepAll } = await aDamagedRouter("component#billing", "{");
    await routeBatch(ports, [orders]);
    await putRows(table, { "component#billing": null });
    await sweepAll();
    expect(await ledger()).toMatchObject([{ component: "mailer", status: "done" }]);
  });

  it("stays named in the records of events that it has had, when their messages come back for another's sake", async () => {
    const { ports, records, table, damage } = await aDamagedRouter("source#nobody", "{");
    const broken = { ...ports, target: async (send: Send) => (send.component === "billing" ? failed : done) };
    await routeBatch(broken, [orders]);
    damage("component#mailer", "{");
    await routeBatch({ ...broken, routing: routingCache(table) }, [again(orders)]);
    expect((await records()).map(({ components }) => components.toSorted())).toEqual([["billing", "mailer"]]);
  });

  it("takes a delivery that had failed before as it comes: dead once it isn't listened to", async () => {
    const { ports, ledger, table, sweepAll, time, damage } = await aDamagedRouter("source#nobody", "{", [billing]);
    const broken = { ...ports, target: async () => failed };
    await routeBatch(broken, [orders]);
    damage("component#billing", "{");
    await time.pass(60_000);
    await routeBatch({ ...ports, routing: routingCache(table) }, [again(orders)]);
    expect(await ledger()).toMatchObject([{ failures: 1, error: { type: "RowUnreadable" } }]);
    await putRows(table, { "component#billing": aComponent({ name: "billing", pattern: { source: ["forge"] } }) });
    await time.pass(600_000);
    await routeBatch(ports, [again(orders)]);
    await sweepAll();
    expect(await ledger()).toMatchObject([{ status: "dead", error: { type: "NotListening" } }]);
  });
});

describe("a subject whose row can't be read", () => {
  it("has its events kept, and nobody else's", async () => {
    const { ports, sends, ledger, table, sweepAll } = await aDamagedRouter("customer#acme", "[]", [mailer]);
    const other = aMessage({ id: "2", source: "shop", customer: "globex" });
    expect(await routeBatch(ports, [orders, other])).toHaveLength(1);
    expect(sends.map((send) => turnoutOf(send).subject)).toEqual([{ customer: "globex" }]);
    await putRows(table, { "customer#acme": aSubjectRow({ pins: { mailer: aPin() } }) });
    await sweepAll();
    expect(sends.map((send) => turnoutOf(send).alias)).toEqual(["stable", "beta"]);
    expect((await ledger()).map(({ status }) => status)).toEqual(["done", "done"]);
  });

  it("is routed all the same by what outranks its pins", async () => {
    const allStable = { who: "ada", why: "fire", at: "2026-11-20T10:00:00.000Z" };
    const stable = aComponent({ name: "mailer", allStable });
    const { ports, sends } = await aDamagedRouter("customer#acme", "[]", [stable]);
    expect(await routeBatch(ports, [orders])).toEqual([]);
    expect(sends.map((send) => turnoutOf(send).because)).toEqual(["all stable"]);
  });
});

describe("a source whose row can't be read", () => {
  it("has its messages come back with a growing backoff, and those of others go on", async () => {
    const { ports, sentTo, ledger, records, troubles, table } = await aDamagedRouter("source#shop", "7", [mailer]);
    const other = aMessage({ id: "2", source: "forge" });
    const returned = await routeBatch(ports, [orders, other]);
    expect(returned).toMatchObject([{ message: orders, retryInMs: 1_000 }]);
    expect(sentTo()).toEqual(["mailer"]);
    expect([await ledger(), await records()].map((all) => all.length)).toEqual([1, 1]);
    expect(troubles.map(String)).toEqual([expect.stringContaining("the row of source shop can't be read")]);
    const often = { ...orders, receiveCount: 30 };
    for (const [receiveCount, retryInMs] of [
      [2, 2_000],
      [9, 256_000],
      [10, 300_000],
      [30, 300_000],
      [2_000, 300_000],
    ] as const) {
      expect(await routeBatch(ports, [{ ...orders, receiveCount }])).toMatchObject([{ retryInMs }]);
    }
    await putRows(table, { "source#shop": { source: "shop" } });
    expect(await routeBatch(ports, [often])).toEqual([]);
    expect(sentTo()).toEqual(["mailer", "mailer"]);
  });
});
