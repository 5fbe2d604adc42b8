import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { COMPILED } from "./compiled.ts";

const CLI = fileURLToPath(new URL("../../bin/start.js", import.meta.url));

/** `turnout listen --json` as a process of its own, which listens by now. */
export async function aListener(args: readonly string[], variables: Record<string, string>) {
  const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILED, ...variables };
  const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
  const child = spawn(process.execPath, [CLI, "listen", ...args, "--yes", "--json"], { env, stdio }) as ChildProcess & {
    stdout: Readable;
    stderr: Readable;
  };
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on("line", (line) => {
    lines.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  let told = "";
  child.stderr.on("data", (chunk) => {
    told += chunk;
    for (const look of waiting) look();
  });
  const ended = once(child, "exit") as Promise<[number | null]>;
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (isSo()) resolve();
      };
      waiting.add(look);
      void ended.then(() => reject(new Error(`it ended before that: ${told}`)));
      look();
    });
  await until(() => told.includes("listens as"));
  return {
    child,
    /** What it has printed. */
    lines,
    said: (what: string) => lines.filter((line) => line.said === what),
    /** What it has said on stderr. */
    told: () => told,
    until,
    /** Its exit code; null when a signal ended it. */
    async end(signal: NodeJS.Signals): Promise<number | null> {
      child.kill(signal);
      const [code] = await ended;
      return code;
    },
    ended,
  };
}
