import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sighted } from "../../../shared/domain/health/burst.ts";
import { noCounts } from "../../../shared/domain/health/delivery-count.ts";
import { bucketOf } from "../../../shared/domain/health/duration-buckets.ts";
import { ratioSums } from "../../../shared/domain/health/evidence.ts";
import { addFailures, addSlow, emptyMeter, Meter, slowIn } from "../../../shared/domain/health/guard-meter.ts";
import { GuardVerdict, guardVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { verdictText } from "../../../shared/domain/health/verdict-text.ts";
import { read } from "../../../shared/domain/text/schema.ts";

const anySighted = fc
  .record({ tried: fc.nat(50), failed: fc.nat(50), bursts: fc.nat(50) })
  .map(({ tried, failed, bursts }): Sighted => {
    const fails = Math.min(tried, failed);
    const groups = fails === 0 ? 0 : Math.max(1, Math.min(fails, bursts));
    return { tried, failed: fails, bursts: groups, listed: fails };
  });

const keyed = (all: readonly Sighted[], from = 0) => new Map(all.map((one, n) => [`${from + n}`, one]));

describe("a guard's meter", () => {
  it("is the same whether stretches are added one by one or all at once", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anySighted, anySighted), { maxLength: 8 }), (stretches) => {
        const [own, stable] = [stretches.map(([one]) => one), stretches.map(([, other]) => other)];
        const whole = addFailures(emptyMeter, keyed(own), keyed(stable));
        let bit = emptyMeter;
        for (let n = 0; n < own.length; n++) {
          bit = addFailures(bit, keyed(own.slice(n, n + 1), n), keyed(stable.slice(n, n + 1), n));
        }
        expect(bit.own).toEqual(whole.own);
        expect(bit.stable).toEqual(whole.stable);
        expect(bit.stretches).toBe(whole.stretches);
        expect(bit.expected).toBeCloseTo(whole.expected, 9);
        for (const [n, sum] of whole.sums.entries()) expect(bit.sums[n] ?? 0).toBeCloseTo(sum, 9);
      }),
    );
  });

  it("is read back as it was stored, and so is what is judged by it, whatever was counted", () => {
    const stored = (value: object) => JSON.parse(JSON.stringify(value));
    const anyCount = fc.oneof(fc.constant(0), fc.nat(3), fc.nat(1_000_000_000));
    const anyTried = fc.tuple(anyCount, anyCount).map(([a, b]) => ({ tried: Math.max(a, b), failed: Math.min(a, b) }));
    const anyMany = anyTried.map((one): Sighted => ({ ...one, bursts: Math.min(one.failed, 3), listed: one.failed }));
    const anyPart = fc.array(fc.tuple(anyMany, anyMany), { maxLength: 4 });
    fc.assert(
      fc.property(anyPart, anyTried, anyTried, fc.nat(3), (stretches, before, othersBefore, customersAffected) => {
        const [own, stable] = [stretches.map(([one]) => one), stretches.map(([, other]) => other)];
        const failed = addFailures(emptyMeter, keyed(own), keyed(stable));
        expect(read(Meter, stored(failed))).toEqual({ ok: true, value: failed });
        const meters = { failed, slower: emptyMeter, missing: failed };
        const known = { meters, before: { failed: before, missing: before }, othersBefore, customersAffected };
        const verdict = guardVerdict(known, true);
        expect(read(GuardVerdict, stored(verdict))).toEqual({ ok: true, value: verdict });
      }),
    );
  });

  it("tells how many would have failed as stable's do, type by type and minute by minute", () => {
    const sighted = (tried: number, failed: number): Sighted => ({ tried, failed, bursts: failed, listed: failed });
    const own = keyed([sighted(10, 0), sighted(90, 9), sighted(5, 5)]);
    const { expected } = addFailures(emptyMeter, own, keyed([sighted(100, 50), sighted(10, 1)]));
    expect(expected).toBeCloseTo(10 * 0.5 + 90 * 0.1, 9);
    // More failures may be listed than have been counted so far.
    const early = { tried: 2, failed: 2, bursts: 5, listed: 5 };
    expect(addFailures(emptyMeter, keyed([sighted(10, 0)]), keyed([early])).expected).toBe(10);
  });

  it("counts as slow what lies above the bucket of its bound", () => {
    const durations = new Map([
      [bucketOf(10), 90],
      [bucketOf(200), 10],
    ]);
    expect(slowIn(durations, 10)).toEqual({ tried: 100, failed: 10 });
    expect(slowIn(durations, 9.5)).toEqual({ tried: 100, failed: 10 });
    expect(slowIn(durations, 200)).toEqual({ tried: 100, failed: 0 });
  });
});

