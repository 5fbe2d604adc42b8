import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/tmp.ts";

test("npm run dev starts a server that finds nothing wrong with its new state", async () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: { dev: string } };
  const [node, ...args] = scripts.dev.split(" ");
  expect(node).toBe("node");
  const child = spawn(process.execPath, [...args, "--no-sample"], {
    env: { PATH: process.env.PATH, TURNOUT_HOME: `${temporaryFolder()}/state`, TURNOUT_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    // The watcher ends its server, and waits for it.
    child.kill("SIGTERM");
    await exited;
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (/listens on|Failed running/.test(line)) break;
  }
  expect(lines.join("\n")).toContain("Turnout listens on");
});
