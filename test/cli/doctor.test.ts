import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runHere } from "../support/cli-in-process.ts";
import { jsonLines } from "../support/cli-process.ts";
import { aReplayedCli, RC } from "../support/replayed-cli.ts";

type Told = { check: string; status: string; found: string; remedy: string | null };

async function doctor(home: string) {
  const { code, stdout } = await runHere(["doctor", "--json"], home);
  const found = jsonLines(stdout) as Told[];
  return { code, found, about: (check: string) => found.find((finding) => finding.check === check) };
}

it("turnout doctor warns that no server runs, and finds the rest in order", async () => {
  const { home } = await aReplayedCli();
  const { code, found } = await doctor(home);
  expect(code).toBe(0);
  const wrong = found.filter(({ status, check }) => status !== "ok" && check !== "disk");
  expect(wrong).toMatchObject([{ check: "server", status: "warning", remedy: "Start it with 'npm start'" }]);
});

it("turnout doctor tells an alias that was moved without the change log, and a version without its code", async () => {
  const { home, withState } = await aReplayedCli();
  await withState(({ catalog }) => catalog.moveAlias(RC, "stable", "3"));
  rmSync(join(home, "versions", RC, "2"), { recursive: true });
  const { code, about } = await doctor(home);
  expect(code).toBe(1);
  expect(about(`stable of ${RC}`)).toMatchObject({
    status: "problem",
    found: expect.stringMatching(
      /^was moved behind Turnout's back: it points at version 3, and revision \d+ by ada has it at 1$/,
    ),
    remedy: expect.stringContaining("turnout alias set release-coordinator stable"),
  });
  expect(about(`beta of ${RC}`)).toMatchObject({ status: "problem", found: expect.stringContaining("has no folder") });
});

it("turnout doctor says that there is no state, and ends with 1", async () => {
  const { code, found } = await doctor("/no/state");
  expect({ code, found }).toMatchObject({ code: 1, found: [{ check: "state", status: "problem" }] });
});
