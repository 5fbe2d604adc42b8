import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  admit,
  type CircuitBreaker,
  closedBreaker,
  observe,
  probed,
} from "../../../shared/domain/deliveries/circuit-breaker.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const PROBE_MS = 30_000;

type Outcome = [about: string, failed: boolean, ms?: number];

/** The breaker after these, in this order. */
function breakerAfter(outcomes: readonly Outcome[], from = closedBreaker()): CircuitBreaker {
  return outcomes.reduce((breaker, [about, failed, ms = 0]) => observe(breaker, about, failed, plus(ms)), from);
}
const times = (count: number, outcome: Outcome): Outcome[] => Array.from({ length: count }, () => outcome);
/** Fails for two customers, five times each. */
const down = (ms = 0): Outcome[] => [...times(5, ["acme", true, ms]), ...times(5, ["beta", true, ms])];
const open = (ms = 0) => breakerAfter(down(ms));
const failing = ["acme", "beta"];

/** The breaker that lets a probe through at this moment. */
function probing(breaker: CircuitBreaker, ms: number, about = "acme"): CircuitBreaker {
  const admission = admit(breaker, about, plus(ms), PROBE_MS);
  if (admission.send !== "as probe") throw new Error(`sends ${admission.send}`);
  return admission.next;
}

describe("a circuit breaker", () => {
  it("sends everything while it is closed, and changes nothing by it", () => {
    const breaker = breakerAfter(down().slice(1));
    expect(admit(breaker, "acme", start, PROBE_MS)).toEqual({ send: "normally" });
    expect(breaker).toEqual(breakerAfter(down().slice(1)));
  });

  it("opens for 10 s after the tenth failure of the only two customers", () => {
    expect(breakerAfter(down().slice(1)).state).toBe("closed");
    expect(open()).toEqual({ state: "open", until: plus(10_000), openMs: 10_000, failing });
  });

  it("doesn't open for the only customer's flood of failures: the others may just not have sent anything", () => {
    expect(breakerAfter(times(5_000, ["acme", true])).state).toBe("closed");
  });

  it("opens when ten customers fail once each", () => {
    const customers = Array.from({ length: 10 }, (_, n): Outcome => [`customer-${n}`, true]);
    expect(breakerAfter(customers.slice(1)).state).toBe("closed");
    expect(breakerAfter(customers).state).toBe("open");
  });

  it("doesn't open for one customer's flood of failures while another's succeed", () => {
    expect(breakerAfter([["acme", true], ["beta", false], ...times(5_000, ["acme", true])]).state).toBe("closed");
  });

  it("opens only when nine customers in ten fail", () => {
    const failing = Array.from({ length: 9 }, (_, n): Outcome => [`customer-${n}`, true]);
    const others: Outcome[] = [
      ["well-1", false],
      ["well-2", false],
    ];
    expect(breakerAfter([...others, ...failing, ...failing]).state).toBe("closed");
    expect(breakerAfter([...others.slice(1), ...failing, ...failing]).state).toBe("open");
  });

  it("takes a customer's latest outcome for all: one success, and its failures are forgotten", () => {
    const forgiven: Outcome[] = [...times(9, ["acme", true]), ["acme", false], ...times(5, ["acme", true])];
    expect(breakerAfter([...forgiven, ...times(4, ["beta", true])]).state).toBe("closed");
    expect(breakerAfter([...forgiven, ...times(5, ["beta", true])]).state).toBe("open");
  });

  it("doesn't open while more than one attempt in ten succeeds, though each customer's latest have failed", () => {
    const flaky: Outcome[] = [["acme", false], ["beta", false], ...down()];
    expect(breakerAfter(flaky).state).toBe("closed");
    expect(breakerAfter([...flaky, ...times(7, ["acme", true])]).state).toBe("closed");
    expect(breakerAfter([...flaky, ...times(8, ["acme", true])]).state).toBe("open");
  });

  it("never opens by a success, not even when those who were well before are forgotten", () => {
    const failing = Array.from({ length: 10 }, (_, n): Outcome => [`customer-${n}`, true, 30_000]);
    const well: Outcome[] = [
      ["well-1", false],
      ["well-2", false],
    ];
    expect(breakerAfter([...well, ...failing, ["well-3", false, 60_000]]).state).toBe("closed");
    expect(breakerAfter([...well, ...failing, ["customer-1", true, 60_000]]).state).toBe("open");
  });

  it("forgets who hasn't been heard of for a minute", () => {
    const well: Outcome = ["well", false, 0];
    expect(breakerAfter([well, ...down(59_999), ...down(59_999)]).state).toBe("closed");
    expect(breakerAfter([well, ...down(60_000)]).state).toBe("open");
  });

  it("forgets failures of more than a minute ago, also those of who fails again", () => {
    expect(breakerAfter([...down(0).slice(1), ["beta", true, 3_600_000]]).state).toBe("closed");
  });

  it("remembers 50 customers and 50 attempts at most", () => {
    const many = Array.from({ length: 500 }, (_, n): Outcome => [`customer-${n}`, n % 2 === 0]);
    const breaker = breakerAfter(many);
    if (breaker.state !== "closed") throw new Error(breaker.state);
    expect(breaker.recent.size).toBe(50);
    expect(breaker.attempts).toHaveLength(50);
  });

  it("takes no account of what was sent before it opened", () => {
    const breaker = open();
    expect(breakerAfter([...times(30, ["acme", false]), ...times(30, ["beta", true])], breaker)).toBe(breaker);
    const halfOpen = probing(breaker, 10_000);
    expect(breakerAfter([["acme", false]], halfOpen)).toBe(halfOpen);
  });
});

