import { expect, it } from "vitest";
import { newWatch, type Trip } from "../../shared/domain/health/watch.ts";
import { aReplayedCli, RC } from "../support/replayed-cli.ts";

const why = ["--reason", "2 is new", "--yes"];

it("turnout guard sets, shows and clears a guard, each with its undo", async () => {
  const { here, hereJson } = await aReplayedCli();
  expect(await here("guard show")).toMatchObject({ code: 0, stderr: "nothing is guarded\n" });
  const set = await here(`guard set ${RC} beta --mode undo`, ...why);
  expect(set.stderr).toContain(`undo: turnout guard clear ${RC} beta --reason 'undo of revision`);
  expect(await hereJson("guard show")).toMatchObject([
    { component: RC, alias: "beta", component_version: "2", mode: "undo", verdict: "not looked at", trip: null },
  ]);
  const stricter = await here(`guard set ${RC} beta --mode watch`, ...why);
  expect(stricter.stderr).toContain(`undo: turnout guard set ${RC} beta --mode undo --reason`);
  expect(await here(`guard clear ${RC} beta`, ...why)).toMatchObject({ code: 0 });
  expect(await hereJson("guard show")).toEqual([]);
  expect(await here(`guard clear ${RC} beta`, ...why)).toMatchObject({ code: 3 });
});

it("turnout guard show says of a version that its guard has taken back what was done, and when", async () => {
  const cli = await aReplayedCli();
  await cli.here(`guard set ${RC} beta --mode undo`, ...why);
  const at = "2026-11-20T10:00:00.000Z";
  const watch = newWatch({ component: RC, alias: "beta", version: "3" }, new Date(at), new Date(at));
  const trip: Trip = {
    ...{ at, stage: "ended", mode: "undo", to: "2", verdict: { says: "worse", metrics: [], more: 0 }, revision: 1 },
    ...{ why: "9 of 10 failed", done: "beta went back to version 2, and replay r-1 delivers what it left" },
  };
  await cli.withState(({ watches }) => watches.put({ ...watch, trip }));
  const { stdout } = await cli.here(`guard show ${RC}`);
  expect(stdout).toMatch(/^release-coordinator +beta +2 +undo +not looked at/m);
  expect(stdout).toMatch(/^release-coordinator +beta +3 +taken back +worse/m);
  expect(stdout).toContain(
    `${RC} beta 3: 9 of 10 failed; found at ${at}: beta went back to version 2, and replay r-1 `,
  );
});

it("a guard is set in a freeze too, and an alias that is guarded stays", async () => {
  const { here } = await aReplayedCli();
  await here("freeze", ...why);
  expect(await here(`guard set ${RC} beta --mode rollback`, ...why)).toMatchObject({ code: 0 });
  await here("unfreeze", ...why);
  const retired = await here(`alias retire ${RC} beta`, ...why);
  expect(retired).toMatchObject({ code: 4, stderr: expect.stringContaining("it is guarded") });
});

it.each([
  ["a mode that isn't one", `guard set ${RC} beta --mode kill`, 2, "Allowed choices are watch, hold, rollback, undo"],
  ["--all without undo", `guard set ${RC} beta --mode rollback --all`, 2, "--mode undo"],
  ["an unknown alias", `guard set ${RC} nope`, 3, `No alias 'nope' on ${RC}`],
  ["an unknown component", "guard set nope beta", 3, "No component 'nope'"],
])("turnout guard refuses %s", async (_, command, code, says) => {
  const { here } = await aReplayedCli();
  expect(await here(command, ...why)).toMatchObject({ code, stderr: expect.stringContaining(says) });
});
