import { describe, expect, it, onTestFinished } from "vitest";
import type { Close } from "../../../shared/domain/deliveries/delivery.ts";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import { sqliteEventQueue } from "../../../shared/event-queue/sqlite-event-queue.ts";
import { sqliteEventStore } from "../../../shared/event-store/sqlite-event-store.ts";
import { sweep } from "../../../shared/flows/deliver/sweep.ts";
import { openDatabase } from "../../../shared/sqlite/database.ts";
import { simulatedTime } from "../../simulation/simulated-time.ts";
import { aClaimRequest } from "../../support/builders.ts";
import { portCalls, surrounded } from "../../support/port-calls.ts";

const never = new Date("2100-01-01T00:00:00.000Z");
const QUARTER_OF_AN_HOUR = 900_000;

/** A sweeper on SQLite in memory, with so many deliveries that failed and are due in a minute, each for its own event. */
async function aSweeper({ parked = 0 } = {}) {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const events = sqliteEventStore(database);
  const queue = sqliteEventQueue(database);
  const [time, calls] = [simulatedTime(), portCalls()];
  const requests = Array.from({ length: parked }, (_, n) => aClaimRequest({ idempotencyKey: `event-${n}` }));
  const at = time.now();
  const dueAt = new Date(at.getTime() + 60_000);
  const error = { type: "Broken", message: "it broke" };
  await events.claim(requests, "ada", at);
  await events.close(
    requests.map(({ deliveryKey }): Close => {
      return { deliveryKey, attempt: 1, at, outcome: "failed", error, nextAttemptAt: dueAt, dueAt };
    }),
  );
  const ports = {
    events: surrounded(events, ["due", "handOver", "expire"], calls.around),
    queue: surrounded(queue, ["send"], calls.around),
    now: time.now,
  };
  return {
    events,
    time,
    calls,
    requests,
    dueAt,
    sweep: (until = never) => sweep(ports, until),
    send: (body: string) => queue.send([body], time.now()),
    /** The messages in the queue, in their order. */
    messages: async () => (await queue.receive(1_000, 1, time.now())).map(({ body }) => body),
  };
}

