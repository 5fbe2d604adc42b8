import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** What a run is told: the tests, the files with all their mutants in them, and which mutants nothing has killed yet. */
export type Order = {
  tests: readonly string[];
  files: readonly { file: string; code: string }[];
  living: readonly number[];
  /** The file to which it adds a note as a line of JSON. */
  notes: string;
};

export type Note =
  | { kind: "began"; mutant: number }
  | { kind: "killed"; mutant: number; by: string }
  | { kind: "spoilt"; mutant: number }
  | { kind: "reached" | "outside"; mutants: number[] }
  | { kind: "file over"; file: string };

/** `outside`: asked for outside of tests only, as when a file is imported; `spoilt`: nothing could be told afterwards. */
export type Fate = "killed" | "timed out" | "survived" | "untested" | "outside" | "spoilt";

const PROGRAM = fileURLToPath(new URL("./switched-process.ts", import.meta.url));
/** Without a word, on a machine that has other things to do as well. */
const MOST_MS = 60_000;

/** Runs the tests over all mutants in one process, which begins anew where a mutant loops for ever. */
export async function switchedRun(order: Omit<Order, "notes">): Promise<Map<number, Fate>> {
  const fates = new Map<number, Fate>(order.living.map((mutant) => [mutant, "untested"]));
  const living = new Set(order.living);
  let tests = order.tests;
  while (tests.length > 0 && living.size > 0) {
    const { notes, late, code } = await run({ ...order, tests, living: [...living] });
    for (const note of notes) take(note, fates, living);
    const over = new Set(notes.flatMap((note) => (note.kind === "file over" ? [relative(".", note.file)] : [])));
    tests = tests.filter((test) => !over.has(test));
    const last = notes.at(-1);
    if (late || code !== 0) {
      // Whatever ran when it ended did it.
      if (last?.kind !== "began") throw new Error(`the tests ended by themselves (${code}), of ${tests[0]}`);
      fates.set(last.mutant, late ? "timed out" : "killed");
      living.delete(last.mutant);
    } else if (over.size === 0) {
      throw new Error(`no test ran, of ${tests.join(", ")}`);
    } else break;
  }
  return fates;
}

function take(note: Note, fates: Map<number, Fate>, living: Set<number>): void {
  if (note.kind === "killed") {
    fates.set(note.mutant, "killed");
    living.delete(note.mutant);
  } else if (note.kind === "spoilt") fates.set(note.mutant, "spoilt");
  else if (note.kind === "reached" || note.kind === "outside") {
    for (const mutant of note.mutants) {
      const fate = fates.get(mutant);
      if (note.kind === "reached" && (fate === "untested" || fate === "outside")) fates.set(mutant, "survived");
      if (note.kind === "outside" && fate === "untested") fates.set(mutant, "outside");
    }
  }
}

async function run(order: Omit<Order, "notes">): Promise<{ notes: Note[]; late: boolean; code: number | null }> {
  const folder = mkdtempSync(join(tmpdir(), "turnout-mutants-"));
  const paths = { order: join(folder, "order.json"), notes: join(folder, "notes") };
  writeFileSync(paths.order, JSON.stringify({ ...order, notes: paths.notes }));
  writeFileSync(paths.notes, "");
  const child = fork(PROGRAM, {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: { ...process.env, MUTATION_ORDER: paths.order },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    // With the tests' own process it makes a group, which is ended as one.
    detached: true,
  });
  // The last line may be half written.
  const read = () => readFileSync(paths.notes, "utf8").split("\n").slice(0, -1);
  const ended = once(child, "exit").then(([code]) => code as number | null);
  let code: number | null | undefined;
  let late = false;
  let [count, since] = [0, performance.now()];
  while (code === undefined) {
    code = await Promise.race([ended, wait(250).then(() => undefined)]);
    const lines = read();
    if (lines.length !== count) [count, since] = [lines.length, performance.now()];
    const last = lines.at(-1);
    const note = last === undefined ? undefined : (JSON.parse(last) as Note);
    late = note?.kind === "began" && performance.now() - since > MOST_MS;
    if (late && code === undefined && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    if (late) break;
  }
  await ended;
  const notes = read().map((line) => JSON.parse(line) as Note);
  rmSync(folder, { recursive: true, force: true });
  return { notes, late, code: code ?? null };
}
