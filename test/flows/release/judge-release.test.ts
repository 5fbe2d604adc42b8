import { expect, it } from "vitest";
import type { GuardVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { newWatch, type Watch } from "../../../shared/domain/health/watch.ts";
import { judgeRelease } from "../../../shared/flows/release/judge-release.ts";
import { aComponent } from "../../support/builders.ts";
import { aRelease, BEGAN, minutesLater, RC } from "../../support/releases.ts";

const of = (says: GuardVerdict["says"]): GuardVerdict => ({ says, metrics: [], more: 12 });
const watch = newWatch({ component: RC, alias: "beta", version: "4" }, BEGAN, BEGAN);
const lookedAt = minutesLater(10).toISOString();

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
])("where %s a release hears so from its guard", async (_, about, says, told) => {
  const watches = { watches: async () => (about === undefined ? [] : [{ ...watch, ...about }]) };
  const verdict = await judgeRelease(watches, aComponent({ name: RC }), aRelease(), minutesLater(12));
  expect(verdict.says).toBe(says);
  expect(verdict.told).toContain(told);
});
