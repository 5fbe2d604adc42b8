import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttemptResult, BroughtBackBy, SettledAttempt } from "../../../shared/domain/deliveries/settle-attempt.ts";
import { closeOf, lookedAfterBy } from "../../../shared/domain/deliveries/settle-attempt.ts";
import { type AboutComponent, aComponent } from "../../support/builders.ts";

const since = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(since.getTime() + ms);
const at = plus(1_000);
const error = { type: "Broken", message: "it broke" };
const failed: AttemptResult = { outcome: "failed", error };
const throttled: AttemptResult = { outcome: "throttled", error };

type About = Partial<Omit<SettledAttempt, "component">> & { component?: AboutComponent; at?: Date; random?: number };

function close(result: AttemptResult, { component, at: when = at, random = 0.5, ...about }: About = {}) {
  const base = {
    deliveryKey: "key",
    attempt: 1,
    failures: 0,
    lapses: 0,
    since,
    broughtBackBy: "message" as BroughtBackBy,
  };
  return closeOf({ ...base, component: aComponent(component), ...about }, result, when, random);
}

/** A policy whose delays are `ms` long with chance at 0.5. */
const delayOf = (ms: number) => ({ retry: { baseDelayMs: 2 * ms, maxDelayMs: 2 * ms } });

describe("an attempt", () => {
  it("an attempt that is done is closed as done, with the version that ran and how long it took", () => {
    expect(close({ outcome: "done", executedVersion: "7", durationMs: 5 }, { attempt: 3 })).toEqual({
      deliveryKey: "key",
      attempt: 3,
      at,
      outcome: "done",
      executedVersion: "7",
      durationMs: 5,
    });
  });

  it("an attempt that was accepted is due when the event may have waited its longest and run its longest", () => {
    const component = { invocation: { kind: "async", maxEventAgeMs: 60_000 }, timeoutMs: 7_000 } as const;
    const deadline = plus(1_000 + 60_000 + 7_000 + 5_000);
    expect(close({ outcome: "accepted", durationMs: 5 }, { component })).toEqual({
      deliveryKey: "key",
      attempt: 1,
      at,
      outcome: "accepted",
      durationMs: 5,
      nextAttemptAt: deadline,
      dueAt: deadline,
    });
  });

  it("an attempt that was accepted is due when its target has said, or else when it may have run its longest", () => {
    const sync = { invocation: { kind: "sync" }, timeoutMs: 7_000 } as const;
    expect(close({ outcome: "accepted" }, { component: sync })).toMatchObject({ nextAttemptAt: plus(1_000 + 12_000) });
    const told = close({ outcome: "accepted", answerMs: 9, requestId: "r-1" }, { component: sync });
    expect(told).toMatchObject({ nextAttemptAt: plus(1_009), dueAt: plus(1_009), requestId: "r-1" });
  });

  it("an attempt that its target takes as final is dead at once, with the version that ran", () => {
    const result: AttemptResult = { ...failed, executedVersion: "7", durationMs: 5, isFinal: true };
    const dead = { deliveryKey: "key", attempt: 1, at, outcome: "dead", error, executedVersion: "7", durationMs: 5 };
    expect(close(result)).toEqual(dead);
  });

  it("an attempt that makes no sense to repeat is dead at once", () => {
    expect(close({ outcome: "exhausted", error })).toMatchObject({ outcome: "dead", error });
  });

  it("an attempt that failed is tried again after a backoff that doubles with every failure", () => {
    for (const [failures, ms] of [250, 500, 1_000].entries()) {
      const closing = close(failed, { failures, attempt: 9 });
      expect(closing).toMatchObject({ outcome: "failed", error, nextAttemptAt: plus(1_000 + ms) });
    }
  });

  it("an attempt that fails for the last time is dead, and not one earlier", () => {
    const component = { retry: { maxAttempts: 3 } };
    expect(close(failed, { component, failures: 1 }).outcome).toBe("failed");
    expect(close(failed, { component, failures: 2 })).toMatchObject({ outcome: "dead", error });
    expect(close(failed, { component: { retry: { maxAttempts: 1 } } }).outcome).toBe("dead");
  });

  it.each(["OutOfStock", "Turnout.PayloadTooLarge", "Turnout.NoTenant"])(
    "that failed with %s is dead at once",
    (type) => {
      const component = { retry: { nonRetryableErrors: ["NoSuchProject", "OutOfStock"] } };
      expect(close({ outcome: "failed", error: { ...error, type } }, { component }).outcome).toBe("dead");
      expect(close(failed, { component }).outcome).toBe("failed");
    },
  );

  it.each([throttled, { ...throttled, retryAt: plus(2_000) }])(
    "an attempt that wasn't run is postponed, whatever its error and however often",
    (result) => {
      const component = { retry: { maxAttempts: 1, nonRetryableErrors: [error.type] } };
      expect(close(result, { component, attempt: 50, failures: 50 })).toMatchObject({ outcome: "postponed", error });
    },
  );

  it("that wasn't run waits longer every time that it wasn't, up to 5 minutes where the component's own longest is shorter", () => {
    const waits = [1, 2, 8, 10, 11, 99].map((attempt) => {
      const closing = close(throttled, { attempt });
      return "nextAttemptAt" in closing && closing.nextAttemptAt.getTime() - at.getTime();
    });
    expect(waits).toEqual([250, 500, 32_000, 128_000, 150_000, 150_000]);
    const patient = close(throttled, { attempt: 99, component: { retry: { maxDelayMs: 43_200_000 } } });
    expect(patient).toMatchObject({ nextAttemptAt: plus(1_000 + 21_600_000) });
    // Attempts that failed or lapsed were no postponements.
    const third = close(throttled, { attempt: 20, failures: 14, lapses: 3 });
    expect(third).toMatchObject({ nextAttemptAt: plus(1_000 + 1_000) });
  });
});

