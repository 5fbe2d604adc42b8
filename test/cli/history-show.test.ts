import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { aRoutedCli } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const asJson = (text: string) => JSON.parse(text);

async function aPinnedCli() {
  const cli = await aRoutedCli();
  const pin = ["pin", "--customer", "acme", "--component", "release-coordinator", "--reason", "trying 23", "--yes"];
  await cli.turnout([...pin, "--to", "beta"]);
  await cli.turnout([...pin, "--to", "experimental", "--for", "1h"]);
  return cli;
}

describe("turnout history show", () => {
  it("tells of one change who made it, when, why and how, its rows before and after, and what takes it back", async () => {
    const { turnout, shell, json } = await aPinnedCli();
    const { stdout, stderr, code } = await turnout(["history", "show", "4"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")).toMatch(
      new RegExp(
        [
          "revision 4, TIME",
          "  who          .+",
          "  why          trying 23",
          "  command      turnout pin --customer acme --component release-coordinator --reason 'trying 23' --yes --to experimental --for 1h",
          "  rows         customer acme:",
          '                   pins.release-coordinator.alias: "beta" → "experimental"',
          '                   pins.release-coordinator.at: "TIME" → "TIME"',
          '                 \\+ pins.release-coordinator.until: "TIME"',
          "  undo         turnout revert 4 --reason 'undo of revision 4'",
          "",
        ].join("\n"),
      ),
    );
    const undo = stdout.match(/undo +(turnout .*)\n/)?.[1];
    expect((await shell(`${undo} --yes`)).code).toBe(0);
    expect(await json(["pins"])).toEqual([expect.objectContaining({ id: "acme", alias: "beta" })]);
  });

  it("shows what a row that is new says, and what one that goes has said", async () => {
    const { turnout } = await aPinnedCli();
    await turnout(["component", "remove", "release-coordinator", "--reason", "replaced", "--yes"]);
    const [added, removed] = await Promise.all([turnout(["history", "show", "1"]), turnout(["history", "show", "5"])]);
    expect(added.stdout).toContain("component release-coordinator is new:\n");
    expect(added.stdout).toMatch(/\n +\+ defaultAlias: "stable"\n/);
    expect(removed.stdout).toContain("component release-coordinator goes:\n");
    expect(removed.stdout).toMatch(/\n +- defaultAlias: "stable"\n/);
  });

  it("is one object with --json, the same as in the list", async () => {
    const { turnout, json } = await aPinnedCli();
    const { stdout } = await turnout(["history", "show", "3", "--json"]);
    const listed = await json(["history"]);
    expect(asJson(stdout)).toEqual(listed[2]);
    expect(asJson(stdout)).toMatchObject({
      revision: 3,
      why: "trying 23",
      rows: [{ key: "customer#acme", before: {}, after: { pins: { "release-coordinator": { alias: "beta" } } } }],
      undo: "turnout revert 3 --reason 'undo of revision 3'",
    });
  });

  it("says of an alias's move where it went, and the command that moves it back", async () => {
    const { turnout } = await aRoutedCli();
    const folder = temporaryFolder();
    for (const result of [1, 2]) {
      writeFileSync(join(folder, "index.mjs"), `export async function handler() { return ${result}; }\n`);
      await turnout(["publish-version", "release-coordinator", folder, "--reason", "a new one", "--yes"]);
    }
    const { stdout } = await turnout(["history", "show", "6"]);
    expect(stdout).toMatch(/\n {2}moved +experimental of release-coordinator: 1 → 2 \(settled\)\n/);
    expect(stdout).toMatch(/\n {2}undo +turnout rollback release-coordinator experimental --to 1 --reason/);
    expect(stdout).not.toContain("rows");
    expect((await turnout(["history", "show", "3"])).stdout).toMatch(/\n {2}moved +.* → 1 \(intended\)\n/);
  });

  it("refuses a revision that there isn't, and says which there are", async () => {
    const { turnout } = await aPinnedCli();
    const [unknown, zero, word, none, asked] = await Promise.all([
      turnout(["history", "show", "99"]),
      turnout(["history", "show", "0"]),
      turnout(["history", "show", "first"]),
      turnout(["history", "show"]),
      turnout(["history", "show", "99", "--json"]),
    ]);
    const filtered = await turnout(["history", "show", "3", "--customer", "acme"]);
    expect([filtered.code, filtered.stderr]).toEqual([
      2,
      "turnout: --customer: 'history show' takes a revision, and no filter.\n",
    ]);
    expect(unknown).toEqual({
      code: 3,
      stdout: "",
      stderr: "turnout: There is no revision 99: the routing is at revision 4. 'turnout history' lists the changes.\n",
    });
    expect(asJson(asked.stderr)).toMatchObject({ error: "not found", exit_code: 3 });
    for (const { code } of [zero, word, none]) expect(code).toBe(2);
    expect(word.stderr).toBe("turnout: REVISION: expected a whole number from 1 up.\n");
  });
});
