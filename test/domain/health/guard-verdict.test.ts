import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseRateBound, driftOf, type Tried, worseThanBefore } from "../../../shared/domain/health/evidence.ts";
import { addFailures, emptyMeter, type Meter } from "../../../shared/domain/health/guard-meter.ts";
import { ACT_AT, guardVerdict, type Known, WARN_AT } from "../../../shared/domain/health/guard-verdict.ts";
import { verdictText } from "../../../shared/domain/health/verdict-text.ts";
import { seededRandom } from "../../support/seeded-random.ts";

/** A version's first attempts in one minute, in how many bursts they failed, and what stable did beside it. */
type Minute = { own: Tried; bursts?: number; stable: Tried };

function meterOf(minutes: readonly Minute[]): Meter {
  return minutes.reduce((meter, { own, bursts = own.failed, stable }, minute) => {
    const sighted = (tried: Tried, of: number) =>
      new Map([[`${minute} order`, { ...tried, bursts: of, listed: tried.failed }]]);
    return addFailures(meter, sighted(own, bursts), sighted(stable, stable.failed));
  }, emptyMeter);
}

function verdictOf(minutes: readonly Minute[], before: Tried) {
  const meters = { failed: meterOf(minutes), slower: emptyMeter, missing: emptyMeter };
  return guardVerdict({ meters, before: { failed: before }, customersAffected: 9 }, true);
}

const before = { tried: 20_000, failed: 0 };

it("knowing how others fared before never speaks against a version", () => {
  const tried = fc.nat(400).chain((all) => fc.record({ tried: fc.constant(all), failed: fc.nat(all) }));
  fc.assert(
    fc.property(tried, tried, tried, tried, (own, stable, known, othersBefore) => {
      const meters = { failed: meterOf([{ own, stable }]), slower: emptyMeter, missing: emptyMeter };
      const evidenceOf = (others: object) => {
        const told = { meters, before: { failed: known }, customersAffected: 9, ...others };
        return guardVerdict(told, true).metrics[0]?.worseThanBefore ?? 0;
      };
      expect(evidenceOf({ othersBefore })).toBeLessThanOrEqual(evidenceOf({}));
    }),
  );
});