it("adds up what was slow in each stretch, on top of what was added up before, beside stable of the same type and time", () => {
  const count = (minute: number, type: string, fast: number, slow: number) => {
    const durations = new Map([
      [bucketOf(10), fast],
      [bucketOf(1_000), slow],
    ]);
    const named = { component: "c", version: "1", alias: "beta", type, at: new Date(minute * 60_000) };
    return { ...noCounts(), ...named, firsts: fast + slow, durations };
  };
  const own = [count(0, "a", 3, 1), count(0, "a", 4, 2), count(0, "b", 5, 0), count(1, "a", 0, 6)];
  const stable = [count(0, "a", 30, 10), count(1, "a", 8, 0), count(1, "b", 9, 9)];
  const once = addSlow(emptyMeter, own, stable, 100);
  const strata = [
    { candidate: { tried: 10, failed: 3 }, stable: { tried: 40, failed: 10 } },
    { candidate: { tried: 5, failed: 0 }, stable: { tried: 0, failed: 0 } },
    { candidate: { tried: 6, failed: 6 }, stable: { tried: 8, failed: 0 } },
  ];
  expect(once).toEqual({
    ...{ own: { tried: 21, failed: 9 }, bursts: { tried: 21, failed: 9 }, stable: { tried: 48, failed: 10 } },
    ...{ expected: 2.5, sums: ratioSums(strata), stretches: 2 },
  });
  const twice = addSlow(once, own, stable, 100);
  expect(twice).toMatchObject({
    ...{ own: { tried: 42, failed: 18 }, bursts: { tried: 42, failed: 18 }, stable: { tried: 96, failed: 20 } },
    ...{ expected: 5, stretches: 4 },
  });
  expect(twice.sums[2]).toBeCloseTo(2 * (once.sums[2] ?? 0), 9);
});

/** So many minutes of 40 first attempts of a version and 400 of stable, of which so many took long. */
function slowness(minutes: number, own: number, stable: number) {
  const count = (at: Date, version: string, tried: number, slow: number) => {
    const durations = new Map([
      [bucketOf(10), tried - slow],
      [bucketOf(1_000), slow],
    ]);
    return { ...noCounts(), component: "c", version, alias: "beta", type: "t", at, firsts: tried, durations };
  };
  const at = Array.from({ length: minutes }, (_, n) => new Date(n * 60_000));
  const slower = addSlow(
    emptyMeter,
    at.map((one) => count(one, "24", 40, own)),
    at.map((one) => count(one, "22", 400, stable)),
    100,
  );
  const before = { failed: { tried: 4_000, failed: 0 }, slower: { tried: 4_000, failed: 200 } };
  return guardVerdict(
    { meters: { failed: emptyMeter, slower, missing: emptyMeter }, before, customersAffected: 0 },
    true,
  );
}

describe("a guard's verdict", () => {
  it("is that a version is worse which is slower than nearly all that stable does, and says so", () => {
    const verdict = slowness(10, 30, 20);
    expect(verdict.says).toBe("worse");
    expect(verdictText(verdict, "24")).toMatch(
      /^24 is worse: 300 of 400 \(75.0 %\) of its first attempts were slow, 200 of/,
    );
  });

  it("isn't that for what is slow for a moment, or as often as stable", () => {
    expect(slowness(3, 40, 20).says).toBe("no verdict");
    expect(slowness(60, 2, 20).metrics.every(({ level }) => level === "ok")).toBe(true);
  });
});
