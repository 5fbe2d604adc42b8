import { expect, it } from "vitest";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { type ReleaseAct, releaseChanges } from "../../../shared/domain/routing/release-edit.ts";
import type { RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { aComponent } from "../../support/builders.ts";
import { aRelease, BEGAN } from "../../support/releases.ts";

const at = BEGAN.toISOString();
const by = (who: string) => ({ who, why: `as ${who} says`, at });

/** The component's release after these, one after the other; undefined where the last one changed nothing. */
function releaseAfter(...acts: ReleaseAct[]) {
  const { component, changed } = componentAfter(aComponent({ name: "mailer" }), ...acts);
  return changed ? component.release : undefined;
}

/** The component after these, and whether the last one changed it. */
function componentAfter(first: Component, ...acts: ReleaseAct[]) {
  let component = first;
  let changed = false;
  for (const act of acts) {
    const stored = (key: RowKey) => (key === "component#mailer" ? component : undefined);
    const changes = releaseChanges({ kind: "release", component: "mailer", plans: [], act }, stored, ["mailer"]);
    changed = changes.length > 0;
    component = (changes[0]?.after ?? component) as Component;
  }
  return { component, changed };
}

const release = aRelease({ id: "r", steps: [{ kind: "share", basisPoints: 500 }] });
const begun: ReleaseAct = { do: "start", release };

it("a release that is paused stays paused by whoever was first, until somebody resumes it", () => {
  const pause = (who: string): ReleaseAct => ({ do: "pause", id: "r", ...by(who) });
  expect(releaseAfter(begun, pause("ada"))?.paused).toEqual(by("ada"));
  expect(releaseAfter(begun, pause("ada"), pause("grace"))).toBeUndefined();
  const resumed = releaseAfter(begun, pause("ada"), { do: "resume", id: "r", ...by("grace") });
  expect(resumed).toMatchObject({ made: 0 });
  expect(resumed).not.toHaveProperty("paused");
  expect(() => releaseAfter(begun, { do: "resume", id: "r", ...by("grace") })).toThrow("Release r isn't paused");
});

it("a step is made once, whoever else has made it", () => {
  const step: ReleaseAct = { do: "step", id: "r", made: 0, at };
  expect(releaseAfter(begun, step)?.made).toBe(1);
  expect(releaseAfter(begun, step, step)).toBeUndefined();
});

it("behind the last step there is none to make", () => {
  const step = (made: number): ReleaseAct => ({ do: "step", id: "r", made, at });
  expect(releaseAfter(begun, step(0), step(1))).toBeUndefined();
});

it("a release is taken back once, as the first to do so has said", () => {
  const back = (who: string): ReleaseAct => ({ do: "take back", id: "r", how: "aborted", ...by(who) });
  expect(releaseAfter(begun, back("ada"))?.ending).toEqual({ how: "aborted", ...by("ada") });
  expect(releaseAfter(begun, back("ada"), back("grace"))).toBeUndefined();
});

it("a release that is taken back takes the guard along that it has set, and nobody else's", () => {
  const back: ReleaseAct = { do: "take back", id: "r", how: "aborted", ...by("ada") };
  const mailer = aComponent({ name: "mailer" });
  const started = componentAfter(mailer, begun).component;
  expect(started.guards).toEqual({ beta: { mode: "hold", who: "release/r", why: release.why, at } });
  expect(componentAfter(started, back).component.guards ?? {}).toEqual({});
  const since = { ...started, guards: { beta: { mode: "watch" as const, ...by("grace") } } };
  expect(componentAfter(since, back).component.guards).toEqual(since.guards);
  const before = { ...mailer, guards: { beta: { mode: "hold" as const, ...by("release/r") } } };
  expect(componentAfter(before, begun, back).component.guards).toEqual(before.guards);
});
