import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { aRoutedCli, undoIn } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** A folder with one version's code. */
function aFolder(code = "return 1;"): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "index.mjs"), `export async function handler() { ${code} }\n`);
  return folder;
}

const RC = "release-coordinator";
const publishing = (folder: string, ...options: string[]) => [
  "publish-version",
  RC,
  folder,
  "--reason",
  "x",
  ...options,
];

describe("turnout publish-version", () => {
  it("publishes a version, moves an alias to it, and prints an undo that moves it back", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const first = await turnout(publishing(aFolder(), "--yes"));
    expect(first).toMatchObject({ code: 0, stdout: "version 1\n" });
    expect(first.stderr).toContain("experimental: nowhere → 1");
    const second = await turnout(publishing(aFolder("return 2;"), "--description", "two", "--yes"));
    expect(second.stderr).toContain("experimental: 1 → 2");
    const [versions, aliases] = await Promise.all([json(["versions", RC]), json(["aliases", RC])]);
    expect(versions).toEqual([
      expect.objectContaining({ version: "1", aliases: [] }),
      expect.objectContaining({ version: "2", description: "two", aliases: ["experimental"] }),
    ]);
    expect(aliases).toContainEqual({
      alias: "experimental",
      version: "2",
      pinned_subjects: 0,
      default: false,
      fallback: false,
      retired: false,
      bad: null,
    });
    expect((await shell(`${undoIn(second)} --yes`)).code).toBe(0);
    expect(await json(["aliases", RC])).toContainEqual(
      expect.objectContaining({ alias: "experimental", version: "1" }),
    );
  });

  it("a version that was found to be bad says so, wherever it is listed", async () => {
    const { turnout, json, edit } = await aRoutedCli();
    for (const code of ["return 1;", "return 2;"]) await turnout(publishing(aFolder(code), "--yes"));
    const found = { alias: "beta", at: "2026-11-20T10:00:00.000Z", why: "9 of 10 failed" };
    await edit([
      { kind: "change component", component: RC, change: { set: "bad version", bad: { version: "2", ...found } } },
    ]);
    const told = "version 2 was found to be bad behind beta at 2026-11-20T10:00:00.000Z (9 of 10 failed)\n";
    const versions = await turnout(["versions", RC]);
    expect(versions.stdout).toMatch(/^ +2 .* experimental +bad\n/m);
    expect(versions.stdout.endsWith(`\n${told}`)).toBe(true);
    expect(await json(["versions", RC])).toMatchObject([{ bad: null }, { bad: found }]);
    const aliases = await turnout(["aliases", RC]);
    expect(aliases.stdout).toMatch(/^experimental +2 +0 +bad$/m);
    expect(aliases.stdout.endsWith(`\nexperimental: ${told}`)).toBe(true);
    expect(await json(["aliases", RC])).toContainEqual(expect.objectContaining({ alias: "experimental", bad: found }));
  });

  it("reports unchanged code and publishes it once", async () => {
    const { turnout, json } = await aRoutedCli();
    const folder = aFolder();
    await turnout(publishing(folder, "--number", "24", "--alias", "beta", "--yes"));
    const [again] = await json(publishing(folder, "--alias", "beta", "--yes"));
    expect(again).toMatchObject({ version: "24", is_new: false, changed: false, moved: false, undo: null });
    const [noAlias] = await json(publishing(folder, "--no-alias", "--yes"));
    expect(noAlias).toMatchObject({ version: "24", is_new: false, alias: null });
    expect(await json(["versions", RC])).toHaveLength(1);
  });

  it("warns that everybody else goes to an alias without a version, until the command that it prints was run", async () => {
    const { turnout, shell } = await aRoutedCli();
    const first = await turnout(publishing(aFolder(), "--yes"));
    const told = `warning: stable of ${RC}, where everybody else goes, has no version yet: events for it will be dead.`;
    const mend = /^(warning: .*) Point it at one: (.*)$/m.exec(first.stderr);
    expect(mend?.[1]).toBe(told);
    const asJson = await turnout(publishing(aFolder("return 2;"), "--no-alias", "--yes", "--json"));
    expect(asJson.stderr).toContain(`${told} Point it at one: turnout alias set ${RC} stable 2 `);
    expect((await turnout(publishing(aFolder("return 3;"), "--dry-run"))).stderr).not.toContain("warning:");
    expect(await shell(`${mend?.[2]} --yes`)).toMatchObject({ code: 0 });
    expect((await turnout(publishing(aFolder("return 3;"), "--yes"))).stderr).not.toContain("warning:");
  });

  it("doesn't warn where the version it publishes is what everybody else goes to", async () => {
    const { turnout } = await aRoutedCli();
    const published = await turnout(publishing(aFolder(), "--alias", "stable", "--yes"));
    expect(published).toMatchObject({ code: 0, stderr: expect.not.stringContaining("warning:") });
  });

  it("publishes nothing in a dry run, unconfirmed, or for what isn't registered", async () => {
    const { turnout, json } = await aRoutedCli();
    const folder = aFolder();
    const codes = await Promise.all(
      [
        publishing(folder, "--dry-run"),
        publishing(folder),
        publishing(folder, "--alias", "nope", "--yes"),
        ["publish-version", "nope", folder, "--reason", "x", "--yes"],
        publishing(folder, "--expect-revision", "1", "--yes"),
        publishing("/no/such/folder", "--yes"),
      ].map(async (args) => (await turnout(args)).code),
    );
    expect(codes).toEqual([0, 6, 3, 3, 5, expect.any(Number)]);
    expect(codes.at(-1)).toBeGreaterThan(0);
    expect(await json(["versions", RC])).toEqual([]);
  });
});

describe("turnout alias set", () => {
  it("moves an alias to a version that exists, says whom it matters to, and logs why", async () => {
    const { turnout, json, withState } = await aRoutedCli();
    await turnout(publishing(aFolder(), "--no-alias", "--yes"));
    const moved = await turnout(["alias", "set", RC, "stable", "1", "--reason", "it's fine", "--yes"]);
    expect(moved).toMatchObject({ code: 0, stdout: `revision 4: move stable of ${RC} from nowhere to version 1\n` });
    expect(moved.stderr).toContain("subjects of the directory that are on stable: 5 (everyone else; customer acme;");
    const log = await withState(({ routingTable }) => routingTable.changesAfter(2, 9));
    const said = { why: "it's fine", command: `turnout alias set ${RC} stable 1 --reason 'it'\\''s fine' --yes` };
    const move = { component: RC, alias: "stable", from: null, to: "1", kind: "set" };
    expect(log).toMatchObject([
      { ...said, move: { ...move, stage: "intended" } },
      { ...said, move: { ...move, stage: "settled", intent: 3 } },
    ]);
    expect(await json(["alias", "set", RC, "stable", "1", "--reason", "x", "--yes"])).toMatchObject([
      { changed: false },
    ]);
    expect(await turnout(["alias", "set", RC, "stable", "9", "--reason", "x", "--yes"])).toMatchObject({ code: 3 });
    expect(await turnout(["explain", "--component", RC])).toMatchObject({
      stdout: expect.stringContaining("version 1"),
    });
  });
});
