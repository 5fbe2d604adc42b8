import { describe, expect, it } from "vitest";
import type { GuardVerdict, MetricVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import type { TakenOff, Trip, Watch } from "../../../shared/domain/health/watch.ts";
import { newWatch } from "../../../shared/domain/health/watch.ts";
import type { Guard } from "../../../shared/domain/routing/guard-rule.ts";
import {
  beyondVerdict,
  doneText,
  foundText,
  saysOf,
  standsAs,
  strongestOf,
  toldText,
  verdictOf,
} from "../../../shared/flows/watch/guard-told.ts";
import type { GuardedVersion } from "../../../shared/flows/watch/guards-of.ts";

const metric = (about: Partial<MetricVerdict>): MetricVerdict => {
  const own = { tried: 4, failed: 1 };
  return { metric: "failed", own, stable: { tried: 9, failed: 0 }, level: "ok", ...about };
};
const healthy: GuardVerdict = { says: "healthy so far", metrics: [metric({})], more: 0 };
const worse: GuardVerdict = { says: "worse", metrics: [metric({ level: "act" })], more: 0 };
const at = "2026-11-20T10:00:00.000Z";
const trip = { at, why: "2 is worse: much failed", verdict: worse, done: "beta was taken back" } as Trip;

function guarded(about: Partial<Watch> | undefined, more: Partial<GuardedVersion> = {}): GuardedVersion {
  const key = { component: "mailer", alias: "beta", version: "2" };
  const watch = about && { ...newWatch(key, new Date(1), new Date(1)), ...about };
  return { ...key, ...(watch && { watch }), ...more } as GuardedVersion;
}

describe("what a guard says", () => {
  it("is its verdict, or what it was once found, or that it hasn't looked", () => {
    expect(saysOf(guarded(undefined))).toBe("not looked at");
    expect(saysOf(guarded({}))).toBe("not looked at");
    expect(saysOf(guarded({ verdict: healthy }))).toBe("healthy so far");
    expect(saysOf(guarded({ verdict: healthy, trip }))).toBe("worse");
    expect(verdictOf(guarded({ verdict: healthy }))).toBe(healthy);
    expect(verdictOf(guarded({ verdict: healthy, trip }))).toBe(worse);
    expect(verdictOf(guarded(undefined))).toBeUndefined();
  });

  it("is told in a sentence, with what was done, what it waits for, and what stands against it", () => {
    expect(toldText(guarded(undefined))).toBe("");
    expect(toldText(guarded({}))).toBe("");
    expect(toldText(guarded({ verdict: healthy }, { version: null }))).toBe("");
    const counts = "healthy so far: 1 of 4 first attempts failed";
    expect(toldText(guarded({ verdict: healthy }))).toBe(counts);
    expect(toldText(guarded({ verdict: healthy, trip }))).toBe(
      `2 is worse: much failed; found at ${at}: beta was taken back`,
    );
    expect(toldText(guarded({ trip: { ...trip, done: undefined } as never }))).toBe(
      `2 is worse: much failed; found at ${at}`,
    );
    const taken = [{ why: "worse for acme", done: "pinned" }, { why: "worse for globex" }] as TakenOff[];
    expect(toldText(guarded({ verdict: healthy, taken, waits: "a freeze" }, { outranked: "a release" }))).toBe(
      `${counts}; worse for acme; pinned; worse for globex; waits: a freeze; does nothing now: a release`,
    );
  });

  it("says how its version stands: its mode, or what has become of a version that nobody guards any more", () => {
    const stands = (about: Partial<Watch>, more: Partial<GuardedVersion>) => standsAs(guarded(about, more));
    const took = { ...trip, to: "1", stage: "ended" } as Trip;
    expect(stands({ trip: took }, { isThere: true, guard: { mode: "undo" } as Guard })).toBe("undo");
    expect(stands({ trip: took }, { isThere: false })).toBe("taken back");
    expect(stands({ trip: { ...took, stage: "acting" } }, { isThere: false })).toBe("moved away");
    expect(stands({ trip: { ...trip, stage: "ended" } }, { isThere: false })).toBe("moved away");
    expect(stands({ trip: took }, { isThere: true })).toBe("not guarded");
    expect(stands({ verdict: healthy }, { isThere: false })).toBe("not guarded");
  });

  it("is told apart from what was done where that stands beside it", () => {
    const taken = [{ why: "worse for acme", done: "pinned" }, { why: "worse for globex" }] as TakenOff[];
    const both = guarded({ trip, taken, waits: "a freeze" });
    expect(foundText(both)).toBe("2 is worse: much failed; worse for acme; worse for globex; waits: a freeze");
    expect(doneText(both)).toBe(`found at ${at}: beta was taken back; pinned`);
    expect(foundText(guarded({ verdict: healthy }))).toBe(toldText(guarded({ verdict: healthy })));
    expect([doneText(guarded({ verdict: healthy })), doneText(guarded(undefined))]).toEqual(["", ""]);
  });

  it("isn't said twice where it stands beside the sentence", () => {
    expect(beyondVerdict(guarded({ verdict: healthy }))).toBe("1 of 4 first attempts failed");
    expect(beyondVerdict(guarded({ trip }))).toBe(`2 is worse: much failed; found at ${at}: beta was taken back`);
    expect(beyondVerdict(guarded({ verdict: { ...healthy, metrics: [] }, waits: "a freeze" }))).toBe("waits: a freeze");
  });

  it("has most against a version by the metric whose lesser evidence is the greatest", () => {
    const metrics = [
      metric({ metric: "failed", worseThanStable: 9, worseThanBefore: 1 }),
      metric({ metric: "slower", worseThanStable: 2, worseThanBefore: 3 }),
      metric({ metric: "missing", worseThanStable: 99 }),
    ];
    expect(strongestOf({ ...healthy, metrics })?.metric).toBe("slower");
    expect(strongestOf({ ...healthy, metrics: metrics.toReversed() })?.metric).toBe("slower");
    expect(strongestOf(undefined)).toBeUndefined();
  });
});
