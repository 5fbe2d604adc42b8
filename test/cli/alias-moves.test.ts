import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import { aRoutedCli, undoIn } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const RC = "release-coordinator";
const why = ["--reason", "a test"];
const yes = [...why, "--yes"];

/** Versions 1, 2 and 3 of the component, of which experimental points at the newest. The log is at revision 2. */
async function aVersionedCli() {
  const cli = await aRoutedCli();
  await cli.withState(async ({ catalog }) => {
    for (const version of ["1", "2", "3"]) {
      const source = join(temporaryFolder(), "code");
      mkdirSync(source);
      writeFileSync(join(source, "index.mjs"), `export const handler = async () => ${version};\n`);
      await catalog.publish({ component: RC, source, now: new Date() });
    }
    await catalog.moveAlias(RC, "experimental", "3", null);
  });
  const set = (alias: string, version: string) => cli.turnout(["alias", "set", RC, alias, version, ...yes]);
  /** Which version each alias points at. */
  const aliases = async () => {
    const listed = await cli.json(["aliases", RC]);
    return Object.fromEntries(listed.map(({ alias, version }) => [alias, version]));
  };
  return { ...cli, set, aliases };
}

describe("turnout promote", () => {
  it("gives an alias's version to another one, says whom it matters to, and prints an undo that takes it back", async () => {
    const { turnout, shell, set, aliases } = await aVersionedCli();
    await set("stable", "1");
    const promoted = await turnout(["promote", RC, "experimental", "stable", ...yes]);
    expect(promoted).toMatchObject({
      code: 0,
      stdout: `revision 6: promote experimental of ${RC}: move stable from 1 to version 3\n`,
    });
    expect(promoted.stderr).toContain("(routing is at revision 4)\n");
    expect(promoted.stderr).toContain("subjects of the directory that are on stable: 5 (everyone else; customer acme;");
    expect(undoIn(promoted)).toBe(`turnout rollback ${RC} stable --to 1 --reason 'undo of revision 6'`);
    expect(await aliases()).toEqual({ stable: "3", beta: null, experimental: "3" });
    expect(await shell(`${undoIn(promoted)} --yes`)).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "1" });
  });

  it("is a success that changes nothing when the version is there already", async () => {
    const { turnout, json, set, withState } = await aVersionedCli();
    await set("stable", "3");
    const again = await turnout(["promote", RC, "experimental", "stable", ...why]);
    expect(again).toEqual({
      code: 0,
      stdout: "",
      stderr: `nothing to change: stable of ${RC} points at version 3 already\n`,
    });
    expect(await json(["promote", RC, "experimental", "stable", ...why])).toEqual([
      {
        component: RC,
        alias: "stable",
        from: "3",
        to: "3",
        dry_run: false,
        changed: false,
        revision: 4,
        undo: null,
        moves: { count: 0, first: [] },
        last_hour: null,
        objections: [],
      },
    ]);
    expect(await withState(({ routingTable }) => routingTable.head())).toBe(4);
  });

  it("moves nothing in a dry run, unconfirmed, in a freeze, at another revision, or for what isn't there", async () => {
    const { turnout, edit, set, aliases, withState } = await aVersionedCli();
    await set("stable", "1");
    const promote = ["promote", RC, "experimental", "stable"];
    const answers = await Promise.all([
      turnout([...promote, ...why, "--dry-run"]),
      turnout([...promote, ...why]),
      turnout([...promote, ...yes, "--expect-revision", "3"]),
      turnout(["promote", RC, "beta", "stable", ...yes]),
      turnout(["promote", RC, "nope", "stable", ...yes]),
      turnout(["promote", RC, "experimental", "nope", ...yes]),
      turnout(["promote", "nope", "experimental", "stable", ...yes]),
      turnout([...promote, "--yes"]),
    ]);
    expect(answers.map(({ code }) => code)).toEqual([0, 6, 5, 3, 3, 3, 3, 2]);
    for (const { stdout } of answers) expect(stdout).toBe("");
    expect(answers[0]?.stderr).toMatch(/move stable from 1 to version 3 .*dry run: nothing was changed\n$/s);
    expect(answers[3]?.stderr).toContain(
      `beta of ${RC} points at no version, so there is nothing to promote. ` +
        `Point it at one with 'turnout alias set ${RC} beta VERSION'.`,
    );
    const freeze = { who: "ada", why: "incident 42", at: new Date().toISOString() };
    await edit([{ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } }]);
    for (const options of [yes, [...why, "--dry-run"]]) {
      const frozen = await turnout([...promote, ...options]);
      expect(frozen).toMatchObject({ code: 4, stdout: "", stderr: expect.stringContaining("incident 42") });
    }
    expect(await withState(({ routingTable }) => routingTable.head())).toBe(5);
    expect(await aliases()).toMatchObject({ stable: "1" });
    expect(await turnout([...promote, ...yes, "--force", "--expect-revision", "5"])).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "3" });
  });
});

