import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
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

  it("shows what changes and who moves, and takes its own output back in", async () => {
    const { turnout, edit, shell } = await aRoutedCli();
    const pin = { alias: "beta", who: "ada", why: "trying", at: "2026-01-01T00:00:00.000Z" };
    await edit([{ kind: "pin", level: "customer", id: "acme", component: "release-coordinator", pin }]);
    const shown = await turnout(["component", "show", "release-coordinator"]);
    const { beta, experimental: _, ...aliases } = JSON.parse(shown.stdout).aliases;
    const without = JSON.stringify({ ...JSON.parse(shown.stdout), aliases });
    const refused = await turnout(apply("--yes"), without);
    expect(refused).toMatchObject({ code: 4 });
    expect(refused.stderr).toContain(
      "Alias 'beta' of release-coordinator is still named by the pins of 1 subject (customer acme)",
    );
    const kept = { ...aliases, beta: { ...beta, retired: true } };
    const changed = JSON.stringify({ ...JSON.parse(shown.stdout), aliases: kept, timeoutMs: 60_000 });
    const applied = await turnout(apply("--yes"), changed);
    expect(applied.stderr).toContain("timeoutMs: 30000 → 60000");
    expect(applied.stderr).toContain('- aliases.experimental: {"target":{"kind":"worker"}}');
    expect(applied.stderr).toContain("customer acme: release-coordinator beta → stable");
    expect((await turnout(apply("--yes"), changed)).stderr).toContain("is like this already");
    expect(await shell(`${undoIn(applied)} --yes`)).toMatchObject({ code: 0 });
    expect((await turnout(["component", "show", "release-coordinator"])).stdout).toBe(shown.stdout);
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
  it("refuses what has changed since, and revisions that don't exist", async () => {
    const { turnout, edit } = await aRoutedCli();
    await edit([{ kind: "set plan", customer: "acme", plan: "free" }]);
    const [changed, missing, nonsense] = await Promise.all([
      turnout(["revert", "2", "--reason", "x", "--yes"]),
      turnout(["revert", "9", "--reason", "x", "--yes"]),
      turnout(["revert", "2..1", "--reason", "x", "--yes"]),
    ]);
    expect(changed.code).toBe(5);
    expect(changed.stderr).toContain("customer#acme has changed again since revision 2");
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
