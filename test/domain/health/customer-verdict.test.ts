import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  customerVerdict,
  customerVerdictText,
  independently,
  isAbout,
  mayBeWorse,
  whoIsTakenOff,
} from "../../../shared/domain/health/customer-verdict.ts";
import { baseRateBound, worseThanBefore, worseThanStable } from "../../../shared/domain/health/evidence.ts";

const minutes = (count: number, one: { tried: number; failed: number }) =>
  new Map(
    Array.from({ length: count }, (_, n) => [`${n}`, { ...one, listed: one.failed, bursts: one.failed > 0 ? 1 : 0 }]),
  );

const fails = minutes(4, { tried: 12, failed: 12 });
const well = minutes(4, { tried: 600, failed: 3 });
const before = { tried: 540, failed: 1 };

describe("the verdict on one customer", () => {
  it("is that it is worse for them after a few bursts that they haven't known before", () => {
    expect(customerVerdict({ own: fails, stable: well, before }, 6)).toMatchObject({
      isWorse: true,
      own: { tried: 48, failed: 48 },
      stable: { tried: 2_400, failed: 12 },
    });
  });

  it("has its evidence as powers of ten, and none beside stable where that hasn't run", () => {
    const verdict = customerVerdict({ own: fails, stable: well, before }, 6);
    const bound = baseRateBound(before, 0.001 / 10);
    expect(10 ** verdict.worseThanBefore).toBeCloseTo(Math.exp(worseThanBefore({ tried: 4, failed: 4 }, bound)), 3);
    const strata = Array.from({ length: 4 }, () => {
      return { candidate: { tried: 12, failed: 12 }, stable: { tried: 600, failed: 3 } };
    });
    expect(verdict.worseThanStable).toBeCloseTo(worseThanStable(strata, 3) / Math.LN10, 9);
    const alone = customerVerdict({ own: fails, stable: minutes(4, { tried: 0, failed: 0 }), before }, 6);
    expect(alone).toMatchObject({ worseThanStable: 0, stable: { tried: 0, failed: 0 } });
    const once = customerVerdict({ own: fails, stable: minutes(1, { tried: 1, failed: 0 }), before }, 6);
    expect(once.worseThanStable).toBeGreaterThan(0);
  });

  it.each([
    ["after two bursts", { own: minutes(2, { tried: 12, failed: 12 }) }, 1],
    ["where they have known as much before", { before: { tried: 540, failed: 200 } }, 6],
    ["where little is known of before", { before: { tried: 9, failed: 0 } }, 6],
    ["where nothing runs beside it", { stable: new Map() }, 6],
    ["where stable fails half as often", { stable: minutes(4, { tried: 600, failed: 300 }) }, 6],
    ["where ten thousand customers are on it", {}, 10_000],
  ])("isn't that %s", (_, about, customers) => {
    expect(customerVerdict({ own: fails, stable: well, before, ...about }, customers).isWorse).toBe(false);
  });

  it("is never that where even bursts alone weren't evidence enough to count for", () => {
    const tried = fc.record({ tried: fc.integer({ min: 1, max: 50 }), failed: fc.nat(50) });
    fc.assert(
      fc.property(
        fc.array(tried, { maxLength: 12 }),
        fc.nat(900),
        fc.nat(20),
        fc.integer({ min: 1, max: 99 }),
        (all, n, x, k) => {
          const own = new Map(
            all.map((one, minute) => {
              const failed = Math.min(one.failed, one.tried);
              return [`${minute}`, { tried: one.tried, failed, listed: failed, bursts: failed > 0 ? 1 : 0 }];
            }),
          );
          const known = {
            own,
            stable: minutes(12, { tried: 600, failed: 0 }),
            before: { tried: n, failed: Math.min(n, x) },
          };
          const bursts = [...own.values()].filter(({ failed }) => failed > 0).length;
          if (customerVerdict(known, k).isWorse) expect(mayBeWorse(bursts, known.before, k)).toBe(true);
        },
      ),
    );
  });
});

it("of a minute of before three deliveries of a type count at most, with their share of failures", () => {
  const at = (minute: number) => new Date(minute * 60_000 + 1);
  const many = Array.from({ length: 10 }, (_, n) => ({ at: at(1), type: "order", failed: n < 5 }));
  const other = [
    { at: at(1), type: "refund", failed: false },
    { at: at(2), type: "order", failed: true },
  ];
  expect(independently([...many, ...other])).toEqual({ tried: 5, failed: 2.5 });
});

it("whoever is taken off is whose pin wins over the rule that led to the version", () => {
  const subject = { user: "u", project: "p", customer: "c", plan: "paid" };
  const who = (because: Parameters<typeof whoIsTakenOff>[0]["because"], about = subject) =>
    whoIsTakenOff({ because, subject: about });
  expect(who("user pin")).toBe("user#u");
  expect(who("project pin")).toBe("project#p");
  for (const because of ["customer pin", "cohort route", "plan pin", "rollout"] as const) {
    expect(who(because)).toBe("customer#c");
  }
  expect(whoIsTakenOff({ because: "rollout", subject: { project: "p", user: "u" } })).toBe("project#p");
  expect(whoIsTakenOff({ because: "rollout", subject: { user: "u" } })).toBe("user#u");
  expect(whoIsTakenOff({ because: "rollout", subject: { plan: "paid" } })).toBeUndefined();
  expect(isAbout("customer#c", subject)).toBe(true);
  expect(isAbout("customer#p", subject)).toBe(false);
});

it("the verdict on one customer says what it is worse than, with its evidence and how often there would be as much by chance", () => {
  const verdict = { isWorse: true, own: { tried: 48, failed: 48 }, stable: { tried: 2_400, failed: 12 }, before };
  const text = customerVerdictText("customer#acme", "23", { ...verdict, worseThanBefore: 7, worseThanStable: 9 });
  expect(text).toBe(
    "23 is worse for customer acme: 48 of 48 (100.0 %) of its first attempts failed, 12 of 2400 (0.5 %) of stable's beside it, " +
      "1 of 540 (0.2 %) of its own before " +
      "(of versions that are no worse at most 1 in a million ever looks so: E = 10^7.0, p ≤ 10^-7.0)",
  );
});