describe("turnout rollback", () => {
  it("goes back to what was promoted there before, step by step, until there is nothing more", async () => {
    const { turnout, json, set, aliases } = await aVersionedCli();
    for (const version of ["2", "1", "3"]) await set("stable", version);
    const first = await turnout(["rollback", RC, "stable", "--reason", "3 is bad", "--yes"]);
    expect(first).toMatchObject({
      code: 0,
      stdout: `revision 10: roll stable of ${RC} back from 3 to version 1\n`,
    });
    expect(first.stderr).toMatch(/ {2}stable has been at 3 since 20\S+Z, revision 7 by .*: a test\n/);
    expect(first.stderr).toContain("subjects of the directory that are on stable: 5 (");
    expect(undoIn(first)).toBe(`turnout alias set ${RC} stable 3 --reason 'undo of revision 10'`);
    expect(await json(["rollback", RC, "stable", ...yes])).toEqual([
      {
        component: RC,
        alias: "stable",
        from: "1",
        to: "2",
        dry_run: false,
        changed: true,
        revision: 12,
        undo: `turnout alias set ${RC} stable 1 --reason 'undo of revision 12'`,
        moves: { count: 5, first: expect.arrayContaining([{ subject: {}, component: RC, from: "1", to: "2" }]) },
        last_hour: { cut: false, components: [] },
        objections: [],
      },
    ]);
    const last = await turnout(["rollback", RC, "stable", ...yes]);
    expect(last).toMatchObject({ code: 3, stdout: "" });
    expect(last.stderr).toContain(`no version that was promoted to stable of ${RC} before 2`);
    expect(last.stderr).toContain(`turnout alias set ${RC} stable VERSION`);
    expect(await aliases()).toMatchObject({ stable: "2" });
  });

  it("says that the version it goes back to was found to be bad, and goes there all the same", async () => {
    const { turnout, edit, set } = await aVersionedCli();
    for (const version of ["1", "3"]) await set("stable", version);
    const bad = { version: "1", alias: "beta", at: "2026-11-20T10:00:00.000Z", why: "9 of 10 failed" };
    await edit([{ kind: "change component", component: RC, change: { set: "bad version", bad } }]);
    const told = `warning: version 1 was found to be bad behind beta at ${bad.at} (9 of 10 failed)\n`;
    const undo = await turnout(["undo", RC, "stable", "--dry-run", ...why]);
    expect(undo).toMatchObject({ code: 0, stderr: expect.stringContaining(told) });
    const rollback = await turnout(["rollback", RC, "stable", ...yes]);
    expect(rollback).toMatchObject({ code: 0, stderr: expect.stringContaining(told) });
    const away = await turnout(["alias", "set", RC, "stable", "2", ...yes]);
    expect(away).toMatchObject({ code: 0, stderr: expect.not.stringContaining("bad") });
  });

  it.each(["rollback", "undo"])("of %s goes nowhere else than where the alias was, freeze or not", async (command) => {
    const { turnout, edit, set, aliases } = await aVersionedCli();
    for (const version of ["1", "2"]) await set("stable", version);
    const elsewhere = [command, RC, "stable", "--to", "3", ...yes];
    const freeze = { who: "ada", why: "incident 42", at: new Date().toISOString() };
    for (const guardrails of [DEFAULT_GUARDRAILS, { ...DEFAULT_GUARDRAILS, freeze }]) {
      await edit([{ kind: "set guardrails", guardrails }]);
      const refused = await turnout(elsewhere);
      expect(refused).toMatchObject({ code: 4, stdout: "" });
      expect(refused.stderr).toContain(`Version 3 was never behind stable of ${RC}`);
      expect(refused.stderr).toContain(`point it at 3 with 'turnout alias set ${RC} stable 3'`);
    }
    expect(await aliases()).toMatchObject({ stable: "2" });
    expect(await turnout([command, RC, "stable", "--to", "1", ...yes])).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "1" });
  });

  it.each(["rollback", "undo"])("of %s is judged as any move where the log doesn't tell", async (command) => {
    const { turnout, edit, withState } = await aVersionedCli();
    await withState(({ catalog }) => catalog.moveAlias(RC, "stable", "2", null));
    const freeze = { who: "ada", why: "incident 42", at: new Date().toISOString() };
    await edit([{ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } }]);
    const back = [command, RC, "stable", "--to", "1", ...(command === "undo" ? ["--since", "1h"] : []), ...why];
    for (const asked of [
      [...back, "--dry-run"],
      [...back, "--yes"],
    ]) {
      expect(await turnout(asked)).toMatchObject({ code: 4, stderr: expect.stringContaining("incident 42") });
    }
    expect(await turnout([...back, "--yes", "--force"])).toMatchObject({ code: 0 });
    const entry = await withState(async ({ routingTable }) => (await routingTable.changesAfter(3, 1))[0]);
    expect(entry).toMatchObject({ forced: true, move: { kind: "rollback", to: "1" } });
  });

  it("goes to the version that is named, if there is one", async () => {
    const { turnout, set, aliases } = await aVersionedCli();
    for (const version of ["1", "3"]) await set("stable", version);
    expect(await turnout(["rollback", RC, "stable", "--to", "9", ...yes])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`${RC} has no version 9; it has 1, 2, 3.`),
    });
    expect(await turnout(["rollback", RC, "stable", "--to", "3", ...why])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("points at version 3 already"),
    });
    expect(await turnout(["rollback", RC, "stable", "--to", "1", ...yes])).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "1" });
  });

  it("is allowed in a freeze, and says what it would do without doing it", async () => {
    const { turnout, edit, set, aliases, withState } = await aVersionedCli();
    for (const version of ["1", "2"]) await set("stable", version);
    const freeze = { who: "ada", why: "incident 42", at: new Date().toISOString() };
    await edit([{ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } }]);
    const rollback = ["rollback", RC, "stable"];
    const [dry, unconfirmed, elsewhere, nowhere, unknown] = await Promise.all([
      turnout([...rollback, ...why, "--dry-run"]),
      turnout([...rollback, ...why]),
      turnout([...rollback, ...yes, "--expect-revision", "6"]),
      turnout(["rollback", RC, "beta", ...yes]),
      turnout(["rollback", RC, "nope", ...yes]),
    ]);
    expect([dry, unconfirmed, elsewhere, nowhere, unknown].map((result) => result?.code)).toEqual([0, 6, 5, 3, 3]);
    expect(nowhere?.stderr).toContain("points at no version, so there is nothing to roll back");
    expect(await aliases()).toMatchObject({ stable: "2" });
    expect(await turnout([...rollback, ...yes])).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "1" });
    const [entry] = await withState(({ routingTable }) => routingTable.changesAfter(7, 1));
    expect(entry).toMatchObject({ move: { kind: "rollback" } });
    expect(entry).not.toHaveProperty("forced");
  });
});

