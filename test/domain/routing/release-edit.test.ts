import { describe, expect, it } from "vitest";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { type ReleaseAct, releaseChanges } from "../../../shared/domain/routing/release-edit.ts";
import type { Row, RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
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
  const { rows, keys } = rowsAfter({ "component#mailer": first }, ...acts);
  return { component: rows["component#mailer"] as Component, changed: keys.length > 0 };
}

type Rows = { [key in RowKey]?: Row };

/** The rows after these acts, and which of them the last one changed. */
function rowsAfter(first: Rows, ...acts: ReleaseAct[]) {
  const rows = { ...first };
  let keys: RowKey[] = [];
  for (const act of acts) {
    const edit = { kind: "release", component: "mailer", plans: ["free"], act } as const;
    const changes = releaseChanges(edit, (key: RowKey) => rows[key], ["mailer"]);
    keys = changes.map(({ key }) => key);
    for (const { key, after } of changes) {
      if (after === null) delete rows[key];
      else rows[key] = after as Row;
    }
  }
  return { rows, keys };
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

describe("the rules of a release", () => {
  const whole = aRelease({ id: "r" });
  const start: ReleaseAct = { do: "start", release: whole };
  const step = (made: number): ReleaseAct => ({ do: "step", id: "r", made, at });
  const back: ReleaseAct = { do: "take back", id: "r", how: "aborted", ...by("ada") };
  const mailer = aComponent({ name: "mailer" });
  const empty: Rows = { "component#mailer": mailer };
  const componentOf = (rows: Rows) => rows["component#mailer"] as Component;

  it("are set step by step: a cohort's route, a plan's pin, and shares one in the place of the other", () => {
    const [one, two, three, four] = [1, 2, 3, 4].map((made) =>
      rowsAfter(empty, start, ...[0, 1, 2, 3].slice(0, made).map(step)),
    );
    expect(one?.keys).toEqual(["component#mailer"]);
    expect(componentOf(one?.rows ?? {}).cohortRoutes).toEqual([{ cohort: "staff", alias: "beta" }]);
    expect(two?.keys).toEqual(["component#mailer", "plan#free"]);
    expect(two?.rows["plan#free"]).toEqual(
      aSubjectRow({ pins: { mailer: { alias: "beta", who: "release/r", why: whole.why, at } } }),
    );
    const rollout = { alias: "beta", by: "customer", salt: "salt" };
    expect(componentOf(three?.rows ?? {}).rollout).toEqual({ ...rollout, basisPoints: 500 });
    expect(componentOf(four?.rows ?? {}).rollout).toEqual({ ...rollout, basisPoints: 10_000 });
    expect(componentOf(four?.rows ?? {}).release).toMatchObject({ made: 4, own: [0, 1, 2, 3] });
  });

  it("are all taken away with it, and the row of a plan that says nothing more", () => {
    const { rows } = rowsAfter(empty, start, step(0), step(1), step(2), back);
    expect(componentOf(rows)).toMatchObject({ cohortRoutes: [] });
    expect(componentOf(rows)).not.toHaveProperty("rollout");
    expect(rows).not.toHaveProperty("plan#free");
  });

  it("leave what else a plan's row says as it is", () => {
    const known = { "plan#free": aSubjectRow({ pins: { other: aPin() }, cohorts: ["staff"] }) };
    const { rows } = rowsAfter({ ...empty, ...known }, start, step(0), step(1));
    expect(Object.keys((rows["plan#free"] as ReturnType<typeof aSubjectRow>).pins)).toEqual(["other", "mailer"]);
    expect(rowsAfter({ ...empty, ...known }, start, step(0), step(1), back).rows["plan#free"]).toEqual(
      known["plan#free"],
    );
  });

  it("leave what somebody has set in their place since", () => {
    const { rows } = rowsAfter(empty, start, step(0), step(1), step(2));
    const pinned = { "plan#free": aSubjectRow({ pins: { mailer: aPin({ alias: "beta" }) } }) };
    const after = rowsAfter({ ...rows, ...pinned }, back);
    expect(after.rows["plan#free"]).toEqual(pinned["plan#free"]);
    expect(after.keys).toEqual(["component#mailer"]);
  });

  it("aren't set where the same stands already, which then isn't the release's to take away", () => {
    const staff = { ...mailer, cohortRoutes: [{ cohort: "staff", alias: "beta" }] };
    const { rows } = rowsAfter({ "component#mailer": staff }, start, step(0));
    expect(componentOf(rows).release).toMatchObject({ made: 1, own: [] });
    expect(componentOf(rowsAfter(rows, back).rows).cohortRoutes).toEqual(staff.cohortRoutes);
  });

  it.each<[string, Rows]>([
    [
      "the route of cohort staff",
      { "component#mailer": { ...mailer, cohortRoutes: [{ cohort: "staff", alias: "stable" }] } },
    ],
    ["the pin of plan free", { "plan#free": aSubjectRow({ pins: { mailer: aPin({ alias: "stable" }) } }) }],
    [
      "the rollout",
      { "component#mailer": { ...mailer, rollout: { alias: "beta", by: "customer", salt: "s", basisPoints: 1 } } },
    ],
  ])("aren't begun over what somebody has set: %s", (what, rows) => {
    expect(() => rowsAfter({ ...empty, ...rows }, start)).toThrow(`There is ${what} of mailer already, to `);
  });

  it("aren't made over what somebody has set since it was begun", () => {
    const { rows } = rowsAfter(empty, start);
    const routed = { ...componentOf(rows), cohortRoutes: [{ cohort: "staff", alias: "stable" }] };
    expect(() => rowsAfter({ "component#mailer": routed }, step(0))).toThrow("There is the route of cohort staff");
    const { rows: further } = rowsAfter(empty, start, step(0), step(1));
    const shared = { alias: "beta", by: "customer", salt: "s", basisPoints: 1 } as const;
    const rolled = { ...further, "component#mailer": { ...componentOf(further), rollout: shared } };
    expect(() => rowsAfter(rolled, step(2))).toThrow("There is the rollout of mailer already, to beta");
  });

  it("that somebody has replaced while it was paused are theirs when it goes on", () => {
    const { rows } = rowsAfter(empty, start, step(0), step(1), { do: "pause", id: "r", ...by("ada") });
    const replaced = { ...rows, "plan#free": aSubjectRow({ pins: { mailer: aPin({ alias: "beta" }) } }) };
    const resumed = rowsAfter(replaced, { do: "resume", id: "r", ...by("ada"), force: true, into: "7" }).rows;
    expect(componentOf(resumed).release).toMatchObject({ own: [0], force: true, intoBefore: "7", since: at });
    const plain = componentOf(rowsAfter(replaced, { do: "resume", id: "r", ...by("ada") }).rows).release;
    expect(plain).not.toHaveProperty("force");
    expect(plain).toMatchObject({ intoBefore: "1" });
  });

  it("are of one release at a time, which ends once its rules are gone", () => {
    expect(() => rowsAfter(empty, start, { do: "start", release: aRelease({ id: "s" }) })).toThrow(
      "Release r of mailer is under way, by ada",
    );
    const { rows } = rowsAfter(empty, start, { do: "end", id: "r" });
    expect(componentOf(rows).release).not.toHaveProperty("ended");
    const ended = rowsAfter(empty, start, back, { do: "end", id: "r" });
    expect(componentOf(ended.rows).release).toMatchObject({ ended: { how: "aborted", ...by("ada") } });
    expect(componentOf(ended.rows).release).not.toHaveProperty("ending");
    expect(() => rowsAfter(ended.rows, step(0))).toThrow("No release r of mailer is under way. It has ended: aborted.");
    expect(() => rowsAfter(ended.rows, { ...back, id: "s" })).toThrow(/No release s of mailer is under way\.$/);
    expect(componentOf(rowsAfter(ended.rows, { do: "start", release: aRelease({ id: "s" }) }).rows).release?.id).toBe(
      "s",
    );
  });

  it("are refused where the component isn't there, or can't be read", () => {
    expect(() => rowsAfter({}, start)).toThrow("mailer");
    const broken = new UnreadableRow("is broken", "{");
    expect(() =>
      releaseChanges({ kind: "release", component: "mailer", plans: [], act: start }, () => broken, ["mailer"]),
    ).toThrow("is broken");
  });
});
