import { describe, expect, it } from "vitest";
import { deliveryMark } from "../../../shared/domain/deliveries/attempt-reference.ts";
import { deliveredEvent, type TurnoutField } from "../../../shared/domain/deliveries/delivered-event.ts";
import { deliveryKeyOf, eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import { readOutcome } from "../../../shared/domain/deliveries/outcome-message.ts";
import type { Send, SendResult } from "../../../shared/targets/target.ts";
import { type AsyncOptions, asyncInvocations } from "../../../shared/targets/worker/async-invocations.ts";
import { anEvent, anOrdersKey, bodyOf } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { done } from "../../support/router.ts";

const NOW = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(NOW.getTime() + ms);
const turnout: TurnoutField = {
  component: "mailer",
  alias: "beta",
  because: "default alias",
  fallback: false,
  idempotencyKey: anOrdersKey("order-1"),
  publisherKey: "order-1",
  generation: "live",
  attempt: 3,
  outcomeToken: "its token",
  routingRevision: 1,
  subject: {},
  replay: null,
};

function aSend(about: Partial<Send> = {}): Send {
  return {
    component: "mailer",
    alias: "beta",
    address: { kind: "worker" },
    invocation: { kind: "async", maxEventAgeMs: 60_000 },
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    subject: {},
    payload: deliveredEvent(bodyOf(anEvent({ idempotencyKey: "order-1" })), turnout),
    idempotencyKey: "key-1",
    lapses: 0,
    requestId: "request-1",
    timeoutMs: 30_000,
    latestStart: plus(3_000),
    ...about,
  };
}

/** Asynchronous invocation of something that answers when the test says so. */
function aTarget(options: Partial<AsyncOptions> = {}) {
  const runs: { send: Send; end: (result: SendResult) => void }[] = [];
  const told: string[] = [];
  const errors: unknown[] = [];
  const target = asyncInvocations({
    run: (send) => new Promise((end) => void runs.push({ send, end })),
    tell: async (record) => void told.push(record),
    now: () => NOW,
    delay: async () => {},
    onError: (error) => void errors.push(error),
    ...options,
  });
  return { target, runs, told, errors };
}

/** From the second look on at the end of the hour that an event may wait here. */
function anHourLater(): () => Date {
  let looks = 0;
  return () => (looks++ === 0 ? NOW : new Date(NOW.getTime() + 3_600_000));
}

const accepted = { outcome: "accepted", durationMs: 0 };

describe("an asynchronous send", () => {
  it("is accepted at once, and may begin as late as its component lets events wait", async () => {
    const { target, runs, told } = aTarget();
    const send = aSend();
    expect(await target(send)).toEqual(accepted);
    expect(runs.map((run) => run.send)).toEqual([{ ...send, latestStart: plus(60_000) }]);
    expect(told).toEqual([]);
  });

  const eventKey = eventKeyOf("shop", "order placed", "order-1");
  const named = {
    eventKey,
    mark: deliveryMark(deliveryKeyOf("mailer", eventKey, "live")),
    attempt: 3,
    functionArn: "arn:aws:lambda:local:000000000000:function:mailer",
    token: "its token",
    tokenChars: 43,
    requestId: "request-1",
    event: { eventId: "event-1", source: "shop", type: "order placed", subject: {} },
  };
  const error = { type: "TypeError", message: "x is undefined" };
  it.each<[string, SendResult, object]>([
    ["done", { ...done, executedVersion: "23" } as SendResult, { outcome: "done", executedVersion: "23" }],
    [
      "failed",
      { outcome: "failed", error, executedVersion: "23", durationMs: 5 },
      { outcome: "failed", error, executedVersion: "23" },
    ],
    ["failed without a version", { outcome: "failed", error, durationMs: 5 }, { outcome: "failed", error }],
    ["too old before it began", { outcome: "throttled", error }, { outcome: "throttled", error: { ...error } }],
  ])("that is %s tells so, and the outcomes' reader knows which attempt it was", async (_, ended, result) => {
    const { target, runs, told } = aTarget({ now: anHourLater() });
    await target(aSend());
    runs[0]?.end(ended);
    await eventually(() => told.length === 1);
    expect(readOutcome(told[0] ?? "")).toEqual({ ok: true, value: { ...named, result } });
  });

  it("tells as Lambda does: who was invoked, when it ended, and why it never began", async () => {
    const { target, runs, told } = aTarget({ now: anHourLater() });
    await target(aSend());
    runs[0]?.end({ outcome: "throttled", error });
    await eventually(() => told.length === 1);
    expect(JSON.parse(told[0] ?? "")).toMatchObject({
      version: "1.0",
      timestamp: "2026-11-20T11:00:00.000Z",
      requestContext: {
        requestId: "request-1",
        functionArn: "arn:aws:lambda:local:000000000000:function:mailer:beta",
        condition: "EventAgeExceeded",
      },
    });
  });

  it("that could not begin is tried again while it may wait, when its version is up again or a second later", async () => {
    const waited: number[] = [];
    const { target, runs, told } = aTarget({ delay: async (ms) => void waited.push(ms) });
    await target(aSend());
    runs[0]?.end({ outcome: "throttled", error });
    await eventually(() => runs.length === 2);
    runs[1]?.end({ outcome: "throttled", error, retryAt: new Date(NOW.getTime() + 4_000) });
    await eventually(() => runs.length === 3);
    runs[2]?.end(done);
    await eventually(() => told.length === 1);
    expect(waited).toEqual([1_000, 4_000]);
    expect(JSON.parse(told[0] ?? "")).toMatchObject({ requestContext: { condition: "Success" } });
  });

  it("an asynchronous send that is ended with the process tells nothing: its deadline has it tried again", async () => {
    const { target, runs, told, errors } = aTarget({ maxTaken: 1 });
    await target(aSend());
    runs[0]?.end({ outcome: "throttled", error: { type: "ShuttingDown", message: "Turnout is being stopped" } });
    await eventually(async () => (await target(aSend())).outcome === "accepted");
    expect([told, errors]).toEqual([[], []]);
  });

  it("is throttled when as many have been taken as may be, until one of them has ended", async () => {
    const { target, runs, told } = aTarget({ maxTaken: 2 });
    expect([await target(aSend()), await target(aSend())]).toEqual([accepted, accepted]);
    expect(await target(aSend())).toMatchObject({ outcome: "throttled", error: { type: "NoRoom" } });
    expect(runs).toHaveLength(2);
    runs[0]?.end(done);
    await eventually(() => told.length === 1);
    await eventually(async () => (await target(aSend())).outcome === "accepted");
    expect(await target(aSend())).toMatchObject({ outcome: "throttled" });
  });

  it("takes no room from another component or alias", async () => {
    const { target } = aTarget({ maxTaken: 1 });
    expect([await target(aSend()), await target(aSend({ alias: "other" }))]).toEqual([accepted, accepted]);
    expect(await target(aSend({ component: "other" }))).toEqual(accepted);
    expect(await target(aSend())).toMatchObject({ outcome: "throttled" });
  });

  it.each<[string, Partial<AsyncOptions>, RegExp]>([
    ["the record can't be put into its queue", { run: async () => done, tell: fails }, /the queue is away/],
    ["the run throws", { run: fails }, /the queue is away/],
    [
      "the run is answered as if it were asynchronous",
      { run: async () => ({ outcome: "accepted", durationMs: 1 }) },
      /mailer 'beta'/,
    ],
  ])("gives back its room and says what went wrong when %s", async (_, options, problem) => {
    const { target, errors, told } = aTarget({ maxTaken: 1, ...options });
    expect(await target(aSend())).toEqual(accepted);
    await eventually(() => errors.length === 1);
    expect(String(errors[0])).toMatch(problem);
    await eventually(async () => (await target(aSend())).outcome === "accepted");
    expect(told).toEqual([]);
  });
});

async function fails(): Promise<never> {
  throw new Error("the queue is away");
}

it("a synchronous send goes straight through, whatever is waiting", async () => {
  const { target, runs, told } = aTarget({ maxTaken: 1 });
  await target(aSend());
  const send = aSend({ invocation: { kind: "sync" } });
  const answer = target(send);
  expect(runs[1]?.send).toBe(send);
  runs[1]?.end(done);
  expect(await answer).toEqual(done);
  expect(told).toEqual([]);
});