describe("a guardrail on a move", () => {
  const protect = { ...DEFAULT_GUARDRAILS, protectedSubjects: ["customer#acme"] };

  it("refuses promote, alias set and publish-version, names who would move, and lets them through with force", async () => {
    const { turnout, json, edit, set, aliases, home, withState } = await aVersionedCli();
    await set("stable", "1");
    await edit([{ kind: "set guardrails", guardrails: protect }]);
    const folder = join(home, "new-code");
    mkdirSync(folder);
    writeFileSync(join(folder, "index.mjs"), "export const handler = async () => 4;\n");
    const publish = ["publish-version", RC, folder, "--alias", "stable"];
    const commands = [["promote", RC, "experimental", "stable"], ["alias", "set", RC, "stable", "2"], publish];
    for (const command of commands) {
      const refused = await turnout([...command, ...yes]);
      expect([refused.code, refused.stdout]).toEqual([4, ""]);
      expect(refused.stderr).toContain("subjects of the directory that are on stable: 5 (");
      expect(refused.stderr).toContain(`events of customer acme would move on ${RC}, and are protected`);
      expect(refused.stderr).toContain("--force");
    }
    const dry = await turnout([...publish, ...why, "--dry-run", "--json"]);
    expect(dry.code).toBe(4);
    expect(JSON.parse(dry.stdout)).toMatchObject({
      changed: false,
      moves: { count: 5 },
      last_hour: { cut: false, components: [] },
      objections: [expect.stringContaining("acme")],
    });
    expect(await aliases()).toMatchObject({ stable: "1" });
    expect(await withState(({ catalog }) => catalog.versions(RC))).toHaveLength(3);
    const [forced] = await json([...publish, ...yes, "--force"]);
    expect(forced).toMatchObject({ version: "4", moved: true, objections: [expect.stringContaining("acme")] });
    const [entry] = await withState(({ routingTable }) => routingTable.changesAfter(Number(forced?.revision) - 1, 1));
    expect(entry).toMatchObject({ forced: true, move: { from: "1", to: "4", stage: "settled" } });
  });

  it("stands against no rollback and no undo, and what takes these back is printed with force", async () => {
    const { turnout, shell, edit, set, aliases } = await aVersionedCli();
    for (const version of ["1", "2"]) await set("stable", version);
    await edit([{ kind: "set guardrails", guardrails: { ...protect, maxCustomersOff: 0 } }]);
    const back = await turnout(["rollback", RC, "stable", ...yes]);
    expect(back).toMatchObject({ code: 0 });
    expect(undoIn(back)).toMatch(/^turnout alias set .* --force$/);
    expect(await shell(`${undoIn(back)} --yes`)).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "2" });
    expect(await turnout(["undo", RC, "stable", ...yes])).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "1" });
  });

  it("doesn't stand against the undo of what was forced, in a freeze either", async () => {
    const { turnout, shell, edit, set, aliases } = await aVersionedCli();
    await set("stable", "1");
    const freeze = { who: "ada", why: "incident 42", at: new Date().toISOString() };
    await edit([{ kind: "set guardrails", guardrails: { ...protect, freeze } }]);
    const forced = await turnout(["promote", RC, "experimental", "stable", ...yes, "--force"]);
    expect(forced).toMatchObject({ code: 0 });
    expect(await shell(`${undoIn(forced)} --yes`)).toMatchObject({ code: 0 });
    expect(await aliases()).toMatchObject({ stable: "1" });
  });
});

