import { existsSync, mkdirSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runHere } from "../support/cli-in-process.ts";
import { jsonLines } from "../support/cli-process.ts";
import { fiveVersions, RC } from "../support/replayed-cli.ts";

async function someVersions() {
  const cli = await fiveVersions();
  return { ...cli, gc: (...args: string[]) => runHere(["gc", RC, "--reason", "a test", ...args], cli.home) };
}

describe("turnout gc", () => {
  it("says what keeps each version", async () => {
    const { gc } = await someVersions();
    const { stdout } = await gc("--dry-run", "--json");
    expect(jsonLines(stdout).map(({ version, kept_by }) => [version, kept_by])).toEqual([
      ["1", ["stable", "rollback of beta"]],
      ["2", ["beta"]],
      ["3", []],
      ["4", []],
      ["5", ["newest"]],
    ]);
  });

  it("deletes the others with their folders, says so in the change log, and then has nothing to do", async () => {
    const { gc, withState, home } = await someVersions();
    const done = await gc("--yes");
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/revision \d+: deleted 2 versions/) });
    await withState(async ({ catalog, routingTable }) => {
      expect((await catalog.versions(RC)).map(({ version }) => version)).toEqual(["1", "2", "5"]);
      expect(catalog.codeOf(RC, "3")).toBeUndefined();
      const [entry] = await routingTable.changesAfter((await routingTable.head()) - 1, 1);
      expect(entry).toMatchObject({ why: `a test (delete 2 versions of ${RC}, of 5: 3, 4)`, rows: [] });
    });
    expect(readdirSync(join(home, "versions", RC)).toSorted()).toEqual(["1", "2", "5"]);
    expect(await gc("--yes")).toMatchObject({ code: 0, stderr: expect.stringContaining("nothing to delete") });
  });

  it("removes what a killed publication has left, but in a dry run", async () => {
    const { gc, home } = await someVersions();
    const left = join(home, "versions", RC, ".publishing-killed");
    mkdirSync(left);
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(left, hoursAgo, hoursAgo);
    await gc("--dry-run");
    expect(existsSync(left)).toBe(true);
    expect((await gc("--yes")).stderr).toContain("removed what 1 publication had left that was killed");
    expect(existsSync(left)).toBe(false);
  });

  it("deletes nothing in a dry run, unconfirmed, in a freeze, or at another revision", async () => {
    const { gc, withState, home } = await someVersions();
    const dry = await gc("--dry-run", "--json");
    expect([dry.code, jsonLines(dry.stdout).map(({ deleted }) => deleted)]).toEqual([
      0,
      [false, false, false, false, false],
    ]);
    expect((await gc()).code).toBe(6);
    expect((await gc("--yes", "--expect-revision", "1")).code).toBe(5);
    await runHere(["freeze", "--reason", "x", "--yes"], home);
    expect((await gc("--yes")).code).toBe(4);
    expect(await withState(({ catalog }) => catalog.versions(RC))).toHaveLength(5);
  });
});
