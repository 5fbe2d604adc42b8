import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import type { ReceivedMessage } from "../../../shared/event-queue/event-queue.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { routeAgain } from "../../../shared/flows/deliver/route-message.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aClaimRequest, aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { aMessage, aRouter, done, failed, putRows, T0, turnoutOf } from "../../support/router.ts";

const DAY_MS = 86_400_000;
/** Its backoffs are a minute long, so that what fails is parked. */
const patient = (name: string) => aComponent({ name, retry: { baseDelayMs: 120_000, maxDelayMs: 120_000 } });

/** A router with one event whose deliveries to these components have failed and are parked for a minute. */
async function parkedAt(...broken: string[]) {
  const names = ["mailer", "invoice"];
  const answers = new Map<string, SendResult>(broken.map((name) => [name, failed]));
  const router = await aRouter({
    components: names.map(patient),
    target: async ({ component }) => answers.get(component) ?? done,
  });
  const message = aMessage({ project: "site" });
  expect(await routeBatch(router.ports, [message])).toEqual([]);
  answers.clear();
  const before = { sends: router.sends.length, reports: router.reports.length };
  router.calls.since();
  const entryOf = async (name: string) => {
    const entry = (await router.ledger()).find(({ component }) => component === name);
    if (entry === undefined) throw new Error(`no delivery to ${name}`);
    return entry;
  };
  return {
    ...router,
    message,
    answers,
    entryOf,
    /** What has been sent and reported since the event itself. */
    sentAgain: () => router.sends.slice(before.sends),
    reported: () => router.reports.slice(before.reports),
    /** Routes the sweeper's messages for these deliveries. */
    redeliver: async (...of: string[]) => {
      const entries = await Promise.all(of.map(entryOf));
      return routeBatch(router.ports, entries.map(aRedelivery));
    },
  };
}

function aRedelivery(entry: LedgerEntry, index = 0): ReceivedMessage {
  const sentAt = new Date(T0.getTime() + 62_000);
  return aMessage({ messageId: `redelivery-${index}`, sentAt, body: redeliveryBody(entry) });
}

