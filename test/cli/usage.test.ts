import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { stepsOf } from "../../shared/domain/routing/edit-steps.ts";
import { runHere } from "../support/cli-in-process.ts";
import { aCli, aRoutedCli } from "../support/cli-process.ts";

const commands = [
  "publish",
  "events",
  "explain",
  "pin",
  "unpin",
  "pins",
  "revert",
  "component apply",
  "component list",
];
const more = ["component show", "source apply", "source show", "directory set", "directory import", "directory show"];
const others = ["publish-version", "versions", "aliases", "alias set", "alias add", "alias retire", "alias remove"];
const watching = ["health", "failures", "counts"];
const cohorts = ["create", "list", "show", "add", "drop", "remove"].map((name) => `cohort ${name}`);
const routes = ["set", "list", "remove"].map((name) => `cohort-route ${name}`);
const rollouts = ["set", "show", "remove"].map((name) => `rollout ${name}`);
const brakes = ["all-stable", "freeze", "unfreeze", "guardrails show", "guardrails set"];
const replays = ["plan", "start", "list", "show", "watch", "pause", "resume", "cancel"].map((name) => `replay ${name}`);
const rules = [...cohorts, ...routes, ...rollouts, ...brakes, "component default", "component fallback"];

describe("turnout", () => {
  it("has an example in the help of every command", async () => {
    const helps = [];
    for (const name of [...commands, ...more, ...others, ...rules, ...replays, ...watching, "undo"])
      helps.push(await runHere([...name.split(" "), "--help"]));
    for (const { code, stdout } of helps) {
      expect(code).toBe(0);
      expect(stdout).toMatch(/\nExamples?:\n {2}\$ .*turnout|turnout publish/);
      expect(stdout).toContain("--json");
    }
  });

  it("has help that no terminal of 80 columns breaks, in which every choice is named", async () => {
    const groups = [
      "alias",
      "cohort",
      "cohort-route",
      "component",
      "directory",
      "event",
      "replay",
      "rollout",
      "source",
    ];
    const named = [
      ...commands,
      ...more,
      ...others,
      ...rules,
      ...replays,
      ...groups,
      ...watching,
      "undo",
      "history show",
      "",
      "completion",
    ];
    for (const name of named) {
      const { stdout } = await runHere([...name.split(" "), "--help"].filter((word) => word !== ""));
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
    const { stdout } = await runHere(["counts", "--help"]);
    expect(stdout).toMatch(/--by <dimension> +a line for each of them: alias, type, error/);
  });

  it("lists its commands under headings that are the folders they are in", async () => {
    const { stdout } = await runHere(["--help"]);
    const sections = stdout.split("\n\n").map((section) => section.split("\n"));
    const listed = sections.flatMap(([heading = "", ...lines]) => {
      const folder = heading.toLowerCase().replace(":", "");
      return existsSync(`scripts/commands/${folder}`)
        ? lines.map((line) => `${folder}/${/^ {2}(\S+)/.exec(line)?.[1]}.ts`)
        : [];
    });
    const folders = readdirSync("scripts/commands", { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const ofWords = ["terminal", "wording"];
    expect([...new Set(listed.map((path) => path.split("/")[0])), ...ofWords].sort()).toEqual(
      folders.map(({ name }) => name).sort(),
    );
    expect(listed.filter((path) => !existsSync(`scripts/commands/${path}`))).toEqual([]);
  });

  it.each([
    [["publsh"], "(Did you mean publish?)"],
    [["pins", "--jsn"], "(Did you mean --json?)"],
    [["directory", "shwo"], "(Did you mean show?)"],
    [["replay", "strat"], "(Did you mean start?)"],
    [["replay", "start"], "'--reason <text>'"],
    [["replay", "watch"], "missing required argument 'name'"],
    [["undo", "release-coordinator", "--reason", "x"], "missing required argument 'alias'"],
    [["unpin", "--plan", "p", "--reason", "x"], "'--component <name>'"],
    [["pin", "--component", "x", "--to", "beta"], "'--reason <text>'"],
    [["unpin", "--component", "x", "--plan", "p", "--reason", " "], "say why"],
    [["pin", "--customer", "acme", "--to", "beta", "--componant", "x"], "(Did you mean --component?)"],
    [["freeze", "--reasn", "x"], "(Did you mean --reason?)"],
  ])("refuses %s with exit code 2", async (args, message) => {
    const refused = await runHere(args);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/^turnout: .*\n$/);
    expect(refused.stderr).toContain(message);
  });

  it("prints its version", async () => {
    const [short, long] = [await runHere(["-V"]), await runHere(["--version"])];
    expect(short.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(long).toEqual(short);
  });

  it("says in the help what is chosen where nobody chooses", async () => {
    const helpOf = async (...command: string[]) =>
      (await runHere([...command, "--help"])).stdout.replaceAll(/\s+/g, " ");
    expect(await helpOf("guard", "set")).toContain("worse: watch, hold, rollback, undo (default: watch)");
    const start = await helpOf("release", "start");
    expect(start).toContain("worse: watch, hold, rollback, undo (default: undo)");
    expect(start).toContain("project, customer or user (default: customer)");
    expect(await helpOf("console", "token")).toContain("viewer, operator, on-call (default: on-call)");
  });

  it("marks what a command can't do without in its help", async () => {
    const { stdout } = await runHere(["pin", "--help"]);
    expect(stdout).toMatch(/--to <alias> .*\(required\)/);
    expect(stdout).not.toMatch(/--customer <id> .*\(required\)/);
  });

  it.each([
    [["publsh", "--json"], "usage", 2],
    [["pin", "--json", "--customer", "acme"], "usage", 2],
    [["events", "--json", "--since", "soon"], "usage", 2],
    [["explain", "--component", "x", "--json"], "not found", 3],
    [["component", "apply", "no-such-file", "--reason", "x", "--json"], "not found", 3],
  ])("says as JSON what was wrong with %s", async (args, error, exit_code) => {
    const refused = await runHere(args);
    expect(refused).toMatchObject({ code: exit_code, stdout: "" });
    expect(JSON.parse(refused.stderr)).toEqual({ error, message: expect.stringMatching(/\w/), exit_code });
    const told = await runHere(args.filter((arg) => arg !== "--json"));
    expect(told.stderr).toBe(`turnout: ${JSON.parse(refused.stderr).message}\n`);
  });

  it("says what to do where there is no state", async () => {
    const reads = [
      ["events"],
      ["pins"],
      ["component", "list"],
      ["explain", "--component", "x"],
      ["versions", "x"],
      ["replay", "list"],
    ];
    for (const args of reads) {
      const { code, stderr } = await runHere(args);
      expect([code, stderr]).toEqual([3, expect.stringContaining("set TURNOUT_HOME")]);
    }
  });

  it("ends its process with the code of what went wrong", async () => {
    const { spawned } = aCli();
    const [help, usage, missing] = await Promise.all([spawned(["--help"]), spawned(["publsh"]), spawned(["pins"])]);
    expect([help.code, usage.code, missing.code]).toEqual([0, 2, 3]);
    expect(help.stdout).toContain("Exit codes:");
  });

  it("ends quietly when nobody reads on, and shows a stack only when asked to", async () => {
    const { spawnedShell, edit } = await aRoutedCli();
    // More than a pipe holds.
    const rows = Array.from({ length: 2_000 }, (_, i) => ({
      level: "customer" as const,
      id: `${i}`,
      plan: "p".repeat(50),
    }));
    await edit(stepsOf({ kind: "set directory rows", rows }));
    const [head, quiet, debug] = await Promise.all([
      spawnedShell("set -o pipefail; turnout directory show --json | head -n 1"),
      spawnedShell("turnout explain --component x"),
      spawnedShell("TURNOUT_DEBUG=1 turnout explain --component x"),
    ]);
    expect(head).toMatchObject({ code: 0, stderr: "" });
    expect(quiet).toMatchObject({ code: 3, stderr: expect.stringMatching(/^turnout: No component 'x'.*\n$/) });
    expect(debug.stderr).toMatch(/\n {4}at /);
  });

  it("explains where everyone else goes, and what was passed over", async () => {
    const { turnout } = await aRoutedCli();
    const explained = await turnout(["explain", "--component", "release-coordinator"]);
    expect(explained.stdout).toContain("release-coordinator stable, no version yet\n  subject      everyone else\n");
    expect(explained.stdout).toContain(
      "passed over  replay destination: no replay destination\n               user pin: the event has no user\n",
    );
  });
});
