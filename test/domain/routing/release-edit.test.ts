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
  let component: Component = aComponent({ name: "mailer" });
  let changed = false;
  for (const act of acts) {
    const stored = (key: RowKey) => (key === "component#mailer" ? component : undefined);
    const changes = releaseChanges({ kind: "release", component: "mailer", plans: [], act }, stored, ["mailer"]);
    changed = changes.length > 0;
    component = (changes[0]?.after ?? component) as Component;
  }
  return changed ? component.release : undefined;
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

it("a release is taken back once, as the first to do so has said", () => {
  const back = (who: string): ReleaseAct => ({ do: "take back", id: "r", how: "aborted", ...by(who) });
  expect(releaseAfter(begun, back("ada"))?.ending).toEqual({ how: "aborted", ...by("ada") });
  expect(releaseAfter(begun, back("ada"), back("grace"))).toBeUndefined();
});
