import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { aComponent } from "../support/builders.ts";
import { runHere } from "../support/cli-in-process.ts";
import { aCli, aRoutedCli, undoIn } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const component = { name: "mailer", pattern: { source: ["shop"] }, aliases: { stable: {}, beta: {} } };
const apply = (...options: string[]) => ["component", "apply", "-", "--reason", "first", ...options];

describe("turnout component", () => {
  it("makes the state with the first component, and nothing before that", async () => {
    const { home, turnout, json } = aCli();
    const text = JSON.stringify(component);
    const [dry, unconfirmed] = await Promise.all([turnout(apply("--dry-run"), text), turnout(apply(), text)]);
    expect([dry.code, unconfirmed.code, existsSync(home)]).toEqual([0, 6, false]);
    expect(await turnout(apply("--yes"), text)).toMatchObject({ code: 0 });
    expect(await json(["component", "list"])).toEqual([expect.objectContaining({ name: "mailer", timeoutMs: 30_000 })]);
  });

  it("warns of a field that events don't have in a pattern, and takes it all the same", async () => {
    const { turnout } = await aRoutedCli();
    const odd = { ...component, pattern: { source: ["shop"], detailType: ["order placed"] } };
    const applied = await turnout(apply("--yes"), JSON.stringify(odd));
    expect(applied).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^warning: .*'detailType'.*'detail-type'/),
    });
    const listed = await turnout(["events", "--pattern", '{"detailType":["x"]}']);
    expect(listed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: --pattern: .*'detail-type'/) });
  });

  it("warns where everybody else goes to an alias without a version, and not where it stands for a URL", async () => {
    const { turnout } = aCli();
    const told =
      "warning: stable of mailer, where everybody else goes, has no version yet: events for it will be dead.";
    const publish = "Publish one: turnout publish-version mailer FOLDER --alias stable";
    const dry = await turnout(apply("--dry-run"), JSON.stringify(component));
    expect(dry.stderr).not.toContain("warning:");
    for (const expected of ["undo: ", "nothing to change: "]) {
      const applied = await turnout(apply("--yes"), JSON.stringify(component));
      expect(applied).toMatchObject({ code: 0, stderr: expect.stringContaining(expected) });
      expect(applied.stderr.endsWith(`${told} ${publish}\n`)).toBe(true);
    }
    const url = { target: { kind: "http", url: "https://example.com/" } };
    const reached = { ...component, name: "caller", aliases: { stable: url, beta: {} } };
    expect((await turnout(apply("--yes"), JSON.stringify(reached))).stderr).not.toContain("warning:");
  });

  it("shows what changes and who moves, and takes its own output back in", async () => {
    const { turnout, edit, shell } = await aRoutedCli();
    const pin = { alias: "beta", who: "ada", why: "trying", at: "2026-01-01T00:00:00.000Z" };
    await edit([{ kind: "pin", level: "customer", id: "acme", component: "release-coordinator", pin }]);
    const shown = await turnout(["component", "show", "release-coordinator"]);
    const { beta: _, ...aliases } = JSON.parse(shown.stdout).aliases;
    const changed = JSON.stringify({
      ...JSON.parse(shown.stdout),
      aliases,
      timeoutMs: 60_000,
      defaultAlias: "experimental",
    });
    const applied = await turnout(apply("--yes"), changed);
    expect(applied.stderr).toContain("timeoutMs: 30000 → 60000");
    expect(applied.stderr).toContain(
      "left alone, as operators set it: the default alias stable, aliases that it doesn't name (beta)",
    );
    expect((await turnout(apply("--yes"), changed)).stderr).toContain("is like this already");
    expect(await shell(`${undoIn(applied)} --yes`)).toMatchObject({ code: 0 });
    expect((await turnout(["component", "show", "release-coordinator"])).stdout).toBe(shown.stdout);
  });

  it("goes on with all other commands while a row can't be read, and repairs it by any", async () => {
    const { home, turnout, edit } = await aRoutedCli();
    const original = await turnout(["component", "show", "release-coordinator"]);
    const file = (about: object) => JSON.stringify({ ...JSON.parse(original.stdout), ...about });
    await edit([{ kind: "apply component", component: aComponent({ name: "mailer", aliases: ["stable", "beta"] }) }]);
    const why = ["--reason", "x", "--yes"];
    await turnout(["all-stable", "release-coordinator", ...why]);
    const damage = () => {
      const database = new DatabaseSync(join(home, "state.db"));
      const bad = "json_set(value, '$.pattern', json('{\"source\":[{\"anything-but\":null}]}'))";
      database.exec(`UPDATE routing_rows SET value = ${bad} WHERE key = 'component#release-coordinator'`);
      database.close();
    };
    damage();
    const run = async (...args: string[]) => (await turnout([...args, ...why])).code;
    expect(await run("pin", "--customer", "acme", "--component", "mailer", "--to", "beta")).toBe(0);
    expect(await run("all-stable", "mailer")).toBe(0);
    expect((await turnout(["explain", "--component", "mailer", "--customer", "acme"])).code).toBe(0);
    expect((await turnout(["history"])).code).toBe(0);
    expect((await turnout(["export"])).stdout).toContain('{"anything-but":null}');
    expect((await turnout(["component", "list"])).stderr).toContain("release-coordinator can't be read");
    const explained = await turnout(["explain", "--component", "release-coordinator"]);
    expect(explained).toMatchObject({ code: 1, stderr: expect.stringContaining("can't be read: row.pattern") });
    const told = await turnout(["doctor"]);
    expect(told).toMatchObject({ code: 1, stdout: expect.stringContaining("component release-coordinator") });

    const applied = await turnout(apply("--yes"), file({ timeoutMs: 1_000 }));
    expect(applied.stderr).toMatch(/component release-coordinator can't be read \(.*\): it is replaced/);
    const repaired = JSON.parse((await turnout(["component", "show", "release-coordinator"])).stdout);
    expect(repaired).toMatchObject({ timeoutMs: 1_000, allStable: { why: "x" } });
    damage();
    const revision = String(
      (await turnout(["history", "--json", "--limit", "1"])).stdout.match(/"revision":(\d+)/)?.[1],
    );
    expect((await turnout(["revert", revision, ...why])).stderr).toContain("could not be read before revision");
    expect(await run("component", "remove", "release-coordinator")).toBe(0);
    expect((await turnout(["component", "show", "release-coordinator"])).code).toBe(3);
  });

  it.each([
    ["what isn't JSON", "{", 1, "component.json: not JSON"],
    ["nothing", "", 1, "component.json is empty"],
    ["a misspelt field", JSON.stringify({ ...component, patern: {} }), 1, "patern"],
    ["a bad value, with its path", JSON.stringify({ ...component, retry: { maxAttempts: 0 } }), 1, "retry.maxAttempts"],
    [
      "a default alias that it doesn't have",
      JSON.stringify({ ...component, aliases: {} }),
      1,
      "defaultAlias: 'stable'",
    ],
  ])("refuses %s", async (_, text, code, message) => {
    const folder = temporaryFolder();
    const [home, file] = [join(folder, "state"), join(folder, "component.json")];
    writeFileSync(file, text);
    const refused = await runHere(["component", "apply", file, "--reason", "x", "--yes"], home);
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(message);
    expect(existsSync(home)).toBe(false);
  });
});