describe("an open circuit breaker", () => {
  it("holds everything until its time, then lets one through as a probe and holds the others", () => {
    const breaker = open();
    expect(admit(breaker, "acme", plus(9_999), PROBE_MS)).toEqual({ send: "later", until: plus(10_000) });
    const halfOpen = probing(breaker, 10_000);
    expect(admit(halfOpen, "gamma", plus(10_000), PROBE_MS)).toEqual({ send: "later", until: plus(40_000) });
  });

  it("lets another probe through when the first one doesn't answer in its time", () => {
    const halfOpen = probing(open(), 10_000);
    expect(admit(halfOpen, "acme", plus(39_999), PROBE_MS).send).toBe("later");
    const next = probing(halfOpen, 40_000);
    expect(admit(next, "acme", plus(69_999), PROBE_MS)).toEqual({ send: "later", until: plus(70_000) });
  });

  it("stays open for twice as long after every bad probe, up to 60 s", () => {
    let breaker = open();
    let now = 0;
    const opens = [10, 20, 40, 60, 60].map(() => {
      if (breaker.state !== "open") throw new Error(breaker.state);
      const openMs = breaker.until.getTime() - plus(now).getTime();
      now += openMs;
      breaker = probed(probing(breaker, now), "acme", "failed", plus(now));
      return openMs;
    });
    expect(opens).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it("begins again at 10 s, with nothing remembered, after a good probe", () => {
    const second = probed(probing(open(), 10_000), "acme", "failed", plus(10_000));
    const closed = probed(probing(second, 30_000), "acme", "good", plus(30_000));
    expect(breakerAfter(down(30_000).slice(1), closed).state).toBe("closed");
    expect(breakerAfter(down(30_000), closed)).toMatchObject({ openMs: 10_000 });
  });

  it("isn't kept open any longer by the bad answer of a probe that was given up", () => {
    const reopened = probed(probing(open(), 10_000), "acme", "failed", plus(10_000));
    expect(probed(reopened, "acme", "failed", plus(15_000))).toBe(reopened);
    const closed = closedBreaker();
    expect(probed(closed, "acme", "failed", plus(15_000))).toBe(closed);
  });

  it("tries at once whom it hasn't seen failing, one at a time, and closes if that goes well", () => {
    const halfOpen = probing(open(), 1, "gamma");
    expect(admit(halfOpen, "delta", plus(1), PROBE_MS).send).toBe("later");
    expect(probed(halfOpen, "gamma", "good", plus(2))).toEqual(closedBreaker());
    const worse = probed(halfOpen, "gamma", "failed", plus(2));
    expect(worse).toEqual({ state: "open", until: plus(10_002), openMs: 10_000, failing: [...failing, "gamma"] });
    expect(admit(worse, "gamma", plus(3), PROBE_MS).send).toBe("later");
  });

  it("remembers 50 of those that it has seen failing, the last ones", () => {
    let breaker = open();
    for (let n = 0; n < 60; n++) breaker = probed(probing(breaker, 1, `new-${n}`), `new-${n}`, "failed", plus(2));
    expect(breaker).toMatchObject({ failing: { length: 50 }, openMs: 10_000 });
    expect(admit(breaker, "new-59", plus(3), PROBE_MS).send).toBe("later");
    expect(admit(breaker, "new-10", plus(3), PROBE_MS).send).toBe("later");
    expect(admit(breaker, "new-9", plus(3), PROBE_MS).send).toBe("as probe");
  });

  it("learns nothing from a probe that found no room", () => {
    const second = probed(probing(open(), 10_000), "acme", "failed", plus(10_000));
    const full = probed(probing(second, 30_000), "acme", "no room", plus(30_000));
    expect(full).toEqual({ state: "open", until: plus(40_000), openMs: 10_000, failing });
  });
});

/** What `observe` is short for: whom it opens for after these, in this order. Undefined: it stays closed. */
function failingAfter(outcomes: readonly Required<Outcome>[]): string[] | undefined {
  let known: { about: string; ms: number; failed: boolean; inARow: number }[] = [];
  let attempts: { ms: number; failed: boolean }[] = [];
  const nearlyAll = (seen: { failed: boolean }[]) => seen.filter(({ failed }) => failed).length >= 0.9 * seen.length;
  for (const [about, failed, ms] of outcomes) {
    const lately = <T extends { ms: number }>(all: T[]) => all.filter((one) => one.ms > ms - 60_000).slice(-49);
    const before = known.find((one) => one.about === about && one.ms > ms - 60_000 && one.failed === failed);
    known = [
      ...lately(known.filter((one) => one.about !== about)),
      { about, ms, failed, inARow: (before?.inARow ?? 0) + 1 },
    ];
    attempts = [...lately(attempts), { ms, failed }];
    const failing = known.filter((one) => one.failed);
    const failures = failing.reduce((sum, { inARow }) => sum + inARow, 0);
    const isDown = failures >= 10 && failing.length >= 2 && nearlyAll(known) && nearlyAll(attempts);
    if (failed && isDown) return failing.map((one) => one.about);
  }
  return undefined;
}

describe("a circuit breaker, whatever happens", () => {
  it("opens when the latest 50 of a minute say so, of those it knows and of all, and for whom they say", () => {
    let opened = 0;
    const outcome = fc.tuple(
      fc.oneof(fc.constantFrom("a", "b", "c"), fc.integer({ min: 0, max: 80 }).map(String)),
      fc.integer({ min: 0, max: 19 }),
      fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.constantFrom(30_000, 59_999, 60_000)),
    );
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 20, maxLength: 200, size: "max" }),
        fc.integer({ min: 0, max: 20 }),
        (tuples, failedOf20) => {
          let ms = 0;
          const outcomes = tuples.map(([about, chance, later]): Required<Outcome> => {
            ms += later;
            return [about, chance < failedOf20, ms];
          });
          const failing = failingAfter(outcomes);
          if (failing !== undefined) opened += 1;
          const breaker = breakerAfter(outcomes);
          expect(breaker).toMatchObject(failing === undefined ? { state: "closed" } : { state: "open", failing });
        },
      ),
    );
    expect(opened).toBeGreaterThan(0);
  });

  const happening = fc.record({
    ms: fc.integer({ min: 0, max: 40_000 }),
    about: fc.constantFrom("a", "b", "c"),
    // Failures come in floods, or nothing would ever open.
    failed: fc.constantFrom(true, true, true, true, true, true, true, false),
    lost: fc.constantFrom(false, false, false, true),
  });

  it("never sends while it is open, has one probe at a time, and closes after a good one", () => {
    let opened = 0;
    fc.assert(
      fc.property(fc.array(happening, { minLength: 20, maxLength: 200, size: "max" }), (happenings) => {
        let breaker = closedBreaker();
        let now = start.getTime();
        let probeUntil = 0;
        for (const { ms, about, failed, lost } of happenings) {
          // Only an open one is worth waiting for.
          if (breaker.state !== "closed") now += ms;
          const at = new Date(now);
          const admission = admit(breaker, about, at, PROBE_MS);
          if (breaker.state === "open") {
            opened += 1;
            const isHeld = breaker.until > at && breaker.failing.includes(about);
            expect(admission.send).toBe(isHeld ? "later" : "as probe");
          }
          if (admission.send === "later") {
            expect(admission.until > at).toBe(true);
            expect(admit(breaker, about, admission.until, PROBE_MS).send).toBe("as probe");
            continue;
          }
          if (admission.send === "normally") {
            expect(breaker.state).toBe("closed");
            breaker = observe(breaker, about, failed, at);
            continue;
          }
          expect(now).toBeGreaterThanOrEqual(probeUntil);
          breaker = admission.next;
          if (lost) {
            probeUntil = now + PROBE_MS;
            continue;
          }
          probeUntil = 0;
          breaker = probed(breaker, about, failed ? "failed" : "good", at);
          expect(breaker.state).toBe(failed ? "open" : "closed");
          if (breaker.state === "open") expect(breaker.until.getTime() - now).toBeLessThanOrEqual(60_000);
        }
      }),
    );
    expect(opened).toBeGreaterThan(0);
  });
});