describe("a delivery that is tried again", () => {
  it.each([failed, throttled])("stays with its message for up to 30 s, and is parked after that", (result) => {
    const kept = close(result, { component: delayOf(30_000) });
    expect(kept).toMatchObject({ nextAttemptAt: plus(31_000) });
    expect(kept).not.toHaveProperty("dueAt");
    const parked = close(result, { component: delayOf(30_001) });
    expect(parked).toMatchObject({ nextAttemptAt: plus(31_001), dueAt: plus(31_001) });
  });

  it.each([failed, throttled])("a delivery without a message is always parked", (result) => {
    const closing = close(result, { broughtBackBy: "sweeper", random: 0 });
    expect(closing).toMatchObject({ nextAttemptAt: at, dueAt: at });
  });

  it.each<[string, AttemptResult]>([
    ["failed", failed],
    ["found no room", throttled],
    ["waits for its version", { outcome: "throttled", error, retryAt: plus(61_000) }],
    ["was accepted", { outcome: "accepted" }],
  ])(
    "a delivery of a replay's own generation is never parked, also one that %s: no message would name that replay",
    (_, result) => {
      const closing = close(result, { broughtBackBy: "replay", component: delayOf(60_000) });
      expect(closing).toHaveProperty("nextAttemptAt");
      expect(closing).not.toHaveProperty("dueAt");
    },
  );

  it.each([
    ["in a moment", plus(1_001), plus(1_001)],
    ["in a minute", plus(61_000), plus(61_000)],
    ["a moment ago", plus(0), at],
  ])("a delivery when its version is, %s, is always parked until then", (_, retryAt, due) => {
    expect(close({ outcome: "throttled", error, retryAt })).toMatchObject({
      outcome: "postponed",
      nextAttemptAt: due,
      dueAt: due,
    });
  });

  it.each<[string, AttemptResult]>([
    ["has failed", failed],
    ["was only ever postponed", throttled],
    ["waits for its version", { outcome: "throttled", error, retryAt: plus(1_251) }],
  ])("is dead instead when it would be too old by then, also one that %s", (_, result) => {
    const closing = close(result, { component: { retry: { maxAgeMs: 1_249 } } });
    expect(closing).toMatchObject({ outcome: "dead", error: { type: "TooOld" } });
    expect("error" in closing && closing.error.message).toMatch(/1249 ms of maxAgeMs.*Broken: it broke/);
    expect(closing).not.toHaveProperty("nextAttemptAt");
    expect(close(result, { component: { retry: { maxAgeMs: 1_251 } } }).outcome).not.toBe("dead");
  });

  it("is never due before it was closed, nor after its component's limits, and without a message never unparked", () => {
    const ms = fc.integer({ min: 1, max: 43_200_000 });
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const result = fc.constantFrom(failed, throttled);
    const any = fc.record({
      base: ms,
      max: ms,
      age: ms,
      result,
      chance,
      broughtBackBy: fc.constantFrom<BroughtBackBy>("message", "sweeper", "replay"),
    });
    fc.assert(
      fc.property(any, fc.nat(100), ({ base, max, age, result, chance, broughtBackBy }, past) => {
        const retry = { baseDelayMs: base, maxDelayMs: max, maxAgeMs: age, maxAttempts: 100 };
        const settled = { component: { retry }, attempt: past + 1, failures: Math.min(past, 98), broughtBackBy };
        const closing = close(result, { ...settled, random: chance });
        if (closing.outcome === "dead") return;
        if (!("nextAttemptAt" in closing)) throw new Error(`closed as ${closing.outcome}`);
        const { nextAttemptAt, dueAt } = closing;
        const delayMs = nextAttemptAt.getTime() - at.getTime();
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(result === failed ? max : Math.max(max, 300_000));
        expect(nextAttemptAt.getTime() - since.getTime()).toBeLessThanOrEqual(age);
        const parked = broughtBackBy === "sweeper" || (broughtBackBy === "message" && delayMs > 30_000);
        expect(dueAt).toEqual(parked ? nextAttemptAt : undefined);
      }),
    );
  });
});

it("a delivery is brought back by the sweeper as it arrived, and by its replay in a generation of its own", () => {
  expect([lookedAfterBy("live"), lookedAfterBy("replay-1")]).toEqual(["sweeper", "replay"]);
});
