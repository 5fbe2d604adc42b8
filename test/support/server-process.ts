import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { COMPILED } from "./compiled.ts";
import type { OnFinished } from "./tmp.ts";

export type ServerProcess = {
  url: string;
  process: ChildProcess;
  /** Everything printed so far, both streams. */
  output(): string;
  /** Sends the signal and waits until the process has ended. Returns its exit code; null when a signal ended it. */
  end(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<number | null>;
};

/**
 * Starts the embedded server as a process of its own on a free port, and waits until it listens.
 * @param before a module that the process loads first, and that may be sent messages
 * @param onFinished when it is ended in any case (default: with the test)
 */
export async function startServer(
  home: string,
  args: string[] = ["--no-sample"],
  before?: string,
  onFinished: OnFinished = onTestFinished,
): Promise<ServerProcess> {
  const loaded = before === undefined ? [] : ["--import", before];
  const child = spawn(process.execPath, [...loaded, "scripts/embedded.ts", ...args], {
    env: { PATH: process.env.PATH, TURNOUT_HOME: home, TURNOUT_PORT: "0", NODE_COMPILE_CACHE: COMPILED },
    stdio: ["ignore", "pipe", "pipe", ...(before === undefined ? [] : ["ipc" as const])],
  }) as ChildProcess & { stdout: Readable; stderr: Readable };
  onFinished(() => void child.kill("SIGKILL"));
  const exited = once(child, "exit") as Promise<[number | null]>;
  let output = "";
  child.stderr.on("data", (chunk) => (output += chunk));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      output += `${line}\n`;
      const found = /listens on (\S+?),/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then(([code]) => reject(new Error(`the server ended with ${code} before it listened:\n${output}`)));
  });
  return {
    url,
    process: child,
    output: () => output,
    async end(signal) {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}
