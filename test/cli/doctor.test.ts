import { rmSync, writeFileSync } from "node:fs";
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

it("turnout doctor names a version whose code was changed after it was published", async () => {
  const { home } = await aReplayedCli();
  const folder = join(home, "versions", RC, "2");
  expect((await doctor(home)).about("versions")).toMatchObject({ status: "ok" });
  writeFileSync(join(folder, "one-more.txt"), "");
  const { code, about } = await doctor(home);
  expect(code).toBe(1);
  expect(about(`${RC} version 2`)).toMatchObject({
    status: "problem",
    found: expect.stringContaining("isn't what was published"),
  });
});

it("turnout doctor counts a delivery whose entry can't be read among the dead", async () => {
  const { home, route, withState } = await aReplayedCli();
  await route({ id: "e-1" });
  await withState(async ({ database }) => database.connection.exec("UPDATE deliveries SET entry = 'no JSON'"));
  const { about } = await doctor(home);
  expect(about("deliveries")).toMatchObject({ status: "warning", found: expect.stringMatching(/^unresolved: 1 dead/) });
});

it("turnout doctor counts what is unresolved, until it has been made good", async () => {
  const { home, route, here, drive } = await aReplayedCli();
  expect((await doctor(home)).about("deliveries")).toMatchObject({ status: "ok" });
  await route({ id: "e-1" }, { id: "e-2", fails: "1" }, { id: "e-3", fails: "1" });
  const from = expect.stringMatching(
    /^List them with 'turnout events --unresolved --from \S+Z'\. Once the cause is gone, deliver them with 'turnout replay start --unresolved --mode finish --from \S+Z --reason TEXT'$/,
  );
  const { code, about } = await doctor(home);
  expect(code).toBe(0);
  expect(about("deliveries")).toEqual({
    check: "deliveries",
    status: "warning",
    found: "unresolved: 2 dead, of 3 events that arrived in the last 24 hours",
    remedy: from,
  });
  expect((await runHere(["doctor"], home)).stderr).not.toContain("all is well");

  await here("replay start --unresolved --to-alias beta --name mend --yes --reason x");
  await drive("mend");
  expect((await doctor(home)).about("deliveries")).toMatchObject({
    status: "ok",
    found: "none is unresolved, of 3 events that arrived in the last 24 hours",
  });
});

it("turnout doctor tells outcomes that were refused until the queue gave them up", async () => {
  const { home, withState } = await aReplayedCli();
  expect((await doctor(home)).about("outcomes queue")).toMatchObject({ status: "ok" });
  await withState(async ({ outcomes }) => {
    const now = new Date();
    await outcomes.send(["forged"], now);
    for (let receive = 1; receive <= 11; receive++) await outcomes.receive(1, 0, now);
  });
  expect((await doctor(home)).about("outcomes queue")).toMatchObject({
    status: "warning",
    found: "0 waiting, 0 in flight, 1 given up",
    remedy: "See in the server's log why each was refused",
  });
});

it("turnout doctor says that there is no state, and ends with 1", async () => {
  const { code, found } = await doctor("/no/state");
  expect({ code, found }).toMatchObject({ code: 1, found: [{ check: "state", status: "problem" }] });
});
