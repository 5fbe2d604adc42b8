import { describe, expect, it } from "vitest";
import type { BusEvent } from "../../../shared/domain/events/event.ts";
import type { ReceivedMessage } from "../../../shared/event-queue/event-queue.ts";
import { sqliteEventQueue } from "../../../shared/event-queue/sqlite-event-queue.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { parseEvent } from "../../../shared/flows/deliver/route-message.ts";
import { routeOnArrival } from "../../../shared/flows/deliver/route-on-arrival.ts";
import { sweep } from "../../../shared/flows/deliver/sweep.ts";
import { aComponent, anEvent, bodyOf } from "../../support/builders.ts";
import { surrounded } from "../../support/port-calls.ts";
import { aRouter, done, failed, putRows, type RouterOptions } from "../../support/router.ts";

const mailer = aComponent({ name: "mailer" });
const invoice = aComponent({ name: "invoice" });

/** A router that routes on arrival, with its queue, which nobody works off by itself. */
async function anArrival(options: RouterOptions = {}) {
  const router = await aRouter(options);
  const { ports, database, time, calls, events } = router;
  const queue = sqliteEventQueue(database);
  await queue.becomeOnlyConsumer();
  await queue.receive(1, 1, time.now());
  const all = { ...ports, queue: surrounded(queue, ["keep"], calls.around) };
  const arrive = (...keys: string[]) =>
    arriveAs(...keys.map((key) => anEvent({ id: `event-${key}`, idempotencyKey: key, customer: "acme" })));
  const arriveAs = async (...arriving: BusEvent[]) => {
    const bodies = arriving.map(bodyOf);
    const messages = queue.admit(bodies, time.now()) ?? [];
    const [batch] = await routeOnArrival(all, [messages.map(parseEvent)]);
    await batch?.end.finally(() => queue.leave(messages));
  };
  /** What is in the queue now, as it is received. */
  const queued = () => queue.receive(10, 60_000, time.now());
  const workOff = async (messages: readonly ReceivedMessage[]) => {
    const back = await routeBatch(ports, messages);
    const left = new Set(back.map(({ message }) => message));
    await queue.delete(messages.filter((message) => !left.has(message)).map(({ receiptHandle }) => receiptHandle));
    return back;
  };
  const sweepNow = () => sweep({ events, queue, now: time.now }, new Date("2100-01-01"));
  const afterCrash = async () => {
    await events.endLeases(time.now());
    return sweepNow();
  };
  return { ...router, queue, arrive, arriveAs, queued, workOff, sweepNow, afterCrash };
}