describe("what a guard says of a version", () => {
  it("is not that it is healthy where a third of its deliveries fail in a few bursts", () => {
    const minutes = [
      { own: { tried: 300, failed: 100 }, bursts: 2, stable: { tried: 2_700, failed: 0 } },
      { own: { tried: 900, failed: 300 }, bursts: 2, stable: { tried: 900, failed: 0 } },
    ];
    const verdict = verdictOf(minutes, before);
    expect(verdict).toMatchObject({ says: "no verdict", more: 0 });
    expect(verdictText(verdict, "2")).toBe(
      "no verdict: 400 of 1200 first attempts failed, more than of stable's and of before, in too few bursts to be beyond doubt",
    );
  });

  it("is that it is worse in the third minute in which it fails always for two of the three whom 5 % are", () => {
    const minute = { own: { tried: 600, failed: 400 }, bursts: 2, stable: { tried: 11_400, failed: 0 } };
    const verdictAfter = (count: number) => verdictOf(Array(count).fill(minute), before);
    const [second, third] = [verdictAfter(2), verdictAfter(3)];
    expect([second.says, third.says]).toEqual(["no verdict", "worse"]);
    // By little: but however many deliveries these minutes have, they are four bursts.
    expect(second.metrics[0]?.worseThanStable).toBeCloseTo(3.41, 2);
    expect(ACT_AT).toBeCloseTo(3.48, 2);
  });

  it("is that it is healthy so far once enough of its deliveries went as well as stable's", () => {
    const minute = { own: { tried: 20, failed: 0 }, stable: { tried: 950, failed: 2 } };
    const known = { tried: 20_000, failed: 40 };
    const [few, many] = [[minute], Array.from({ length: 20 }, () => minute)].map((minutes) =>
      verdictOf(minutes, known),
    );
    expect(few).toMatchObject({ says: "no verdict" });
    expect(few?.more).toBeGreaterThan(0);
    expect(many).toMatchObject({ says: "healthy so far", more: 0 });
  });

  it("asks for more where little is known of before, for none where stable hasn't run, and for what is needed at least", () => {
    const minute = { own: { tried: 20, failed: 0 }, stable: { tried: 1_000, failed: 10 } };
    const moreWith = (known: Tried, stable = minute.stable) => verdictOf([{ ...minute, stable }], known).more;
    const [much, little] = [moreWith({ tried: 20_000, failed: 200 }), moreWith({ tried: 300, failed: 3 })];
    expect(much).toBeGreaterThan(0);
    expect(little ?? Number.POSITIVE_INFINITY).toBeGreaterThan(much ?? Number.POSITIVE_INFINITY);
    expect(moreWith({ tried: 0, failed: 0 })).toBe(much);
    expect(moreWith({ tried: 20_000, failed: 200 }, { tried: 0, failed: 0 })).toBeNull();
  });

  it("has how many more deliveries it takes, or why no number would do", () => {
    const minute = { own: { tried: 20, failed: 0 }, stable: { tried: 1_000, failed: 10 } };
    const none = { tried: 0, failed: 0 };
    const told = (known: Tried, about: Partial<Minute> = {}) =>
      verdictText(verdictOf([{ ...minute, ...about }], known), "2");
    expect(told({ tried: 20_000, failed: 200 })).toMatch(
      /^no verdict: 0 of 20 .*; about \d+ more deliveries would show ×10$/,
    );
    expect(told({ tried: 20_000, failed: 200 }, { stable: none })).toMatch(
      /; none of stable's beside it to compare it with/,
    );
    expect(told({ tried: 5, failed: 0 })).toMatch(
      /; too little is known of before: no number of deliveries would show/,
    );
    const suspected = { own: { tried: 20, failed: 5 }, bursts: 5 };
    const warned = verdictOf([{ ...minute, ...suspected }], none);
    expect(warned.metrics[0]?.level).toBe("warn");
    expect(verdictText(warned, "2")).toMatch(/not beyond doubt; about \d+ more deliveries would show ×10$/);
  });

  it("is never that it is healthy of one that fails ten times as often, once it has seen as much as it asks for", () => {
    const random = seededRandom(7);
    const times = (count: number, rate: number) =>
      Array.from({ length: count }, random).filter((at) => at < rate).length;
    let healthy = 0;
    for (let run = 0; run < 200; run++) {
      const minutes: Minute[] = [];
      for (let minute = 0; minute < 60; minute++) {
        minutes.push({
          own: { tried: 20, failed: times(20, 0.1) },
          stable: { tried: 180, failed: times(180, 0.01) },
        });
        const verdict = verdictOf(minutes, { tried: 20_000, failed: 200 });
        if (verdict.says === "healthy so far") healthy++;
        if (verdict.says === "healthy so far" || verdict.says === "worse") break;
      }
    }
    expect(healthy / 200).toBeLessThan(0.1);
  });
});