describe("turnout source", () => {
  it("applies and shows a source, and takes it back", async () => {
    const { turnout, json, shell } = aCli();
    const source = { source: "git/hub #1", project: "detail.repository.full_name" };
    const applied = await turnout(["source", "apply", "-", "--reason", "x", "--yes"], JSON.stringify(source));
    expect(applied.code).toBe(0);
    expect(await json(["source", "show", source.source])).toEqual([source]);
    expect(await shell(`${undoIn(applied)} --yes`)).toMatchObject({ code: 0 });
    expect(await turnout(["source", "show", source.source])).toMatchObject({ code: 3 });
  });
});

describe("turnout revert", () => {
  it("takes all back but what has changed since, and names that", async () => {
    const { turnout, json, edit, shell } = await aRoutedCli();
    await edit([{ kind: "set plan", customer: "acme", plan: "free" }]);
    const reverted = await turnout(["revert", "2", "--reason", "x", "--yes"]);
    expect(reverted).toMatchObject({ code: 0, stdout: expect.stringContaining("revision 4: revert revision 2") });
    expect(reverted.stderr).toContain("  left as it is: plan of customer acme has changed again since revision 2\n");
    expect(await json(["directory", "show"])).toEqual([{ project: null, customer: "acme", plan: "free" }]);
    expect(await json(["revert", "2", "--reason", "x", "--dry-run"]).catch(String)).toContain(
      "nothing is left to revert",
    );
    expect(await shell(`${undoIn(reverted)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["directory", "show"])).toHaveLength(4);
  });

  it("refuses where all has changed since, and revisions that don't exist", async () => {
    const { turnout, edit } = await aRoutedCli();
    const plans = ["free", "gold"].map((plan) => ({ kind: "set plan", customer: "acme", plan }) as const);
    await edit(plans);
    const [changed, missing, nonsense] = await Promise.all([
      turnout(["revert", "3", "--reason", "x", "--yes"]),
      turnout(["revert", "9", "--reason", "x", "--yes"]),
      turnout(["revert", "2..1", "--reason", "x", "--yes"]),
    ]);
    expect(changed.code).toBe(5);
    expect(changed.stderr).toContain(
      "nothing is left to revert: plan of customer acme has changed again since revision 3. Revert",
    );
    expect(missing).toMatchObject({ code: 3 });
    expect(nonsense).toMatchObject({ code: 2 });
  });

  it("takes several changes back together", async () => {
    const { json, edit } = await aRoutedCli();
    await edit([{ kind: "set plan", customer: "acme", plan: "free" }]);
    const [reverted] = await json(["revert", "2..3", "--reason", "x", "--yes"]);
    expect(reverted).toMatchObject({
      changed: true,
      revision: 5,
      undo: "turnout revert 4..5 --reason 'undo of revision 4..5'",
    });
  });
});

describe("the targets of a component", () => {
  it.each([
    { kind: "sqs", queueArn: "arn:aws:sqs:eu-west-1:123456789012:orders" },
    { kind: "lambda", functionArn: "arn:aws:lambda:eu-west-1:123456789012:function:mailer" },
  ])("refuses on this machine a target that is reached from AWS alone: %j", async (target) => {
    const input = JSON.stringify({ ...component, aliases: { stable: { target } } });
    const refused = await runHere(apply("--yes"), temporaryFolder(), { input });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`AWS alone: stable (${target.kind})`) });
  });

  it("says that an alias with a URL of its own has no versions that could be moved, and what to do", async () => {
    const home = temporaryFolder();
    const target = { kind: "http", url: "https://preview.example.com/events" };
    const aliases = { stable: { target }, beta: { target: { ...target, url: "https://beta.example.com/" } } };
    await runHere(apply("--yes"), home, { input: JSON.stringify({ ...component, aliases }) });
    const why = ["--reason", "a test", "--yes"];
    for (const args of [
      ["promote", "mailer", "beta", "stable"],
      ["rollback", "mailer", "stable"],
      ["alias", "set", "mailer", "beta", "7"],
    ]) {
      const refused = await runHere([...args, ...why], home);
      expect([args[0], refused.code, refused.stderr]).toEqual([
        args[0],
        4,
        expect.stringMatching(/(stable|beta) of mailer stands for a URL of its own, .* Change its target/s),
      ]);
    }
  });
});
