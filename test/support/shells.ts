import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** As people have them, without their own settings; those that expand `!` do so in what is pasted. */
const SHELLS = {
  bash: { args: ["--norc", "--noprofile"], first: "set -o history -o histexpand" },
  zsh: { args: ["-f"], first: "" },
  dash: { args: [], first: "" },
} as const;

export type Shell = keyof typeof SHELLS;
export const shells = Object.keys(SHELLS) as Shell[];

/** What came of pasted lines: the words that `turnout` was called with each time, and whatever else happened. */
export type Pasted = { calls: string[][]; stderr: string; files: string[] };

/**
 * Pastes lines into a shell, in an empty folder, where `turnout` only says what it was called with.
 * @throws Error where the shell isn't installed
 */
export async function paste(shell: Shell, lines: readonly string[]): Promise<Pasted> {
  const folder = await mkdtemp(join(tmpdir(), "turnout-paste-"));
  try {
    const { args, first } = SHELLS[shell];
    const said = 'turnout() { printf \'%s\\0\' "$#" "$@"; }';
    const { stdout, stderr } = await run(shell, args, `${first}\n${said}\n${lines.join("\n")}\n`, folder);
    return { calls: callsIn(stdout), stderr, files: await readdir(folder) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(shell: Shell, args: readonly string[], input: string, cwd: string) {
  return new Promise<{ stdout: Buffer; stderr: string }>((resolve, reject) => {
    const child = spawn(shell, [...args], { cwd, env: { PATH: process.env.PATH, HOME: cwd, LC_ALL: "C.UTF-8" } });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", () => {
      reject(new Error(`${shell} can't be started, and this test needs it. Install it: apt-get install ${shell}`));
    });
    child.on("close", () => resolve({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }));
    // A shell that ends early doesn't read it all; what it has said tells why.
    child.stdin.on("error", () => {}).end(input);
  });
}

function callsIn(stdout: Buffer): string[][] {
  const words = stdout.toString().split("\0").slice(0, -1);
  const calls: string[][] = [];
  for (let at = 0; at < words.length; ) {
    const count = Number(words[at]);
    calls.push(words.slice(at + 1, at + 1 + count));
    at += 1 + count;
  }
  return calls;
}
