import { globSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { posix } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../support/seeded-random.ts";
import { coveringTests } from "./covering-tests.ts";
import { isEquivalent } from "./equivalents.ts";
import { type Mutation, mutated, mutationsOf, switchable } from "./find-mutations.ts";
import { switchedRun } from "./switched-run.ts";
import { trials } from "./trials.ts";

const HELP = `Changes the source a little, many times over, and says which changes no test notices.

Usage: npm run mutate -- [options] [files or folders...]     (default: shared/domain shared/flows)

  --sample N   so many mutations, drawn from all of them (default 100; 0: all)
  --seed N     draws others (default 1)
  --tests N    test files per mutation: the file's own, then those of its room, then others, nearest first (default 6)
  --help       prints this

The tests are those that need no other process. All mutations are in the files at once and switched on one by one: each
test is run again with those that it comes by, in at most 3 s of CPU. What a file does as it is imported can't be
switched: there its tests start anew. A mutation that makes its tests go on for ever counts as killed.
Exit codes: 0 at least 90 % were killed in every folder, 1 fewer were
`;

const ENOUGH = 0.9;
const LEAST_MS = 20_000;
const LONGEST_MS = 600_000;

type Outcome = "killed" | "timed out" | "survived" | "untested";

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      sample: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      tests: { type: "string", default: "6" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  // Whoever works on the machine goes first.
  setPriority(15);
  const files = filesIn(positionals.length === 0 ? ["shared/domain", "shared/flows"] : positionals);
  const all = files.flatMap((file) => mutationsOf(file, readFileSync(file, "utf8")));
  const real = all.filter((mutation) => !isEquivalent(mutation));
  const sample = drawn(real, Number(values.sample), seededRandom(Number(values.seed)));
  const equivalent = all.length - real.length;
  console.log(
    `${sample.length} of ${real.length} mutations of ${files.length} files; ${equivalent} known as equivalent`,
  );
  const outcomes = await tryAll(sample, coveringTests(files), Number(values.tests));
  return report(sample, outcomes) ? 0 : 1;
}

function filesIn(paths: readonly string[]): string[] {
  const files = paths.flatMap((path) => (path.endsWith(".ts") ? [path] : globSync(`${path}/**/*.ts`)));
  return files.map((file) => file.replaceAll("\\", "/")).sort();
}

/** So many of them, in their order. */
function drawn(mutations: readonly Mutation[], count: number, random: () => number): Mutation[] {
  if (count === 0 || count >= mutations.length) return [...mutations];
  const picked = mutations.map((mutation) => ({ mutation, place: random() })).sort((a, b) => a.place - b.place);
  const chosen = new Set(picked.slice(0, count).map(({ mutation }) => mutation));
  return mutations.filter((mutation) => chosen.has(mutation));
}

async function tryAll(sample: readonly Mutation[], covering: ReadonlyMap<string, string[]>, most: number) {
  const outcomes = new Map<Mutation, Outcome>();
  for (const mutations of Map.groupBy(sample, ({ file }) => posix.dirname(file)).values()) {
    const testsOf = (file: string) => (covering.get(file) ?? []).slice(0, most);
    const fates = await switchedRun({
      tests: nearestFirst(mutations.map(({ file }) => testsOf(file))),
      files: [...Map.groupBy(mutations, ({ file }) => file).keys()].map((file) => ({
        file,
        code: switchable(
          readFileSync(file, "utf8"),
          mutations.flatMap((mutation, id) => (mutation.file === file ? [{ id, mutation }] : [])),
        ),
      })),
      living: mutations.keys().toArray(),
    });
    const unclear = mutations.filter((_, id) => fates.get(id) === "outside" || fates.get(id) === "spoilt");
    const clear = await onItsOwn(unclear, testsOf);
    for (const [id, mutation] of mutations.entries()) {
      const fate = fates.get(id) ?? "untested";
      const outcome = fate === "outside" || fate === "spoilt" ? (clear.get(mutation) ?? "untested") : fate;
      outcomes.set(mutation, outcome);
      if (outcome !== "killed") console.log(`${outcome}  ${mutation.file}:${mutation.line}  ${mutation.what}`);
    }
  }
  return outcomes;
}

/** All of them, those that are near to some file before those that are far from all. */
function nearestFirst(lists: readonly string[][]): string[] {
  const places = lists.flatMap((tests) => tests.map((test, place) => ({ test, place })));
  return [...new Set(places.sort((a, b) => a.place - b.place).map(({ test }) => test))];
}

/** What a mutation does that can't be switched on: its tests start anew with it. */
async function onItsOwn(mutations: readonly Mutation[], testsOf: (file: string) => string[]) {
  const { run, stop } = trials();
  const outcomes = new Map<Mutation, Outcome>();
  const tookMs = new Map<string, number | undefined>();
  for (const mutation of mutations) {
    const { file } = mutation;
    const tests = testsOf(file);
    if (!tookMs.has(file)) tookMs.set(file, await checked(run, tests, file));
    const usual = tookMs.get(file);
    if (usual === undefined) continue;
    const code = mutated(readFileSync(file, "utf8"), mutation);
    const verdict = await run({ tests, file, code }, LEAST_MS + 10 * usual);
    outcomes.set(mutation, verdict === "failed" ? "killed" : verdict === "passed" ? "survived" : verdict);
  }
  stop();
  return outcomes;
}

/**
 * How long the tests take as the file is; undefined, and said, when they tell nothing of its mutations: they fail without
 * one, or pass without the file.
 */
async function checked(
  run: ReturnType<typeof trials>["run"],
  tests: readonly string[],
  file: string,
): Promise<number | undefined> {
  const start = performance.now();
  const unchanged = await run({ tests }, LONGEST_MS);
  const tookMs = performance.now() - start;
  const broken = await run({ tests, file, code: 'throw new Error("a mutant");' }, LONGEST_MS);
  if (unchanged === "passed" && broken === "failed") return tookMs;
  const unusable = unchanged === "timed out" ? "They don't end unchanged" : "They fail unchanged";
  const problem = unchanged === "passed" ? `They don't run ${file}` : unusable;
  console.error(`${problem}: ${tests.join(", ")}`);
  return undefined;
}

/** Prints the score of each folder. Returns whether all are high enough. */
function report(sample: readonly Mutation[], outcomes: ReadonlyMap<Mutation, Outcome>): boolean {
  const folders = Map.groupBy(sample, ({ file }) => posix.dirname(file));
  let enough = true;
  for (const [folder, mutations] of folders) {
    const count = (outcome: Outcome) => mutations.filter((mutation) => outcomes.get(mutation) === outcome).length;
    const noticed = count("killed") + count("timed out");
    enough &&= noticed >= ENOUGH * mutations.length;
    const share = ((100 * noticed) / mutations.length).toFixed(1);
    const late = count("timed out") === 0 ? "" : `, ${count("timed out")} of them by the time they took`;
    console.log(`${folder}: ${noticed} of ${mutations.length} killed (${share} %)${late}`);
  }
  return enough;
}

process.exitCode = await main(process.argv.slice(2));