describe("the move of an alias in the change log", () => {
  it("is told by history with the command that takes it back, which revert names instead of doing it", async () => {
    const { turnout, json, set, edit } = await aVersionedCli();
    await set("stable", "1");
    await turnout(["promote", RC, "experimental", "stable", ...yes]);
    await edit([{ kind: "set plan", customer: "initech", plan: "free" }]);
    const undo = `turnout rollback ${RC} stable --to 1 --reason 'undo of revision 6'`;
    const [table, all] = await Promise.all([
      turnout(["history", "--component", RC, "--limit", "2"]),
      json(["history"]),
    ]);
    const [title, intended, settled] = table.stdout.split("\n");
    expect(title).toMatch(/^REVISION +TIME +WHO +ROWS +MOVED +WHY +COMMAND +UNDO$/);
    expect(intended).toContain(`stable of ${RC}: 1 → 3 (intended)`);
    expect(intended).not.toContain("alias set");
    expect(settled).toContain(`stable of ${RC}: 1 → 3 (settled)`);
    expect(settled).toContain(undo);
    const move = { component: RC, alias: "stable", from: "1", to: "3", kind: "promote" };
    expect(all.slice(-3)).toMatchObject([
      { revision: 5, move: { ...move, stage: "intended" }, undo: null },
      { revision: 6, move: { ...move, stage: "settled", intent: 5 }, undo },
      { revision: 7, move: null },
    ]);
    const reverted = await turnout(["revert", "6", ...yes]);
    expect(reverted).toMatchObject({ code: 0, stdout: "" });
    expect(reverted.stderr).toContain(`which isn't reverted; it is taken back with: ${undo}\n`);
    const both = await turnout(["revert", "5..7", ...yes]);
    expect(both).toMatchObject({ code: 0, stdout: "revision 8: revert 5..7\n" });
    expect(both.stderr).toContain(undo);
  });
});