describe("a redelivery", () => {
  it("goes only to its component, though others listen, and puts the delivery at rest", async () => {
    const { time, redeliver, sentAgain, ledger } = await parkedAt("mailer");
    await time.pass(60_000);
    expect(await redeliver("mailer")).toEqual([]);
    expect(sentAgain().map(({ component }) => component)).toEqual(["mailer"]);
    expect((await ledger()).map(({ component, status, attempt }) => [component, status, attempt])).toEqual([
      ["invoice", "done", 1],
      ["mailer", "done", 2],
    ]);
  });

  it("hands over the event's own text, with the number of the new attempt", async () => {
    const { time, redeliver, sends } = await parkedAt("mailer");
    await time.pass(60_000);
    await redeliver("mailer");
    const [first, second] = sends.filter(({ component }) => component === "mailer");
    const published = ({ payload = "" } = {}) => payload.slice(0, payload.indexOf(',"turnout":'));
    expect(published(second)).toBe(published(first));
    expect(turnoutOf(second)).toEqual({ ...turnoutOf(first), attempt: 2 });
  });

  it("goes where today's routing and directory send it", async () => {
    const { time, table, redeliver, sentAgain, entryOf } = await parkedAt("mailer");
    await putRows(table, {
      "project#site": aSubjectRow({ customer: "acme" }),
      "customer#acme": aSubjectRow({ plan: "paid", pins: { mailer: aPin() } }),
    });
    await time.pass(60_000);
    await redeliver("mailer");
    expect(sentAgain()).toMatchObject([{ alias: "beta" }]);
    expect(turnoutOf(sentAgain()[0])).toMatchObject({
      because: "customer pin",
      routingRevision: 2,
      subject: { project: "site", customer: "acme", plan: "paid" },
    });
    expect(await entryOf("mailer")).toMatchObject({ alias: "beta", because: "customer pin", routingRevision: 2 });
  });

  it("isn't sent to a component that doesn't listen to such events any more: the delivery is dead, and says why", async () => {
    const { time, table, redeliver, sentAgain, entryOf } = await parkedAt("mailer");
    await putRows(table, { "component#mailer": { ...patient("mailer"), pattern: { source: ["other"] } } });
    await time.pass(60_000);
    await redeliver("mailer");
    expect(sentAgain()).toEqual([]);
    expect(await entryOf("mailer")).toMatchObject({ status: "dead", error: { type: "NotListening" } });
  });

  it("isn't recorded again, and keeps the delivery's counting t0", async () => {
    const { time, redeliver, records, calls, entryOf } = await parkedAt("mailer");
    const before = await records();
    await time.pass(60_000);
    await redeliver("mailer");
    expect(await records()).toEqual(before);
    expect(calls.made).not.toContain("record");
    expect(await entryOf("mailer")).toMatchObject({ t0: T0 });
  });

  it("keeps its generation", async () => {
    const { ports, records, ledger, sends } = await aRouter();
    await routeBatch(ports, [aMessage()]);
    const [record] = await records();
    const { eventKey, payloadHash, t0 } = record ?? aClaimRequest();
    const body = redeliveryBody({
      component: "release-coordinator",
      generation: "replay-7",
      eventKey,
      payloadHash,
      t0,
    });
    expect(await routeBatch(ports, [aMessage({ body })])).toEqual([]);
    expect(turnoutOf(sends[1]).generation).toBe("replay-7");
    expect((await ledger()).map(({ generation, status }) => [generation, status])).toEqual([
      ["live", "done"],
      ["replay-7", "done"],
    ]);
  });

  it("is parked again when it fails again, with the failure counted", async () => {
    const { time, answers, redeliver, entryOf } = await parkedAt("mailer");
    await time.pass(60_000);
    answers.set("mailer", failed);
    expect(await redeliver("mailer")).toEqual([]);
    const dueAt = new Date(time.now().getTime() + 60_000);
    expect(await entryOf("mailer")).toMatchObject({ status: "failed", failures: 2, dueAt });
  });

  it("is made anew by the sweeper when its router ends in the middle and its message is gone", async () => {
    const { calls, time, events, redeliver, entryOf } = await parkedAt("mailer");
    await time.pass(60_000);
    const stuck = calls.hold("send mailer");
    const running = redeliver("mailer");
    await eventually(stuck.reached);
    const { leaseUntil } = await entryOf("mailer");
    expect(await events.due(leaseUntil, 10)).toEqual([]);
    expect(await events.due(new Date(leaseUntil.getTime() + 60_000), 10)).toMatchObject([
      { component: "mailer", status: "claimed", attempt: 2 },
    ]);
    stuck.release();
    await running;
  });

  it("a redelivery of a component that has been removed makes the delivery dead", async () => {
    const { time, table, redeliver, sentAgain, entryOf, reported } = await parkedAt("mailer");
    await putRows(table, { "component#mailer": null });
    await time.pass(60_000);
    expect(await redeliver("mailer")).toEqual([]);
    expect(sentAgain()).toEqual([]);
    expect(await entryOf("mailer")).toMatchObject({ status: "dead", error: { type: "NoComponent" } });
    expect(reported()).toMatchObject([{ component: "mailer", outcome: "dead", error: { type: "NoComponent" } }]);
  });

  it.each([
    ["has been removed after its retention", true],
    ["has expired, and hasn't been removed yet", false],
  ])("a redelivery of an event whose record %s makes the delivery dead", async (_, removed) => {
    const { time, events, redeliver, sentAgain, entryOf } = await parkedAt("mailer");
    await time.pass(30 * DAY_MS);
    if (removed) expect(await events.expire(time.now(), 100)).toBeGreaterThan(0);
    expect(await redeliver("mailer")).toEqual([]);
    expect(sentAgain()).toEqual([]);
    expect(await entryOf("mailer")).toMatchObject({ status: "dead", error: { type: "RecordGone" }, t0: T0 });
  });

  it("a redelivery has its event until the retention is over, and no longer", async () => {
    const { records, entryOf } = await parkedAt("mailer");
    const [record] = await records();
    if (record === undefined) throw new Error("nothing was recorded");
    const listener = { component: patient("mailer"), matches: () => true };
    const nothing = {
      missing: new Set<never>(),
      rowOf: () => undefined,
      subjectRow: () => undefined,
      problemOf: () => undefined,
    };
    const view = { revision: 1, listeners: [listener], held: [], ...nothing };
    const entry = await entryOf("mailer");
    const refusedAt = (ms: number) =>
      routeAgain(aRedelivery(entry), entry, record, view, new Date(ms)).routes[0]?.refused?.type;
    expect(refusedAt(record.expiresAt.getTime() - 1)).toBeUndefined();
    expect(refusedAt(record.expiresAt.getTime())).toBe("RecordGone");
  });

  it("a redelivery that comes up to 30 s early comes back when it is due", async () => {
    const { time, redeliver, sentAgain } = await parkedAt("mailer");
    await time.pass(30_000);
    expect(await redeliver("mailer")).toMatchObject([{ message: { messageId: "redelivery-0" }, retryInMs: 30_000 }]);
    expect(sentAgain()).toEqual([]);
  });

  it("a redelivery that comes earlier still is given up: the sweeper sends another", async () => {
    const { time, redeliver, entryOf } = await parkedAt("mailer");
    const before = await entryOf("mailer");
    await time.pass(29_999);
    expect(await redeliver("mailer")).toEqual([]);
    expect(await entryOf("mailer")).toEqual(before);
  });

  it("a redelivery of a delivery at rest is told as redelivered, and nothing is sent", async () => {
    const { time, redeliver, sentAgain, reported } = await parkedAt("mailer");
    await time.pass(60_000);
    expect(await redeliver("invoice")).toEqual([]);
    expect(sentAgain()).toEqual([]);
    expect(reported()).toMatchObject([{ component: "invoice", outcome: "redelivered" }]);
  });

  it("a redelivery that was sent twice makes one attempt, in one batch and in two", async () => {
    const { time, redeliver, sentAgain, reported } = await parkedAt("mailer");
    await time.pass(60_000);
    await redeliver("mailer", "mailer");
    await redeliver("mailer");
    expect(sentAgain()).toHaveLength(1);
    expect(reported().map(({ outcome }) => outcome)).toEqual(["done", "redelivered", "redelivered"]);
  });

  it("goes along with events in one batch", async () => {
    const { ports, time, entryOf, sentAgain } = await parkedAt("mailer", "invoice");
    await time.pass(60_000);
    const parked = aRedelivery(await entryOf("mailer"));
    expect(await routeBatch(ports, [aMessage({ messageId: "m-2", id: "event-2" }), parked])).toEqual([]);
    const told = sentAgain().map((send) => [send.component, turnoutOf(send).publisherKey, turnoutOf(send).attempt]);
    expect(told.toSorted()).toEqual([
      ["invoice", "event-2", 1],
      ["mailer", "event-1", 2],
      ["mailer", "event-2", 1],
    ]);
  });

  it("a redelivery that can't be read is kept as an unreadable event", async () => {
    const { ports, records } = await aRouter();
    expect(await routeBatch(ports, [aMessage({ body: '{"redelivery":{}}' })])).toEqual([]);
    expect(await records()).toMatchObject([{ rejected: expect.any(String), body: '{"redelivery":{}}' }]);
  });
});

