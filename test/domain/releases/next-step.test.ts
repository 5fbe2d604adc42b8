import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextOfRelease, type ReleaseVerdict, type SeenRelease } from "../../../shared/domain/releases/next-step.ts";
import { guardModes } from "../../../shared/domain/routing/guard-rule.ts";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { aRelease, BEGAN, minutesLater } from "../../support/releases.ts";

const said = { who: "grace", why: "lunch", at: BEGAN.toISOString() };
const worse: ReleaseVerdict = { says: "worse", told: "9 of 10 failed" };
const frozen = { ...DEFAULT_GUARDRAILS, freeze: said };

function seen(about: Partial<SeenRelease> = {}, release = aRelease({ made: 1 })): SeenRelease {
  return {
    component: { name: "release-coordinator", defaultAlias: "stable" },
    release,
    guardrails: DEFAULT_GUARDRAILS,
    aliasVersion: "4",
    intoVersion: "1",
    exists: true,
    verdict: { says: "healthy", told: "healthy so far" },
    ...about,
  };
}

describe("a release that is looked at", () => {
  it("moves its alias first, and makes its first step at once", () => {
    const fresh = aRelease();
    expect(nextOfRelease(seen({ aliasVersion: "2" }, fresh), BEGAN)).toEqual({ do: "move alias" });
    expect(nextOfRelease(seen({}, fresh), BEGAN)).toEqual({ do: "step" });
  });

  it("makes a step when the time of the one before is over and its version is healthy", () => {
    const until = minutesLater(10);
    expect(nextOfRelease(seen(), minutesLater(9.99))).toMatchObject({ do: "wait", until });
    expect(nextOfRelease(seen(), until)).toEqual({ do: "step" });
    expect(nextOfRelease(seen({}, aRelease({ made: 4 })), until)).toEqual({ do: "promote" });
    expect(nextOfRelease(seen({ intoVersion: "4" }, aRelease({ made: 4 })), BEGAN)).toEqual({ do: "finish" });
  });

  it("waits for a verdict, and pauses where it has waited for as long as it may", () => {
    const because = "no verdict; about 40 more deliveries would show ×10";
    const verdict: ReleaseVerdict = { says: "none", told: because };
    expect(nextOfRelease(seen({ verdict }), minutesLater(9_999))).toEqual({ do: "wait", because });
    const patient = aRelease({ made: 1, maxWaitMs: 60_000 });
    expect(nextOfRelease(seen({ verdict }, patient), minutesLater(10.9))).toMatchObject({ do: "wait" });
    expect(nextOfRelease(seen({ verdict }, patient), minutesLater(11))).toEqual({ do: "pause", why: because });
  });

  it("does about a version that is worse what its guard says", () => {
    const of = (guard: (typeof guardModes)[number]) =>
      nextOfRelease(seen({ verdict: worse }, aRelease({ made: 1, guard })), minutesLater(1));
    expect(of("undo")).toEqual({ do: "take back", why: "9 of 10 failed" });
    expect(of("rollback")).toEqual({ do: "take back", why: "9 of 10 failed" });
    expect(of("hold")).toEqual({ do: "pause", why: "held by its guard: 9 of 10 failed" });
    expect(of("watch")).toMatchObject({ do: "wait" });
  });

  it("pauses where somebody was taken off its version, whatever its guard is, and isn't taken back for it", () => {
    const verdict: ReleaseVerdict = { says: "worse for one", told: "it fails for acme" };
    const pause = { do: "pause", why: "it fails for acme" };
    for (const guard of guardModes) {
      for (const made of [0, 1, 4]) {
        expect(nextOfRelease(seen({ verdict }, aRelease({ made, guard })), minutesLater(10))).toEqual(pause);
      }
    }
  });

  it("is held by a freeze and by all-stable, and taken back all the same", () => {
    const allStable = { component: { name: "release-coordinator", defaultAlias: "stable", allStable: said } };
    expect(nextOfRelease(seen({ guardrails: frozen }), minutesLater(10))).toMatchObject({ do: "wait" });
    expect(nextOfRelease(seen(allStable), minutesLater(10))).toEqual({
      do: "wait",
      because: "all stable by grace: lunch",
    });
    expect(nextOfRelease(seen({ ...allStable, guardrails: frozen, verdict: worse }), minutesLater(10))).toMatchObject({
      do: "take back",
    });
  });

  it("pauses where somebody has changed what it has set, moved its alias or removed its version", () => {
    const at = minutesLater(10);
    expect(nextOfRelease(seen({ disturbed: "the rollout was changed" }), at)).toEqual({
      do: "pause",
      why: "the rollout was changed",
    });
    expect(nextOfRelease(seen({ aliasVersion: "5" }), at)).toEqual({
      do: "pause",
      why: "beta points at 5, not at 4",
    });
    expect(nextOfRelease(seen({ aliasVersion: "5" }, aRelease()), at)).toMatchObject({ do: "pause" });
    expect(nextOfRelease(seen({ exists: false }), at)).toEqual({ do: "pause", why: "version 4 is gone" });
  });

  it("does nothing while it is paused, and only ends once it is being taken back", () => {
    const paused = aRelease({ made: 1, paused: said });
    expect(nextOfRelease(seen({ verdict: worse }, paused), minutesLater(99))).toMatchObject({ do: "wait" });
    expect(nextOfRelease(seen({ intoVersion: "4" }, paused), minutesLater(99))).toMatchObject({ do: "wait" });
    const ending = aRelease({ made: 1, ending: { ...said, how: "aborted" } });
    expect(nextOfRelease(seen({ guardrails: frozen }, ending), BEGAN)).toEqual({ do: "end" });
  });

  it("is taken back where its version is worse while it has paused by itself, but stays where its guard holds it", () => {
    const paused = { who: "release/4-faster", why: "no verdict for an hour", at: BEGAN.toISOString() };
    const of = (guard: (typeof guardModes)[number]) =>
      nextOfRelease(seen({ verdict: worse }, aRelease({ made: 1, guard, paused })), minutesLater(99)).do;
    expect(guardModes.map(of)).toEqual(["wait", "wait", "take back", "take back"]);
  });

  it("makes no first step with a version that is worse for those who were on its alias already", () => {
    const of = (guard: (typeof guardModes)[number]) =>
      nextOfRelease(seen({ verdict: worse }, aRelease({ guard })), BEGAN).do;
    expect(guardModes.map(of)).toEqual(["step", "pause", "take back", "take back"]);
  });

  it("finishes where everybody has the version, whoever has promoted it, and takes nothing back then", () => {
    const promoted = seen({ intoVersion: "4", verdict: worse }, aRelease({ made: 2 }));
    expect(nextOfRelease(promoted, BEGAN)).toEqual({ do: "finish" });
  });

  it("pauses where somebody has put another version where everybody goes, or sends everybody elsewhere", () => {
    const begun = aRelease({ made: 1, intoBefore: "1" });
    expect(nextOfRelease(seen({}, begun), minutesLater(10))).toEqual({ do: "step" });
    expect(nextOfRelease(seen({ intoVersion: "5" }, begun), minutesLater(10))).toEqual({
      do: "pause",
      why: "stable points at 5 by now, and did at 1: resumed, the release puts 4 in its place",
    });
    const component = { name: "release-coordinator", defaultAlias: "beta" };
    expect(nextOfRelease(seen({ component }, begun), minutesLater(10))).toEqual({
      do: "pause",
      why: "beta is the default alias by now, not stable",
    });
  });

  it("is never taken back without a version that is worse, and goes no further with one but where that is only watched", () => {
    const verdict = fc.constantFrom<ReleaseVerdict>(
      { says: "healthy", told: "healthy so far" },
      { says: "none", told: "no verdict" },
      worse,
    );
    const about = fc.record({
      verdict,
      guard: fc.constantFrom(...guardModes),
      made: fc.integer({ min: 0, max: 4 }),
      aliasVersion: fc.constantFrom("2", "4", null),
      intoVersion: fc.constantFrom("1", "4"),
      exists: fc.boolean(),
      guardrails: fc.constantFrom(DEFAULT_GUARDRAILS, frozen),
      minutes: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(about, ({ guard, made, minutes, ...known }) => {
        const next = nextOfRelease(seen(known, aRelease({ guard, made })), minutesLater(minutes));
        if (next.do === "take back") expect(known.verdict).toBe(worse);
        if (known.verdict === worse && guard !== "watch") {
          expect(["step", "promote"]).not.toContain(next.do);
        }
        if (known.guardrails === frozen) expect(["step", "promote", "move alias"]).not.toContain(next.do);
      }),
    );
  });
});
