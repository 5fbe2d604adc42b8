import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Starts the embedded server as a process of its own, and waits until it listens. */
export async function startServer(
  home: string,
  environment: NodeJS.ProcessEnv = {},
): Promise<{ url: string; end(signal: NodeJS.Signals): Promise<void> }> {
  const server: ChildProcess = spawn(process.execPath, ["scripts/embedded.ts", "--no-sample"], {
    env: { PATH: process.env.PATH, TURNOUT_HOME: home, TURNOUT_PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { stdout } = server;
  if (stdout === null) throw new Error("the server has no output to read");
  const exited = once(server, "exit");
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(stdout).on("line", (line) => {
      const found = /listens on (\S+?),/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then(([code]) => reject(new Error(`the server ended with ${code} before it listened`)));
  });
  return {
    url,
    async end(signal) {
      server.kill(signal);
      await exited;
    },
  };
}