describe("an event that is routed as it arrives", () => {
  it("is recorded, claimed, sent and closed, and never in the queue", async () => {
    const { arrive, sends, records, ledger, queued, calls, reports } = await anArrival({
      components: [mailer, invoice],
    });
    await arrive("warm");
    calls.since();
    await arrive("a", "b");
    expect(calls.since()).toEqual([
      "recordAndClaim",
      "head",
      ...["send invoice", "send mailer", "send invoice", "send mailer"],
      "close",
    ]);
    expect(sends).toHaveLength(6);
    expect((await records()).map(({ idempotencyKey }) => idempotencyKey)).toEqual(["warm", "a", "b"]);
    expect((await ledger()).map(({ status, dueAt }) => ({ status, dueAt }))).toEqual(
      Array(6).fill({ status: "done", dueAt: undefined }),
    );
    expect(reports.map(({ outcome }) => outcome)).toEqual(Array(6).fill("done"));
    expect(await queued()).toEqual([]);
  });

  it("is safe before anything is sent: whoever comes after a crash makes it, once", async () => {
    const { arrive, calls, sends, ledger, queued, workOff, afterCrash, reports } = await anArrival();
    const sent = calls.hold("send release-coordinator");
    void arrive("a");
    await expect.poll(sent.reached).toBe(true);
    expect(await ledger()).toMatchObject([{ status: "claimed", dueAt: expect.any(Date) }]);
    expect(await queued()).toEqual([]);

    expect(await afterCrash()).toMatchObject({ redelivered: 1 });
    await workOff(await queued());
    expect(sends).toHaveLength(2);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 2, lapses: 1 }]);
    sent.release();
    await expect.poll(() => reports.map(({ outcome }) => outcome)).toEqual(["done", "superseded"]);
  });

  it("is nowhere where its record can't be stored with its claims, and nothing is sent", async () => {
    const { arrive, calls, sends, records, ledger, queued } = await anArrival();
    calls.fail("recordAndClaim");
    await expect(arrive("a")).rejects.toThrow("recordAndClaim failed");
    expect([sends, await records(), await ledger(), await queued()]).toEqual([[], [], [], []]);
  });

  it("is nowhere where the routing can't be looked at, and nothing is sent", async () => {
    const { arrive, calls, sends, records, ledger, queued } = await anArrival();
    calls.fail("head");
    await expect(arrive("a")).rejects.toThrow("head failed");
    expect([sends, await records(), await ledger(), await queued()]).toEqual([[], [], [], []]);
  });

  it("is stored by nobody but the queue where a component has had another one under its key", async () => {
    const late = aComponent({ name: "late", pattern: { detail: { late: [true] } } });
    const { arriveAs, calls, records, ledger, sends } = await anArrival({ components: [mailer, late] });
    await arriveAs(anEvent({ idempotencyKey: "a" }));
    const kept = calls.hold("keep");
    const arrived = arriveAs(anEvent({ id: "event-2", idempotencyKey: "a", detail: { late: true } }));
    await expect.poll(kept.reached).toBe(true);
    // The process may end here: what was recorded would wait for ever, at a component that can't tell that it refused it.
    expect((await records()).map(({ id }) => id)).toEqual(["event-1"]);
    expect((await ledger()).map(({ component }) => component)).toEqual(["mailer"]);
    kept.release();
    await arrived;
    expect(sends).toHaveLength(1);
  });

  it("goes by the queue from when it has failed, at its place, with its backoff and its group", async () => {
    let target = failed;
    const { arrive, queued, workOff, time, ledger } = await anArrival({ target: async () => target });
    await arrive("a");
    expect(await ledger()).toMatchObject([{ status: "failed", dueAt: expect.any(Date) }]);
    expect(await queued()).toEqual([]);
    await time.pass(250);
    const messages = await queued();
    expect(messages).toMatchObject([{ receiveCount: 2, group: "customer#acme", sequence: expect.any(Number) }]);
    target = done as typeof target;
    expect(await workOff(messages)).toEqual([]);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 2, failures: 1 }]);
  });

  it("is tried again when it is due, and no later, where a restart shows its message before that", async () => {
    const { arrive, queue, queued, workOff, ledger } = await anArrival({ target: async () => failed });
    await arrive("a");
    const [entry] = await ledger();
    await queue.becomeOnlyConsumer();
    const messages = await queued();
    expect(messages).toHaveLength(1);
    expect(await workOff(messages)).toMatchObject([{ retryInMs: 250 }]);
    expect(await ledger()).toEqual([entry]);
  });

  it("is tried again when it is due, and no earlier, where a crash came between its failure and the queue", async () => {
    let target = failed;
    const { arrive, calls, queued, workOff, time, ledger, sends, sweepNow, afterCrash } = await anArrival({
      target: async () => target,
    });
    calls.hold("keep");
    void arrive("a");
    await expect.poll(async () => (await ledger()).map(({ status }) => status)).toEqual(["failed"]);
    expect(await afterCrash()).toMatchObject({ redelivered: 0 });
    await time.pass(250);
    expect(await sweepNow()).toMatchObject({ redelivered: 1 });
    target = done as typeof target;
    expect(await workOff(await queued())).toEqual([]);
    expect(sends).toHaveLength(2);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 2, failures: 1, lapses: 0 }]);
  });

  it("is brought back once where its message was written before the crash", async () => {
    const { arrive, queue, queued, workOff, time, sends, ledger, sweepNow, afterCrash } = await anArrival({
      target: async () => failed,
    });
    await arrive("a");
    await queue.becomeOnlyConsumer();
    expect(await afterCrash()).toMatchObject({ redelivered: 0 });
    expect(await workOff(await queued())).toEqual([]);
    await time.pass(250);
    expect(await sweepNow()).toMatchObject({ redelivered: 1 });
    expect(await afterCrash()).toMatchObject({ redelivered: 0 });
    const messages = await queued();
    expect(messages).toHaveLength(1);
    await workOff(messages);
    expect(sends).toHaveLength(2);
    expect(await ledger()).toMatchObject([{ status: "failed", attempt: 2, failures: 2 }]);
  });

  it("goes by the queue as a repeat where its key came before, told as a duplicate", async () => {
    const { arrive, queued, workOff, sends, reports } = await anArrival();
    await arrive("a");
    await arrive("a");
    const messages = await queued();
    expect(messages).toMatchObject([{ receiveCount: 1 }]);
    expect(await workOff(messages)).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["done", "duplicate"]);
  });

  it("isn't begun where a repeat beside it can't be put into the queue", async () => {
    const { arrive, calls, sends, ledger } = await anArrival();
    await arrive("a");
    calls.fail("keep");
    await expect(arrive("a", "b")).rejects.toThrow("keep failed");
    expect(sends).toHaveLength(1);
    expect(await ledger()).toMatchObject([{ status: "done" }]);
  });

  it("goes by the queue where the same key stands twice in what arrives", async () => {
    const { arrive, queued, workOff, sends, reports } = await anArrival();
    await arrive("a", "a");
    await workOff(await queued());
    expect(sends).toHaveLength(1);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["done", "duplicate"]);
  });

  it("waits in the queue while its source's row can't be read, with nothing stored of it", async () => {
    const { arrive, queued, damage, records } = await anArrival({ rows: { "source#shop": { source: "shop" } } });
    damage("source#shop", "{");
    await arrive("a");
    expect(await records()).toEqual([]);
    expect(await queued()).toHaveLength(1);
  });

  it("goes where a change committed meanwhile sends it, with no trace of its first claims", async () => {
    const { arrive, calls, table, sends, ledger } = await anArrival({ components: [mailer] });
    await arrive("before");
    const head = calls.hold("head");
    const arrived = arrive("a");
    await expect.poll(head.reached).toBe(true);
    await putRows(table, { "component#mailer": null, "component#invoice": invoice });
    head.release();
    await arrived;
    expect(sends.map(({ component }) => component)).toEqual(["mailer", "invoice"]);
    expect((await ledger()).map(({ component }) => component).toSorted()).toEqual(["invoice", "mailer"]);
  });

  it("comes back where its close can't be written", async () => {
    const { arrive, calls, queued, time, troubles, ledger } = await anArrival();
    const close = calls.hold("close");
    const arrived = arrive("a");
    await expect.poll(close.reached).toBe(true);
    // Longer than its lease.
    await time.pass(120_000);
    calls.fail("close");
    close.release();
    await arrived;
    expect(troubles).toEqual([]);
    expect(await ledger()).toMatchObject([{ status: "done" }]);
    expect(await queued()).toEqual([]);
  });
});
