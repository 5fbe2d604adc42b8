import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { untilAtRest } from "../support/at-rest.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** A command as the README has it, or the start of the server, and the lines that it prints there; `…` stands for any. */
type Step = { command: string | undefined; said: string[] };

/** The columns of the terminal that the README is written for. */
const COLUMNS = 100;

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** The steps of the blocks without a language, in order; those without output are left out. */
function stepsOf(readme: string): Step[] {
  const tour = readme.slice(readme.indexOf("## Five minutes"), readme.indexOf("## What becomes of an event"));
  return [...tour.matchAll(FENCE)].flatMap(([, language, block = ""]) => {
    if (language !== "") return [];
    const steps: Step[] = [];
    for (const line of block.trimEnd().split("\n")) {
      const last = steps.at(-1);
      const isOpen = last?.command !== undefined && (last.command.split("'").length - 1) % 2 === 1;
      if (isOpen) last.command += `\n${line}`;
      else if (line.startsWith("$ ")) steps.push({ command: line.slice(2), said: [] });
      else if (last === undefined) steps.push({ command: undefined, said: [line] });
      else last.said.push(line);
    }
    return steps;
  });
}

/** Runs a line in bash on a terminal, where `npx turnout` is this Turnout; whatever it asks is answered with yes. */
function onTerminal(line: string, home: string): Promise<string[]> {
  return new Promise((done, reject) => {
    const npx = 'npx() { shift; "$TURNOUT" "$@"; }';
    const script = `stty cols ${COLUMNS}; ${npx}; ${line}`;
    const env = { PATH: process.env.PATH, HOME: home, SHELL: "/bin/bash", TERM: "dumb", NO_COLOR: "1" };
    const about = { TURNOUT_HOME: home, TURNOUT: resolve("bin/turnout"), TOUR_LINE: script };
    const child = spawn("script", ["-qec", 'bash -c "$TOUR_LINE"', "/dev/null"], { env: { ...env, ...about } });
    let output = "";
    let asked = 0;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.split("[y/N] ").length - 1 === asked) return;
      asked++;
      child.stdin.write("y\n");
    });
    child.on("error", reject).on("close", () => done(linesOf(output)));
  });
}

/** As the terminal shows them in the end: what a bar has written over itself is gone. */
function linesOf(output: string): string[] {
  const lines = stripVTControlCharacters(output).replaceAll("\r\n", "\n").trimEnd().split("\n");
  const shown = lines.map((line) => line.trimEnd()).map((line) => line.slice(line.lastIndexOf("\r") + 1));
  // Said only where looking takes long, as on a busy machine.
  return shown.filter((line) => !/^\d+ stored events looked at, up to /.test(line));
}

/** What differs from run to run, as one. */
function masked(line: string): string {
  if (/^\d\d:\d\d:\d\d {2}.* → .* in \d+ ms/.test(line)) return "a delivery";
  return line
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "INSTANT")
    .replaceAll(/\d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/undo-\d{8}-\d{6}-\w+/g, "REPLAY")
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]*)*…?/g, "ID")
    .replaceAll(/127\.0\.0\.1:\d+, state in \S+/g, "ADDRESS")
    .replaceAll(/\([\w.@-]+: /g, "(WHO: ")
    .replaceAll(/ +/g, " ");
}

/** Whether these lines are printed; `…` in the README stands for any number of lines, at the end of a line for the rest. */
function isSaid([first, ...more]: readonly string[], printed: readonly string[]): boolean {
  if (first === undefined) return printed.length === 0;
  if (first.trim() === "…") return printed.some((_, index) => isSaid(more, printed.slice(index))) || isSaid(more, []);
  return printed[0] !== undefined && masked(first) === masked(printed[0]) && isSaid(more, printed.slice(1));
}

/** What the README should say: as many lines before and after its `…` as it has now. */
function toSay(said: readonly string[], all: readonly string[]): string[] {
  const printed = all.map((line) =>
    line
      .replace(`(${userInfo().username}: `, "(operator: ")
      .replace(/127.*, state in .*/, "127.0.0.1:4600, state in .turnout"),
  );
  const cut = said.findIndex((line) => line.trim() === "…");
  if (cut < 0) return [...printed];
  const after = said.length - said.findLastIndex((line) => line.trim() === "…") - 1;
  return [...printed.slice(0, cut), "…", ...printed.slice(printed.length - after)];
}

it("the README's tour prints what the README says, on a terminal of 100 columns", async () => {
  let readme = readFileSync("README.md", "utf8");
  const home = `${temporaryFolder()}/state`;
  const server = await startServer(home, []);
  await expect.poll(server.output).toContain("Stays up");
  const wrong: { command: string; said: string[]; printed: string[] }[] = [];
  for (const { command, said } of stepsOf(readme)) {
    if (said.length === 0) continue;
    const printed =
      command === undefined ? linesOf(server.output().replace(/Stays up[\s\S]*/, "")) : await onTerminal(command, home);
    await untilAtRest(home, server.url);
    if (isSaid(said, printed)) continue;
    wrong.push({ command: command ?? "npm start", said: said.map(masked), printed: printed.map(masked) });
    readme = readme.replace(said.join("\n"), () => toSay(said, printed).join("\n"));
  }
  if (process.env.TOUR === "write") return writeFileSync("README.md", readme);
  expect(wrong, "npm run tour makes the README say what is printed").toEqual([]);
});
