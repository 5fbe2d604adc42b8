import { expect, it } from "vitest";
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