describe("an event of which one delivery of two is parked", () => {
  it("is tried again only where it failed", async () => {
    const { time, events, entryOf, redeliver, sentAgain } = await parkedAt("mailer");
    expect(await entryOf("mailer")).toMatchObject({ status: "failed", dueAt: new Date(time.now().getTime() + 60_000) });
    await time.pass(60_000);
    const due = await events.due(time.now(), 10);
    expect(due.map(({ component }) => component)).toEqual(["mailer"]);
    await redeliver(...due.map(({ component }) => component));
    expect(sentAgain().map(({ component }) => component)).toEqual(["mailer"]);
    expect(await events.due(new Date(time.now().getTime() + DAY_MS), 10)).toEqual([]);
  });

  it.each([1_000, 59_999])("is a duplicate after %i ms when its publisher sends it again", async (ms) => {
    const { ports, time, sentAgain, reported, records, entryOf } = await parkedAt("mailer");
    const before = await entryOf("mailer");
    await time.pass(ms);
    const sentAt = new Date(T0.getTime() + ms);
    const repeated = aMessage({ messageId: "m-2", project: "site", sentAt });
    expect(await routeBatch(ports, [repeated])).toEqual([]);
    expect(sentAgain()).toEqual([]);
    expect(reported().map(({ outcome }) => outcome)).toEqual(["duplicate", "duplicate"]);
    expect(await records()).toHaveLength(2);
    expect(await entryOf("mailer")).toEqual(before);
  });

  it("needs its own message no longer: when that comes again, it is told as redelivered", async () => {
    const { ports, message, reported, sentAgain } = await parkedAt("mailer");
    expect(await routeBatch(ports, [{ ...message, receiveCount: 2 }])).toEqual([]);
    expect(sentAgain()).toEqual([]);
    expect(reported().map(({ outcome }) => outcome)).toEqual(["redelivered", "redelivered"]);
  });
});
