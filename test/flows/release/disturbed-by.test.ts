import { describe, expect, it } from "vitest";
import type { Component } from "../../../shared/domain/routing/component.ts";
import type { Release, ReleaseStep } from "../../../shared/domain/routing/release.ts";
import type { ChangeLogEntry, RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { disturbedBy } from "../../../shared/flows/release/disturbed-by.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRelease, BEGAN, RC } from "../../support/releases.ts";

const release: Release = aRelease({ made: 4, own: [0, 1, 2, 3] });
const [cohort, plan, , all] = release.steps as [ReleaseStep, ReleaseStep, ReleaseStep, ReleaseStep];
const key = `component#${RC}` as const;
const rollout = { alias: "beta", by: "customer", salt: "salt", basisPoints: 10_000 } as const;
const bare = aComponent({ name: RC });
const whole: Component = { ...bare, rollout, cohortRoutes: [{ cohort: "staff", alias: "beta" }] };
const own = aPin({ alias: "beta", who: "release/4-faster" });

const changes = (...rows: RowChange[][]): ChangeLogEntry[] =>
  rows.map((of, index) => {
    const said = { who: `person-${index + 1}`, why: `reason ${index + 1}`, command: "test", at: BEGAN };
    return { changeId: `${index}`, revision: index + 1, rows: of, ...said } as ChangeLogEntry;
  });

async function told(log: ChangeLogEntry[], step: ReleaseStep, revision = log.length) {
  const asked: number[] = [];
  const reader = {
    head: async () => log.length,
    changesAfter: async (after: number, limit: number) => {
      asked.push(after);
      return log.slice(after, after + limit);
    },
  };
  return { says: await disturbedBy(reader, revision, RC, release, step), asked };
}

describe("whoever has changed what a release had set", () => {
  it("is the last who took it away, whatever was changed there besides", async () => {
    const log = changes(
      [{ key, before: null, after: whole }],
      [{ key, before: whole, after: bare }],
      [{ key, before: bare, after: whole }],
      [{ key, before: whole, after: { ...whole, timeoutMs: 1 } }],
      [{ key: "component#mailer", before: whole, after: bare }],
      [{ key, before: { ...whole, timeoutMs: 1 }, after: { ...whole, rollout: { ...rollout, basisPoints: 9_999 } } }],
      [{ key, before: { ...whole, rollout: { ...rollout, basisPoints: 9_999 } }, after: bare }],
    );
    expect((await told(log, all)).says).toBe("the rollout was changed by person-6 (revision 6: reason 6)");
    expect((await told(log, cohort)).says).toBe(
      "the route of cohort staff was changed by person-7 (revision 7: reason 7)",
    );
    expect((await told(log, all, 5)).says).toBe("the rollout was changed by person-2 (revision 2: reason 2)");
  });

  it("is told of a plan's pin by the plan's row", async () => {
    const before = aSubjectRow({ pins: { [RC]: own } });
    const log = changes(
      [{ key: "plan#free", before, after: { ...before, cohorts: ["staff"] } }],
      [{ key: "plan#free", before, after: null }],
      [{ key: "plan#pro", before, after: null }],
      [{ key, before: whole, after: bare }],
    );
    expect((await told(log, plan)).says).toBe("the pin of plan free was changed by person-2 (revision 2: reason 2)");
  });

  it("who has removed the component, or left a row that can't be read", async () => {
    const unreadable = new UnreadableRow("{", "no JSON");
    expect((await told(changes([{ key, before: whole, after: null }]), all)).says).toContain("person-1");
    const damaged = changes([{ key, before: whole, after: unreadable as never }]);
    expect((await told(damaged, all)).says).toContain("person-1");
  });

  it("is somebody, where the log doesn't say, or not in its last thousand changes", async () => {
    expect((await told([], all, 0)).says).toBe("the rollout was changed by somebody");
    const others = Array.from({ length: 999 }, (): RowChange[] => []);
    const reached = await told(changes([{ key, before: whole, after: bare }], ...others), all);
    expect(reached.says).toContain("person-1 ");
    const beyond = await told(changes([{ key, before: whole, after: bare }], ...others, []), all);
    expect(beyond.says).toBe("the rollout was changed by somebody");
    expect(Math.min(...beyond.asked)).toBe(1);
  });
});
