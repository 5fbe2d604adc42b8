import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { aComponent } from "./builders.ts";
import { runHere } from "./cli-in-process.ts";
import { COMPILED } from "./compiled.ts";
import { paste } from "./shells.ts";
import { temporaryFolder } from "./tmp.ts";

const CLI = fileURLToPath(new URL("../../bin/start.js", import.meta.url));

export type CliResult = { code: number | null; stdout: string; stderr: string };

/**
 * The CLI on a state folder of the test's own. Commands run in this process, but for those that are spawned.
 * @param about environment variables of all of them
 */
export function aCli(home = `${temporaryFolder()}/state`, about: Record<string, string> = {}) {
  /** Runs one command. `input` is what it reads on stdin; a variable of `other` that is undefined isn't set. */
  function turnout(
    args: readonly string[],
    input = "",
    other: Record<string, string | undefined> = {},
  ): Promise<CliResult> {
    return runHere(args, home, { input, variables: { ...about, ...other } });
  }

  /** Runs a command that has to succeed, and reads its NDJSON. */
  async function json(args: readonly string[], input = ""): Promise<Record<string, unknown>[]> {
    const result = await turnout([...args, "--json"], input);
    if (result.code !== 0) throw new Error(`turnout ${args.join(" ")} ended with ${result.code}: ${result.stderr}`);
    return jsonLines(result.stdout);
  }

  /** Pastes commands, joined by `&&`, into bash, and runs what it makes of them until one fails. */
  async function shell(line: string): Promise<CliResult> {
    const { calls, stderr } = await paste("bash", [line]);
    if (calls.length === 0) throw new Error(`bash calls nothing for ${line}: ${stderr}`);
    const all = { code: 0 as number | null, stdout: "", stderr };
    for (const args of calls) {
      const { code, ...written } = await turnout(args);
      all.code = code;
      all.stdout += written.stdout;
      all.stderr += written.stderr;
      if (code !== 0) break;
    }
    return all;
  }

  /** Runs one command as a process of its own. */
  function spawned(args: readonly string[], input = "", other: Record<string, string> = {}): Promise<CliResult> {
    const child = spawn(process.execPath, [CLI, ...args], { env: { ...environment(), ...other } });
    child.stdin.on("error", () => {}).end(input);
    return resultOf(child);
  }

  /** Runs a line in bash, where `turnout` is a process of its own. */
  function spawnedShell(line: string): Promise<CliResult> {
    const script = `turnout() { "$TEST_NODE" "$TEST_CLI" "$@"; }; ${line}`;
    const paths = { TEST_NODE: process.execPath, TEST_CLI: CLI };
    const env = { ...environment(), ...paths };
    return resultOf(spawn("bash", ["-c", script], { env, stdio: ["ignore", "pipe", "pipe"] }));
  }

  function environment(): Record<string, string | undefined> {
    const { FORCE_COLOR: _, TURNOUT_ENV: __, ...inherited } = process.env;
    return { NODE_COMPILE_CACHE: COMPILED, ...inherited, TURNOUT_HOME: home, ...about };
  }

  /** Opens the state in this process, to set something up or look at it. */
  async function withState<T>(work: (state: EmbeddedState) => Promise<T>): Promise<T> {
    const state = openEmbeddedState(home, { create: true });
    try {
      return await work(state);
    } finally {
      state.close();
    }
  }

  /** Makes a routing change for each edit, as if at that time. */
  function edit(edits: readonly RoutingEdit[], at = new Date()): Promise<void> {
    return withState(async ({ routingTable }) => {
      const meta = { who: "ada", why: "a test", command: "test", at };
      for (const each of edits) await changeRoutes(routingTable, { edit: each, changeId: randomUUID(), ...meta });
    });
  }

  return { home, turnout, json, shell, spawned, spawnedShell, withState, edit };
}

/** A state with one component, and a directory: projects acme/site and acme/api of acme, which pays; globex, free. */
export async function aRoutedCli(home?: string) {
  const cli = aCli(home);
  await cli.edit([
    { kind: "apply component", component: aComponent({ aliases: ["stable", "beta", "experimental"] }) },
    {
      kind: "set directory rows",
      rows: [
        { level: "project", id: "acme/site", customer: "acme" },
        { level: "project", id: "acme/api", customer: "acme" },
        { level: "customer", id: "acme", plan: "paid" },
        { level: "customer", id: "globex", plan: "free" },
      ],
    },
  ]);
  return cli;
}

function resultOf(child: ChildProcess): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    child.on("error", reject).on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The command after `undo: ` on stderr. */
export function undoIn({ stderr }: CliResult): string {
  const undo = /^undo: (.*)$/m.exec(stderr)?.[1];
  if (undo === undefined) throw new Error(`no undo in: ${stderr}`);
  return undo;
}
