import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { stepsOf } from "../../shared/domain/routing/edit-steps.ts";
import { aComponent, aSubjectRow } from "../support/builders.ts";
import { aCli, aRoutedCli, undoIn } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const withoutRevision = (text: string) => text.replace(/"revision":\d+/, "");
const importing = (...args: string[]) => ["import", "-", "--reason", "restored", ...args];

describe("turnout export and import", () => {
  it("carry the whole routing into a new state, and back to what it was with the undo", async () => {
    const [from, into] = [await aRoutedCli(), aCli()];
    await from.edit([{ kind: "apply source", source: { source: "shop\u202e", customer: "detail.who" } }]);
    const { stdout: text, code } = await from.turnout(["export"]);
    expect(code).toBe(0);
    expect(text).not.toContain("\u202e");
    const imported = await into.turnout(importing("--yes"), text);
    expect(imported).toMatchObject({ code: 0, stdout: "revision 1: import 6 rows from stdin\n" });
    expect(imported.stderr).toContain("6 added, 0 changed, 0 removed, in 1 change");
    const [again, exported, sources] = await Promise.all([
      into.json(importing("--yes"), text),
      into.turnout(["export", "-"]),
      into.json(["source", "list"]),
    ]);
    expect(again).toEqual([expect.objectContaining({ changed: false, revision: 1 })]);
    expect(withoutRevision(exported.stdout)).toBe(withoutRevision(text));
    expect(sources).toEqual([{ source: "shop\u202e", customer: "detail.who" }]);
    expect((await into.shell(`${undoIn(imported)} --yes`)).code).toBe(0);
    expect((await into.turnout(["export"])).stdout).toBe('{"format":1,"revision":2,"rows":[\n]}\n');
  });

  it("make another state what the file says: rows added, changed and removed, in several changes", async () => {
    const [from, into] = await Promise.all([aRoutedCli(), aRoutedCli()]);
    const many = Array.from({ length: 200 }, (_, n) => ({
      key: `plan#p-${n}` as const,
      row: aSubjectRow({ cohorts: ["x"] }),
    }));
    await from.edit(stepsOf({ kind: "put rows", rows: many }));
    await into.edit([
      { kind: "set plan", customer: "acme", plan: "free" },
      { kind: "apply component", component: aComponent({ name: "another" }) },
    ]);
    const file = `${temporaryFolder()}/routing.json`;
    const [written] = await from.json(["export", file]);
    expect(written).toEqual({ file, routing_revision: 5, rows: 205 });
    expect(readdirSync(file.slice(0, -"/routing.json".length))).toEqual(["routing.json"]);
    const [dry, conflict] = await Promise.all([
      into.turnout(["import", file, "--reason", "x", "--dry-run"]),
      into.turnout(["import", file, "--reason", "x", "--yes", "--expect-revision", "2"]),
    ]);
    expect(dry.stderr).toContain("200 added, 1 changed, 1 removed, in 3 changes");
    expect(conflict.code).toBe(5);
    expect((await into.turnout(["import", file, "--reason", "x", "--yes"])).code).toBe(0);
    expect(withoutRevision((await into.turnout(["export"])).stdout)).toBe(withoutRevision(readFileSync(file, "utf8")));
  });

  it("are taken back whole, 4,666 rows, although one later pin touches one of them, which is left and named", async () => {
    const cli = await aRoutedCli();
    const before = (await cli.turnout(["export"])).stdout;
    const { rows } = JSON.parse(before) as { rows: object[] };
    const customers = Array.from({ length: 4_666 }, (_, n) => ({
      key: `customer#c-${n}`,
      row: aSubjectRow({ plan: "free" }),
    }));
    const file = JSON.stringify({ format: 1, revision: 1, rows: [...rows, ...customers] });
    const imported = await cli.turnout(importing("--yes"), file);
    expect(imported.stderr).toContain("4666 added, 0 changed, 0 removed, in 52 changes");
    const pin = ["pin", "--customer", "c-77", "--component", "release-coordinator", "--to", "beta"];
    expect((await cli.turnout([...pin, "--reason", "asked for it", "--yes"])).code).toBe(0);
    const dry = await cli.shell(`${undoIn(imported)} --dry-run`);
    expect(dry).toMatchObject({ code: 0, stderr: expect.stringContaining("left as it is: pins.release-coordinator") });
    const reverted = await cli.shell(`${undoIn(imported)} --yes`);
    expect(reverted).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^revisions 56 to 107: revert 3\.\.54\n$/),
    });
    const left = JSON.parse((await cli.turnout(["export"])).stdout) as { rows: { key: string; row: object }[] };
    const pinned = left.rows.filter(({ key }) => key.startsWith("customer#c-"));
    expect(pinned).toMatchObject([
      { key: "customer#c-77", row: { pins: { "release-coordinator": { alias: "beta" } } } },
    ]);
    expect(pinned[0]?.row).not.toHaveProperty("plan");
    expect(left.rows.filter(({ key }) => !key.startsWith("customer#c-"))).toEqual(rows);
    expect((await cli.shell(`${undoIn(reverted)} --yes`)).code).toBe(0);
    expect(await cli.json(["pins"])).toHaveLength(1);
  });

  it("refuse a file with bad rows, all of them named, one of a newer format, and one that can't be written", async () => {
    const cli = await aRoutedCli();
    const bad = '{"format":1,"revision":1,"rows":[\n{"key":"plan#a","row":{"colour":1}},\n{"key":"b","row":{}}\n]}\n';
    const [refused, newer, unwritable] = await Promise.all([
      cli.turnout(importing("--yes"), bad),
      cli.turnout(importing("--yes"), '{"format":9,"rows":[]}'),
      cli.turnout(["export", `${temporaryFolder()}/no/such/folder.json`]),
    ]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("turnout: stdin, line 2, rows.0 (plan#a): row: there is no field 'colour'.\n");
    expect(refused.stderr).toContain("turnout: stdin, line 3, rows.1 (b): there are no rows such as 'b'.\n");
    expect(refused.stderr).toContain("Nothing was imported: 2 rows of stdin can't be read.");
    expect(newer.stderr).toContain("has format 9, and this Turnout knows up to 1; use the newer Turnout");
    expect(unwritable).toMatchObject({ code: 1, stdout: "" });
    expect(await cli.withState(({ routingTable }) => routingTable.head())).toBe(2);
  });
});
