import { expect, it } from "vitest";
import type { GuardVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { newWatch, type TakenOff, type Watch } from "../../../shared/domain/health/watch.ts";
import { judgeRelease } from "../../../shared/flows/release/judge-release.ts";
import { aComponent } from "../../support/builders.ts";
import { aRelease, BEGAN, minutesLater, RC } from "../../support/releases.ts";

const of = (says: GuardVerdict["says"]): GuardVerdict => ({ says, metrics: [], more: 12 });
const watch = newWatch({ component: RC, alias: "beta", version: "4" }, BEGAN, BEGAN);
const guarded = aComponent({
  name: RC,
  guards: { beta: { mode: "hold", who: "ada", why: "new", at: BEGAN.toISOString() } },
});
const lookedAt = minutesLater(10).toISOString();

const takenOff: TakenOff = {
  ...{ who: "customer#acme", at: minutesLater(1).toISOString(), stage: "ended", mode: "hold", revision: 7 },
  ...{ why: "it fails for acme", done: "acme goes to stable" },
};

it.each<[string, Partial<Watch> | undefined, string, string]>([
  ["nothing is known", undefined, "none", "the guard hasn't looked yet"],
  [
    "another version was looked at",
    { version: "3", lookedAt, verdict: of("healthy so far") },
    "none",
    "hasn't looked yet",
  ],
  ["it is healthy so far", { lookedAt, verdict: of("healthy so far") }, "healthy", "healthy so far"],
  ["there is no verdict", { lookedAt, verdict: of("no verdict") }, "none", "about 12 more deliveries would show ×10"],
  [
    "that was long ago",
    { lookedAt: BEGAN.toISOString(), verdict: of("healthy so far") },
    "none",
    "hasn't looked since",
  ],
  [
    "it was found to be worse",
    { trip: { at: lookedAt, stage: "found", mode: "hold", verdict: of("worse"), why: "it fails", revision: 7 } },
    "worse",
    "it fails",
  ],
  [
    "it was found to be worse before the release was begun by force",
    {
      trip: {
        at: minutesLater(-9).toISOString(),
        stage: "ended",
        mode: "hold",
        verdict: of("worse"),
        why: "x",
        revision: 7,
      },
    },
    "none",
    "it was worse at 2026-11-20T09:51:00.000Z, and isn't looked at yet",
  ],
  [
    "somebody was taken off it since the step was made",
    { lookedAt, verdict: of("healthy so far"), taken: [takenOff] },
    "worse for one",
    "it fails for acme; acme goes to stable",
  ],
  [
    "somebody was taken off it before, and the release was resumed since",
    { lookedAt, verdict: of("healthy so far"), taken: [{ ...takenOff, at: minutesLater(-1).toISOString() }] },
    "healthy",
    "healthy so far",
  ],
  [
    "it was only told whom it fails for",
    { lookedAt, verdict: of("healthy so far"), taken: [{ ...takenOff, mode: "watch" }] },
    "healthy",
    "healthy so far",
  ],
])("where %s a release hears so from its guard", async (_, about, says, told) => {
  const watches = { watches: async () => (about === undefined ? [] : [{ ...watch, ...about }]) };
  const verdict = await judgeRelease(watches, guarded, aRelease(), minutesLater(12));
  expect(verdict.says).toBe(says);
  expect(verdict.told).toContain(told);
});

it("what the guard said before the step was made is no verdict about it", async () => {
  const said = { ...watch, lookedAt, verdict: of("healthy so far") };
  const since = minutesLater(11).toISOString();
  const verdict = await judgeRelease({ watches: async () => [said] }, guarded, aRelease({ since }), minutesLater(12));
  expect(verdict).toEqual({ says: "none", told: "the guard hasn't looked since the step was made" });
});

it("without a guard there is no verdict, and it says so", async () => {
  const said = { ...watch, lookedAt, verdict: of("healthy so far") };
  const bare = aComponent({ name: RC });
  const verdict = await judgeRelease({ watches: async () => [said] }, bare, aRelease(), minutesLater(12));
  expect(verdict).toEqual({
    says: "none",
    told: "beta of release-coordinator isn't guarded any more",
  });
});