describe("a sweep", () => {
  it("puts what comes back to a component behind what is new, as far as it is more than its share", async () => {
    const sweeper = await aSweeper({ parked: 200 });
    await sweeper.time.pass(60_000);
    await sweeper.sweep();
    await sweeper.time.pass(10);
    await sweeper.send("new");
    expect((await sweeper.messages()).indexOf("new")).toBeLessThan(5);
  });

  it("sends a message for each delivery whose time has come, and not again for a quarter of an hour", async () => {
    const sweeper = await aSweeper({ parked: 3 });
    const { time, requests, messages, events } = sweeper;
    await time.pass(59_999);
    expect(await sweeper.sweep()).toEqual({ redelivered: 0, expired: 0 });
    await time.pass(1);
    expect(await sweeper.sweep()).toEqual({ redelivered: 3, expired: 0 });
    expect(await messages()).toEqual(requests.map(redeliveryBody));
    await time.pass(QUARTER_OF_AN_HOUR - 1);
    expect(await sweeper.sweep()).toEqual({ redelivered: 0, expired: 0 });
    await time.pass(1);
    expect((await events.due(time.now(), 10)).length).toBe(3);
  });

  it("sends before it notes that it did", async () => {
    const { calls, time, sweep: run } = await aSweeper({ parked: 1 });
    await time.pass(60_000);
    await run();
    expect(calls.made).toEqual(["due", "send", "handOver", "expire"]);
  });

  it.each([
    ["its message can't be sent", "send", "before", 3],
    ["the answer to its message is lost", "send", "after", 6],
    ["it ends before it has noted what was sent", "handOver", "before", 6],
    ["the answer to its note is lost", "handOver", "after", 3],
  ] as const)("loses nothing when %s", async (_, call, when, sent) => {
    const { calls, time, requests, messages, sweep: run } = await aSweeper({ parked: 3 });
    await time.pass(60_000);
    calls.fail(call, when);
    await expect(run()).rejects.toThrow(`${call} failed`);
    await run();
    const bodies = await messages();
    expect(bodies).toHaveLength(sent);
    expect(new Set(bodies)).toEqual(new Set(requests.map(redeliveryBody)));
  });

  it("takes all that is due, a hundred at a time", async () => {
    const { calls, time, messages, sweep: run } = await aSweeper({ parked: 250 });
    await time.pass(60_000);
    expect(await run()).toEqual({ redelivered: 250, expired: 0 });
    expect(calls.made.filter((call) => call === "send")).toHaveLength(3);
    expect(new Set(await messages()).size).toBe(250);
  });

  it("stops when its time is up, with what it has begun finished; the rest is due the next time", async () => {
    const sweeper = await aSweeper({ parked: 250 });
    const { calls, time, events } = sweeper;
    await time.pass(60_000);
    const sending = calls.hold("send");
    const run = sweeper.sweep(new Date(time.now().getTime() + 5_000));
    await time.pass(5_000);
    sending.release();
    expect(await run).toEqual({ redelivered: 100, expired: 0 });
    expect((await events.due(time.now(), 1_000)).length).toBe(150);
  });

  it("a sweep that has no time at all does nothing", async () => {
    const { calls, time, sweep: run } = await aSweeper({ parked: 1 });
    await time.pass(60_000);
    expect(await run(time.now())).toEqual({ redelivered: 0, expired: 0 });
    expect(calls.made).toEqual([]);
  });

  it("sends nothing when nothing is due", async () => {
    const { calls, sweep: run } = await aSweeper();
    await run();
    expect(calls.made).toEqual(["due", "expire"]);
  });

  it("leaves a delivery alone that was claimed while its message was being sent", async () => {
    const { calls, time, events, requests, sweep: run } = await aSweeper({ parked: 1 });
    await time.pass(60_000);
    const noting = calls.hold("handOver");
    const running = run();
    await time.pass(0);
    await events.claim(requests, "ben", time.now());
    noting.release();
    await running;
    const [entry] = [...(await events.deliveriesOf(requests.map(({ eventKey }) => eventKey))).values()].flat();
    expect(entry).toMatchObject({ status: "claimed", attempt: 2, owner: "ben" });
    expect(entry?.dueAt).toEqual(new Date((entry?.leaseUntil.getTime() ?? 0) + 60_000));
  });

  it("leaves a delivery alone whose outcome came while its message was being sent", async () => {
    const { calls, time, events, requests, dueAt, sweep: run } = await aSweeper({ parked: 1 });
    await time.pass(60_000);
    await events.claim(requests, "ben", time.now());
    const [deliveryKey = ""] = requests.map((request) => request.deliveryKey);
    const at = time.now();
    await events.close([{ deliveryKey, attempt: 2, at, outcome: "accepted", nextAttemptAt: dueAt, dueAt }]);
    const noting = calls.hold("handOver");
    const running = run();
    await time.pass(0);
    await events.close([{ deliveryKey, attempt: 2, at, outcome: "done" }]);
    noting.release();
    expect(await running).toMatchObject({ redelivered: 1 });
    const [entry] = [...(await events.deliveriesOf(requests.map(({ eventKey }) => eventKey))).values()].flat();
    expect(entry).toMatchObject({ status: "done", attempt: 2 });
    expect(entry).not.toHaveProperty("dueAt");
  });

  it("begins to remove nothing at the very moment that its time is up", async () => {
    const { events, time, calls } = await aSweeper();
    const [until, queue] = [time.now(), { send: async () => [] }];
    const moments = [new Date(until.getTime() - 1), until];
    const ports = { events: surrounded(events, ["expire"], calls.around), queue, now: () => moments.shift() ?? until };
    expect(await sweep(ports, until)).toEqual({ redelivered: 0, expired: 0 });
    expect(calls.made.filter((call) => call === "expire")).toEqual([]);
  });

  it("removes what has expired, however much, until its time is up", async () => {
    const { events, time, sweep: run } = await aSweeper();
    const expiresAt = new Date(time.now().getTime() + 1_000);
    const requests = Array.from({ length: 250 }, (_, n) => aClaimRequest({ idempotencyKey: `old-${n}`, expiresAt }));
    const kept = aClaimRequest({ idempotencyKey: "kept" });
    await events.claim([...requests, kept], "ada", time.now());
    expect(await run()).toEqual({ redelivered: 0, expired: 0 });
    await time.pass(1_000);
    expect(await run(time.now())).toEqual({ redelivered: 0, expired: 0 });
    expect(await run()).toEqual({ redelivered: 0, expired: 250 });
    const left = await events.deliveriesOf([...requests, kept].map(({ eventKey }) => eventKey));
    expect([...left.keys()]).toEqual([kept.eventKey]);
  });
});
