import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliveredKey } from "../../../shared/domain/deliveries/delivered-event.ts";
import { eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import type { StoredEvents } from "../../../shared/event-store/event-store.ts";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { explainDelivery, findEvents } from "../../../shared/flows/explain/explain-event.ts";
import { anyEdit, anySubject } from "../../support/any-routing.ts";
import { type AboutEvent, aComponent, anEvent, aPin, aRecord, aSubjectRow, bodyOf } from "../../support/builders.ts";
import { aMessage, aRouter, putRows, T0 } from "../../support/router.ts";

const mailer = aComponent({ name: "mailer" });

const window = { from: new Date(0), to: new Date("2100-01-01") };

describe("the explanation of a delivery", () => {
  it("says what the ledger says was done, whatever the routing was then and became since", async () => {
    const step = fc.record({ edit: anyEdit, subject: anySubject });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        const { ports, table, events, time } = await aRouter({ components: [aComponent({ name: "mailer" })] });
        for (const [n, { edit, subject }] of steps.entries()) {
          const meta = { who: "ada", why: "", command: "test", at: time.now() };
          await changeRoutes(table, { ...meta, changeId: `edit-${n}`, edit });
          await routeBatch(ports, [aMessage({ ...(subject as AboutEvent), id: `e-${n}`, messageId: `m-${n}` })]);
        }
        for (const [n] of steps.entries()) {
          const [found] = await Array.fromAsync(findEvents(events, window, `e-${n}`, T0));
          for (const outcome of found?.outcomes ?? []) {
            const { entry, atDecision, component } = await explainDelivery(table, outcome, time.now());
            if (component === undefined) continue;
            expect(atDecision?.revision).toBe(entry?.routingRevision);
            expect(atDecision?.decision).toMatchObject({ alias: entry?.alias, because: entry?.because });
            expect(atDecision?.subject).toEqual(found?.record.subject);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("looks at periods as of the claim, not of today", async () => {
    const until = new Date(T0.getTime() + 60_000).toISOString();
    const rows = { "customer#acme": aSubjectRow({ pins: { "release-coordinator": aPin({ until }) } }) } as const;
    const { ports, table, events, time } = await aRouter({ rows });
    const decidedAt = time.now();
    await routeBatch(ports, [aMessage({ customer: "acme" })]);
    const outcome = await theOutcome(events, "event-1");
    const later = new Date(time.now().getTime() + 3_600_000);
    const explained = await explainDelivery(table, outcome, later);
    expect(explained.atDecision?.decision.because).toBe("customer pin");
    expect(explained.decidedAt).toEqual(decidedAt);
    expect(explained.now).toMatchObject({ decision: { because: "default alias" } });
  });

  it("is left out where nothing was decided: an unreadable event, one that nobody listened to", async () => {
    const component = aComponent({ pattern: { source: ["elsewhere"] } });
    const { ports, table, events, time } = await aRouter({ components: [component] });
    await routeBatch(ports, [aMessage({ messageId: "bad", body: "{" }), aMessage({ id: "unheard" })]);
    for (const name of ["bad", "unheard"]) {
      const outcome = await theOutcome(events, name);
      expect(await explainDelivery(table, outcome, time.now())).toEqual(outcome);
    }
  });

  it("says of a delivery that nobody has claimed only what would be decided now", async () => {
    const { table, events, time } = await aRouter({ components: [mailer] });
    await events.record([aRecord({ id: "e-1", components: ["mailer"], body: bodyOf(anEvent()) })]);
    const { now, atDecision, status } = await explainDelivery(table, await theOutcome(events, "e-1"), time.now());
    expect(status).toBe("waiting");
    expect(now).toMatchObject({ decision: { alias: "stable" } });
    expect(atDecision).toBeUndefined();
  });

  it("shows the source's row, which says where the event carries its subject, and what an event may not ask for", async () => {
    const source = { source: "shop", customer: "detail.buyer" };
    const { ports, table, events, time } = await aRouter({ components: [mailer], rows: { "source#shop": source } });
    await routeBatch(ports, [aMessage({ id: "e-1", detail: { buyer: "acme" }, metadata: { alias: "beta" } })]);
    const { atDecision } = await explainDelivery(table, await theOutcome(events, "e-1"), time.now());
    expect(atDecision?.subject).toEqual({ customer: "acme" });
    expect(atDecision?.rows).toContainEqual({ key: "source#shop", row: source });
    expect(atDecision?.decision.passedOver[0]).toEqual({
      rule: "alias in the event",
      why: "an event can't choose its alias: 'beta' ignored",
    });
  });

  it("takes the laptop that it went to for there, and asks today's leases who listens now", async () => {
    const aliases = { stable: { target: { kind: "worker" } }, "laptop-ada": { target: { kind: "laptop" } } } as const;
    const acme = aSubjectRow({ pins: { mailer: aPin({ alias: "laptop-ada" }) } });
    const component = aComponent({ name: "mailer", aliases });
    const { ports, table, events, time } = await aRouter({ components: [component], rows: { "customer#acme": acme } });
    await routeBatch(ports, [aMessage({ id: "e-1", customer: "acme" })]);
    const outcome = await theOutcome(events, "e-1");
    const explained = await explainDelivery(table, outcome, time.now(), { readLeases: async () => [] });
    expect(outcome.entry?.alias).toBe("laptop-ada");
    expect(explained.atDecision?.decision).toMatchObject({ alias: "laptop-ada", fallback: false });
    expect(explained.now).toMatchObject({ decision: { alias: "stable", fallback: true } });
    const untold = await explainDelivery(table, outcome, time.now());
    expect(untold.now).toMatchObject({ decision: { alias: "laptop-ada", fallback: false } });
    // It went elsewhere, as nobody listened: then no laptop was there.
    const entry = { ...(outcome.entry ?? never()), alias: "stable" };
    const elsewhere = await explainDelivery(table, { ...outcome, entry }, time.now());
    expect(elsewhere.atDecision?.decision).toMatchObject({ alias: "stable", fallback: true });
  });

  it("says when the component has gone since, and when its row can't be read", async () => {
    const { ports, table, events, time, damage } = await aRouter({ components: [mailer] });
    await routeBatch(ports, [aMessage({ id: "e-1" })]);
    const outcome = await theOutcome(events, "e-1");
    damage("component#mailer", "{");
    const problem = expect.stringContaining("not JSON");
    expect(await explainDelivery(table, outcome, time.now())).toMatchObject({ now: { problem } });
    await putRows(table, { "component#mailer": null });
    expect((await explainDelivery(table, outcome, time.now())).now).toBeUndefined();
  });

  it("says nothing of when a delivery was decided whose ledger entry can't be read", async () => {
    const { ports, table, events, time, damageEntries } = await aRouter({ components: [mailer] });
    await routeBatch(ports, [aMessage({ id: "e-1" })]);
    damageEntries("{");
    const outcome = await theOutcome(events, "e-1");
    const { atDecision, decidedAt, now } = await explainDelivery(table, outcome, time.now());
    expect([outcome.status, atDecision, decidedAt]).toEqual(["dead", undefined, undefined]);
    expect(now).toMatchObject({ decision: { alias: "stable" } });
  });
});

describe("a stored event", () => {
  async function found(wanted: string): Promise<string[]> {
    const { ports, events } = await aRouter({ components: [mailer] });
    await routeBatch(ports, [
      aMessage({ id: "e-1", idempotencyKey: "order-1" }),
      aMessage({ id: "e-2", idempotencyKey: "order-2", messageId: "message-2" }),
    ]);
    const all = await Array.fromAsync(findEvents(events, window, wanted, T0));
    return all.map(({ record, outcomes }) => `${record.id} ${outcomes.map(({ status }) => status)}`);
  }
  const key = eventKeyOf("shop", "order placed", "order-1");

  it.each([
    ["its id", "e-1"],
    ["its publisher's key", "order-1"],
    ["its own key", key],
    ["six characters of its key", key.slice(0, 6)],
    ["the first character of its key", key.slice(0, 2)],
    ["the key that a consumer saw", deliveredKey(key, "live")],
    ["the key that a consumer saw in a replay", deliveredKey(key, "replay-1")],
  ])("is found by %s, with what became of it", async (_, wanted) => {
    expect(await found(wanted)).toEqual(["e-1 done"]);
  });

  it("is found by its very name rather than by the beginning of another's", async () => {
    expect(await found("e-")).toEqual(["e-1 done", "e-2 done"]);
    expect(await found("order-1")).toEqual(["e-1 done"]);
  });

  it("is one of a hundred at most of those whose names begin so", async () => {
    const { events } = await aRouter({ components: [mailer] });
    const named = (n: number) => ({ eventKey: `key-${n}`, idempotencyKey: `order-${n}`, id: `e-${n}` });
    await events.record(Array.from({ length: 101 }, (_, n) => aRecord({ ...named(n), components: ["mailer"] })));
    expect(await Array.fromAsync(findEvents(events, window, "order-", T0))).toHaveLength(100);
  });

  it.each([
    ["the end of its key", key.slice(-20)],
    ["more than its id", "e-1 "],
  ])("isn't found by %s", async (_, wanted) => {
    expect(await found(wanted)).toEqual([]);
  });
});

function never(): never {
  throw new Error("it was never claimed");
}

async function theOutcome(events: StoredEvents, id: string): Promise<EventOutcome> {
  const [found] = await Array.fromAsync(findEvents(events, window, id, T0));
  const [outcome] = found?.outcomes ?? [];
  if (outcome === undefined) throw new Error(`${id} has no outcome`);
  return outcome;
}
