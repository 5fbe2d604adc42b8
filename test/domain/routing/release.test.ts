import { describe, expect, it } from "vitest";
import {
  disturbedStep,
  isUnderWay,
  plansOf,
  Release,
  type ReleaseRows,
  type ReleaseStep,
  standingRule,
  stands,
} from "../../../shared/domain/routing/release.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { aPin, aSubjectRow } from "../../support/builders.ts";
import { aRelease, BEGAN } from "../../support/releases.ts";

const release = aRelease();
const [staff, free, small, all] = release.steps as [ReleaseStep, ReleaseStep, ReleaseStep, ReleaseStep];
const said = { who: "ada", why: "it is so", at: BEGAN.toISOString() };

const route = { cohort: "staff", alias: "beta" };
const pin = { alias: "beta", who: "release/4-faster", why: "faster", at: BEGAN.toISOString() };
const rollout = { alias: "beta", by: "customer", salt: "salt", basisPoints: 500 } as const;

/** Rows in which all rules of the release stand, but for what is said. */
function rows(about: Partial<ReleaseRows["component"]> & { pins?: Record<string, typeof pin> } = {}): ReleaseRows {
  const { pins = { mailer: pin }, ...component } = about;
  return {
    component: { name: "mailer", cohortRoutes: [route], rollout, ...component },
    planRow: (plan) => (plan === "free" ? aSubjectRow({ pins }) : undefined),
  };
}

describe("a rule of a release", () => {
  it.each([
    ["a cohort's route", staff, rows(), true],
    ["a cohort's route that is gone", staff, rows({ cohortRoutes: [] }), false],
    ["a cohort's route to elsewhere", staff, rows({ cohortRoutes: [{ ...route, alias: "stable" }] }), false],
    ["another cohort's route", staff, rows({ cohortRoutes: [{ ...route, cohort: "friends" }] }), false],
    [
      "a cohort's route that ends",
      staff,
      rows({ cohortRoutes: [{ ...route, until: said.at } as typeof route] }),
      false,
    ],
    ["a plan's pin", free, rows(), true],
    ["a plan's pin that is gone", free, rows({ pins: {} }), false],
    ["a plan's pin of another component", free, rows({ pins: { other: pin } }), false],
    ["a plan's pin to elsewhere", free, rows({ pins: { mailer: { ...pin, alias: "stable" } } }), false],
    ["a plan's pin by somebody else", free, rows({ pins: { mailer: aPin({ alias: "beta" }) } }), false],
    ["a plan's pin that ends", free, rows({ pins: { mailer: { ...pin, until: said.at } as typeof pin } }), false],
    [
      "a plan's pin that begins later",
      free,
      rows({ pins: { mailer: { ...pin, from: said.at } as typeof pin } }),
      false,
    ],
    ["a share", small, rows(), true],
    ["a share that is gone", small, rows({ rollout: undefined }), false],
    ["a share to elsewhere", small, rows({ rollout: { ...rollout, alias: "stable" } }), false],
    ["a share of others", small, rows({ rollout: { ...rollout, salt: "other" } }), false],
    ["a share by another id", small, rows({ rollout: { ...rollout, by: "project" } }), false],
    ["a larger share", small, rows({ rollout: { ...rollout, basisPoints: 501 } }), false],
  ] as const)("%s stands as the release has set it, or doesn't", (_, step, standing, expected) => {
    expect(stands(release, step, standing)).toBe(expected);
  });

  it("is told with where it sends to, whoever has set it", () => {
    const others = rows({ pins: { mailer: aPin({ alias: "stable" }) } });
    expect([staff, free, small].map((step) => standingRule(step, others))).toEqual([
      { what: "the route of cohort staff", alias: "beta" },
      { what: "the pin of plan free", alias: "stable" },
      { what: "the rollout", alias: "beta" },
    ]);
    const none = rows({ cohortRoutes: [], pins: {}, rollout: undefined });
    for (const step of [staff, free, small]) expect(standingRule(step, none)).toBeUndefined();
  });

  it("is disturbed where it stands no more, the first one first, and a share not by the next share", () => {
    const made = (...own: number[]) => ({ ...release, made: own.length, own });
    expect(disturbedStep(made(0, 1, 2), rows())).toBeUndefined();
    expect(disturbedStep(made(0, 1, 2), rows({ cohortRoutes: [], pins: {} }))).toBe(staff);
    expect(disturbedStep({ ...made(0, 1), own: [1] }, rows({ cohortRoutes: [], pins: {} }))).toBe(free);
    expect(disturbedStep(made(0, 1, 2), rows({ rollout: { ...rollout, basisPoints: 10_000 } }))).toBe(small);
    const grown = rows({ rollout: { ...rollout, basisPoints: 10_000 } });
    expect(disturbedStep(made(0, 1, 2, 3), grown)).toBeUndefined();
    expect(disturbedStep(made(0, 1, 2, 3), rows())).toBe(all);
  });
});

describe("a release", () => {
  it("is under way until it has ended", () => {
    expect(isUnderWay(undefined)).toBe(false);
    expect(isUnderWay(release)).toBe(true);
    expect(isUnderWay(aRelease({ ending: { ...said, how: "done" } }))).toBe(true);
    expect(isUnderWay(aRelease({ ended: { ...said, how: "done" } }))).toBe(false);
  });

  it("pins the plans that its steps name", () => {
    expect(plansOf(release)).toEqual(["free"]);
    expect(plansOf({ steps: [small, { kind: "plan", plan: "paid" }, free] })).toEqual(["paid", "free"]);
  });

  it.each([
    ["a name of 64 characters", { id: `a${"-".repeat(62)}z` }, true],
    ["a longer name", { id: `a${"-".repeat(63)}z` }, false],
    ["a share of one in ten thousand", { steps: [{ kind: "share", basisPoints: 1 }] }, true],
    ["a share of nobody", { steps: [{ kind: "share", basisPoints: 0 }] }, false],
    ["a share of everybody", { steps: [{ kind: "share", basisPoints: 10_000 }] }, true],
    ["a share of more than everybody", { steps: [{ kind: "share", basisPoints: 10_001 }] }, false],
    ["fifty steps", { steps: Array(50).fill(free) }, true],
    ["more steps", { steps: Array(51).fill(free) }, false],
    ["no steps", { steps: [] }, false],
    ["steps of a second", { everyMs: 1_000 }, true],
    ["shorter steps", { everyMs: 999 }, false],
    ["no patience", { maxWaitMs: 0 }, true],
    ["less patience than none", { maxWaitMs: -1 }, false],
    ["nothing made", { made: 0, own: [0] }, true],
    ["less than nothing made", { made: -1 }, false],
    ["a step before the first", { own: [-1] }, false],
    ["a version without a name", { version: "" }, false],
    ["no salt", { salt: "" }, false],
  ])("with %s can be stored, or can't", (_, about, ok) => {
    expect(read(Release, { ...release, ...about }).ok).toBe(ok);
  });
});