describe("the evidence that a guard asks for", () => {
  const thousand = { tried: 1_000, failed: 0 };
  const failing = (failed: number, bursts = failed) =>
    meterOf([{ own: { tried: 100, failed }, bursts, stable: { tried: 1_000, failed: 1 } }]);
  const known = (meters: Partial<Known["meters"]>, about: Partial<Known> = {}): Known => ({
    meters: { failed: emptyMeter, slower: emptyMeter, missing: emptyMeter, ...meters },
    before: { failed: before, slower: before, missing: before },
    customersAffected: 9,
    ...about,
  });
  const levels = (...told: Parameters<typeof guardVerdict>) => guardVerdict(...told).metrics.map(({ level }) => level);

  it("shares the chance to be wrong among three metrics", () => {
    expect([ACT_AT, WARN_AT].map((at) => 3 * 10 ** -at)).toEqual([expect.closeTo(0.001, 9), expect.closeTo(0.01, 9)]);
  });

  it("is of each metric by itself, and any of them is enough", () => {
    expect(levels(known({ failed: failing(30) }), true)).toEqual(["act", "ok", "ok"]);
    expect(levels(known({ missing: failing(30) }), true)).toEqual(["ok", "ok", "act"]);
    expect(guardVerdict(known({ missing: failing(30) }), true)).toMatchObject({ says: "worse", more: 0 });
  });

  it("is of three failures at least, and of two customers where there are three", () => {
    expect(levels(known({ failed: failing(30, 2) }), true)[0]).toBe("ok");
    expect(levels(known({ failed: failing(30) }, { customersAffected: 1 }), true)[0]).toBe("ok");
    expect(levels(known({ failed: failing(30) }, { customersAffected: 1 }), false)[0]).toBe("act");
    expect(levels(known({ failed: failing(30) }, { customersAffected: 2 }), true)[0]).toBe("act");
  });

  it("of slowness is of five stretches and twenty times at least, whoever it is slow for", () => {
    const slow = (stretches: number, failed: number): Meter => ({ ...failing(failed), stretches });
    const level = (meter: Meter) => levels(known({ slower: meter }, { customersAffected: 0 }), true)[1];
    expect([level(slow(5, 20)), level(slow(4, 20)), level(slow(5, 19))]).toEqual(["act", "ok", "ok"]);
  });

  it("only warns where there is but one thing to compare with", () => {
    const { before: _, ...rest } = known({ failed: failing(30) });
    expect(levels({ ...rest, before: {} }, true)[0]).toBe("warn");
    expect(levels({ ...rest, before: { failed: { tried: 0, failed: 0 } } }, true)[0]).toBe("warn");
    const alone = meterOf([{ own: { tried: 100, failed: 30 }, stable: { tried: 0, failed: 0 } }]);
    expect(levels(known({ failed: alone }), true)[0]).toBe("warn");
    expect(levels({ ...known({ failed: alone }), before: {} }, true)[0]).toBe("ok");
  });

  it("is told with what it is of, where there is something to compare with", () => {
    const [failed, slower] = guardVerdict(
      known({ failed: failing(30) }, { before: { failed: thousand } }),
      true,
    ).metrics;
    expect(failed).toMatchObject({
      before: thousand,
      worseThanStable: expect.any(Number),
      worseThanBefore: expect.any(Number),
    });
    for (const name of ["before", "worseThanStable", "worseThanBefore"]) expect(slower).not.toHaveProperty(name);
  });

  it("is not that a version is healthy while something is suspected of it, in failures or in missing outcomes", () => {
    const minute = { own: { tried: 20, failed: 0 }, stable: { tried: 950, failed: 2 } };
    const fine = meterOf(Array.from({ length: 20 }, () => minute));
    const lost = meterOf([{ own: { tried: 100, failed: 30 }, bursts: 2, stable: { tried: 1_000, failed: 1 } }]);
    const well = known({ failed: fine });
    expect(guardVerdict(well, true).says).toBe("healthy so far");
    expect(guardVerdict({ ...well, meters: { ...well.meters, missing: lost } }, true).says).toBe("no verdict");
    const warned = known({ failed: fine, missing: failing(30) }, { before: { failed: before } });
    expect(guardVerdict(warned, true)).toMatchObject({ says: "no verdict", metrics: [{}, {}, { level: "warn" }] });
  });

  it.each([
    ["one in a hundred", 20, { tried: 1_000, failed: 10 }, { tried: 20_000, failed: 200 }, 69],
    ["one in a hundred, with little known of before", 20, { tried: 1_000, failed: 10 }, { tried: 300, failed: 3 }, 649],
    ["none", 20, { tried: 1_000, failed: 0 }, before, 15],
    ["one in ten", 1, { tried: 100, failed: 10 }, before, 8],
    ["three in ten", 1, { tried: 100, failed: 30 }, before, 28],
    ["three in ten, and it hasn't run yet", 0, { tried: 100, failed: 30 }, before, 29],
    ["nine in ten, so that nothing is ten times as often", 20, { tried: 10, failed: 9 }, before, null],
    ["one in a hundred, with nothing known of before", 20, { tried: 1_000, failed: 10 }, { tried: 7, failed: 0 }, null],
  ])("is so many more deliveries where stable fails %s", (_, tried, stable, of, more) => {
    const meters = { failed: meterOf([{ own: { tried, failed: 0 }, stable }]) };
    expect(guardVerdict(known(meters, { before: { failed: of } }), true).more).toBe(more);
  });

  it("is less where others have come to fail more often since, in failures alone", () => {
    const evidenceWith = (othersBefore: Tried | undefined) => {
      const stable = { tried: 1_000, failed: 100 };
      const meter = meterOf([{ own: { tried: 100, failed: 30 }, stable }]);
      const meters = { failed: meter, missing: meter };
      const told = { before: { failed: thousand, missing: thousand }, ...(othersBefore && { othersBefore }) };
      return guardVerdict(known(meters, told), true).metrics.map((one) => one.worseThanBefore ?? 0);
    };
    const [plain = 0, , missing] = evidenceWith(undefined);
    const [drifted = 0, , asMissing] = evidenceWith({ tried: 1_000, failed: 10 });
    expect(drifted).toBeGreaterThan(0);
    expect(drifted).toBeLessThan(plain);
    expect(asMissing).toBe(missing);
    const bound = baseRateBound(thousand, 0.001 / 10);
    expect(missing).toBeCloseTo(worseThanBefore({ tried: 100, failed: 30 }, bound) / Math.LN10, 9);
    const drift = driftOf({ tried: 100, failed: 10 }, { tried: 1_000, failed: 10 });
    expect(drifted).toBeCloseTo(worseThanBefore({ tried: 100, failed: 30 }, bound * drift) / Math.LN10, 9);
  });

  it("holds a version from being called healthy by every delivery, not by bursts, beside stable and before alike", () => {
    const fine = meterOf(
      Array.from({ length: 20 }, () => ({ own: { tried: 20, failed: 0 }, stable: { tried: 950, failed: 2 } })),
    );
    const says = (missing: Meter, of: Known["before"]) =>
      guardVerdict(known({ failed: fine, missing }, { before: { failed: before, ...of } }), true).says;
    const lost = (own: Tried, stable: Tried) => meterOf([{ own, bursts: Math.min(2, own.failed), stable }]);
    const many = { tried: 100, failed: 30 };
    // Where there is but one thing to compare with, that one is enough to suspect it.
    expect(says(lost(many, { tried: 1_000, failed: 1 }), {})).toBe("no verdict");
    expect(says(lost(many, { tried: 0, failed: 0 }), { missing: before })).toBe("no verdict");
    // Beside stable, or before, as many were lost.
    expect(says(lost(many, { tried: 1_000, failed: 300 }), { missing: before })).toBe("healthy so far");
    expect(says(lost(many, { tried: 1_000, failed: 1 }), { missing: { tried: 1_000, failed: 300 } })).toBe(
      "healthy so far",
    );
    expect(says(lost(many, { tried: 0, failed: 0 }), {})).toBe("healthy so far");
    expect(says(lost(many, { tried: 0, failed: 0 }), { missing: { tried: 0, failed: 0 } })).toBe("healthy so far");
  });

  it("is asked for to the end: at least three failures of a version that fails ten times as often", () => {
    const one = (tried: number, stable: Tried) =>
      guardVerdict(known({ failed: meterOf([{ own: { tried, failed: 0 }, stable }]) }), true);
    // Ten times one in ten is all: three failures are three deliveries, and evidence takes a few more.
    const { more } = one(1, { tried: 100, failed: 10 });
    expect(more).toBeGreaterThan(1);
    expect(more).toBeLessThan(20);
    expect(one(1_000, { tried: 100_000, failed: 10_000 }).more).toBe(0);
    // Beside one that never fails it is taken for one in a hundred.
    expect(one(1, { tried: 1_000, failed: 0 }).more).toBe(one(1, { tried: 1_000, failed: 0 }).more);
    expect(one(1, { tried: 1_000, failed: 0 }).more).toBeGreaterThanOrEqual(
      one(1, { tried: 1_000, failed: 100 }).more ?? 0,
    );
  });
});
