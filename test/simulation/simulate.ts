import { parseArgs } from "node:util";
import { controls } from "./controls.ts";
import { badForOne, customerFigures, healthyForAll } from "./customer-figures.ts";
import { explanationFigures, worldsWithDefect, worldsWithoutDefect } from "./explanation-figures.ts";
import { faultKinds } from "./faults.ts";
import { brokenWorlds, guardFigures, healthyWorlds, releaseFigures } from "./guard-figures.ts";
import { catchingSeed, type Figures, noFigures, runSeed } from "./run-seeds.ts";
import { MINUTE, REST_WITHIN } from "./scenario.ts";
import { type Failure, shrink } from "./shrink.ts";
import { storyOf } from "./story.ts";

const HELP = `Runs Turnout's flows in a simulated world full of faults, and checks its promises on what is seen from outside.

Usage: npm run simulate -- [options]

  --seeds N        runs of so many seeds (default 1000); odd ones are safety runs, even ones liveness runs
  --from N         the first seed (default 1)
  --seed N         runs this one seed only, and prints its story
  --control NAME   breaks something deliberately; the run is then expected to fail
  --controls       switches on each control in turn, and prints the seed that caught it
  --guard          shows how often the guard stops healthy versions, and how soon broken ones, 400 runs of each
  --failures       shows how often 'failures' names something where there is nothing, and what is there, 100 runs of each
  --help           prints this

Controls:
${Object.entries(controls)
  .map(([name, { breaks }]) => `  ${name.padEnd(22)} ${breaks}`)
  .join("\n")}

Exit codes: 0 all held (with --controls: all were caught), 1 not so, 2 usage
`;

/** Seeds within which every control has to be caught. */
const CONTROL_SEEDS = 500;

/** Runs as the arguments say. Returns the exit code. */
async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      control: { type: "string" },
      controls: { type: "boolean", default: false },
      guard: { type: "boolean", default: false },
      failures: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.guard) return runGuard();
  if (values.failures) return runFailures();
  if (values.controls) return runControls();
  if (values.control !== undefined && controls[values.control] === undefined) {
    throw new UsageError(`no control '${values.control}'; there are ${Object.keys(controls).join(", ")}`);
  }
  if (values.seed !== undefined) return runOne(wholeNumber("seed", values.seed), values.control);
  return runMany(wholeNumber("from", values.from), wholeNumber("seeds", values.seeds), values.control);
}

/** A healthy version may be stopped in one run of a thousand. */
const GUARD_RUNS = 400;
const GUARD_ALPHA = 0.001;
const RELEASES = 100;

function runGuard(): number {
  let stopped = 0;
  console.log(`looked at every minute for two hours, 100 events a minute, ${GUARD_RUNS} runs each\n`);
  for (const [name, world] of Object.entries(healthyWorlds)) {
    const figures = guardFigures(world, GUARD_RUNS);
    stopped = Math.max(stopped, figures.stopped);
    console.log(`healthy, ${name}: ${figures.stopped} stopped, ${figures.warned} warned of`);
  }
  for (const [name, world] of Object.entries(brokenWorlds)) {
    const figures = guardFigures(world, GUARD_RUNS);
    const [median, p95] = [0.5, 0.95].map((share) => figures.deliveries[Math.floor(share * figures.deliveries.length)]);
    const after = `after ${median} of its deliveries (median), ${p95} (p95)`;
    console.log(`fails ${name}: ${figures.stopped} stopped, ${after}`);
  }
  const release = releaseFigures(RELEASES);
  const beside = `${release.threshold} by a fixed threshold, ${release.zTest} by a z-test at every look`;
  console.log(`\n${RELEASES} releases of healthy versions, customers who differ, a drifting base rate:`);
  // No bound holds here: who differs belies formula A, and what is known of the drift is an estimate.
  console.log(`${release.guard} stopped by the guard, ${beside}`);
  console.log("\nthe same of six customers on it one by one, 12 events a minute each\n");
  for (const [name, world] of Object.entries(healthyForAll)) {
    const { takenOff } = customerFigures(world, GUARD_RUNS);
    stopped = Math.max(stopped, takenOff);
    console.log(`healthy for all, ${name}: one was taken off in ${takenOff}`);
  }
  for (const [name, world] of Object.entries(badForOne)) {
    const { takenOff, minutes } = customerFigures(world, GUARD_RUNS);
    const [median, p95] = [0.5, 0.95].map((share) => minutes[Math.floor(share * minutes.length)]);
    console.log(`fails for one ${name}: taken off in ${takenOff}, in minute ${median} (median), ${p95} (p95)`);
  }
  return stopped <= Math.ceil(GUARD_ALPHA * GUARD_RUNS) ? 0 : 1;
}

/** Something may be named in one run of a hundred. */
const EXPLAINED_RUNS = 100;
const EXPLAINED_ALPHA = 0.01;
const EXPLAINED_EVENTS = 6_000;

function runFailures(): number {
  let [named, runs] = [0, 0];
  console.log(`${EXPLAINED_EVENTS} events of 40 customers within a minute, ${EXPLAINED_RUNS} runs each\n`);
  for (const [name, world] of Object.entries(worldsWithoutDefect)) {
    const { some } = explanationFigures(world, EXPLAINED_RUNS, EXPLAINED_EVENTS);
    [named, runs] = [named + some, runs + EXPLAINED_RUNS];
    console.log(`without a defect, ${name}: something was named in ${some}`);
  }
  for (const [name, world] of Object.entries(worldsWithDefect)) {
    const { first, found, wrong } = explanationFigures(world, EXPLAINED_RUNS, EXPLAINED_EVENTS);
    console.log(`${name}: came first in ${first}; ${found} named in all, of these ${wrong} that weren't it`);
  }
  return named <= Math.ceil(EXPLAINED_ALPHA * runs) ? 0 : 1;
}

class UsageError extends Error {}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) {
    throw new UsageError(`--${option} takes a whole number from 1 on, not '${text}'`);
  }
  return Number(text);
}

async function runOne(seed: number, control: string | undefined): Promise<number> {
  const failure = await runSeed(seed, { control: controls[control ?? ""] });
  console.log(storyOf(failure));
  return failure.problems.length + failure.ended.inside.length === 0 ? 0 : 1;
}

async function runMany(from: number, seeds: number, control: string | undefined): Promise<number> {
  const figures = noFigures();
  const began = performance.now();
  let first: Failure | undefined;
  const failed: number[] = [];
  for (let seed = from; seed < from + seeds; seed++) {
    const failure = await runSeed(seed, { control: controls[control ?? ""], figures });
    if (failure.problems.length + failure.ended.inside.length === 0) continue;
    failed.push(seed);
    if (first === undefined || first.problems.length === 0)
      first = failure.problems.length > 0 ? failure : (first ?? failure);
  }
  console.log(textOf(figures, (performance.now() - began) / 1_000));
  if (failed.length === 0) return 0;
  console.log(
    `\nFailed: seed${failed.length > 1 ? "s" : ""} ${failed.slice(0, 20).join(", ")}${failed.length > 20 ? ", …" : ""}`,
  );
  if (first !== undefined) {
    console.log("\nThe first one, shrunken:");
    console.log(storyOf(await shrink(first, { breakage: controls[control ?? ""]?.breakage })));
  }
  return 1;
}

async function runControls(): Promise<number> {
  let missed = 0;
  for (const [name, { breaks }] of Object.entries(controls)) {
    const caught = await catchingSeed(name, CONTROL_SEEDS);
    if (caught === undefined) missed += 1;
    const told =
      caught === undefined ? `NOT CAUGHT by seeds 1 to ${CONTROL_SEEDS}` : `seed ${caught.seed}: ${caught.problem}`;
    console.log(`${name.padEnd(22)} ${breaks}\n${" ".repeat(23)}${told}`);
  }
  return missed === 0 ? 0 : 1;
}

function textOf(figures: Figures, seconds: number): string {
  const { replays, replayed, skipped } = figures;
  const { seeds, simulatedMs, events, runs, faults, problems, duplicateInvocations, longestRestMs, inside } = figures;
  const number = (value: number) => value.toLocaleString("en-US");
  const line = (name: string, value: number, more = "") => `${name.padEnd(42)}${number(value).padStart(10)}${more}`;
  const other = [...problems].filter(([kind]) => kind !== "duplicate effect");
  const [lost, misrouted, stuck] = (["lost", "misrouted", "stuck"] as const).map((kind) => problems.get(kind) ?? 0);
  const total = [...faults.values()].reduce((sum, count) => sum + count, 0);
  return [
    line("seeds", seeds.safety + seeds.liveness, `  (${seeds.safety} safety, ${seeds.liveness} liveness)`),
    line("simulated hours", Math.round(simulatedMs / 3_600_000), `  in ${seconds.toFixed(1)} s`),
    line("events", events),
    line("invocations", runs),
    line("replays", replays.rerun + replays.finish, `  (${replays.rerun} rerun, ${replays.finish} finish)`),
    line("  paused", replays.paused),
    line("  cancelled", replays.cancelled),
    line("  ended", replays.ended),
    line("deliveries replayed", replayed),
    line("deliveries skipped by replays", skipped),
    line("faults", total),
    ...faultKinds.map((kind) => line(`  ${kind}`, faults.get(kind) ?? 0)),
    line("lost", lost ?? 0),
    line("misrouted", misrouted ?? 0),
    line("stuck", stuck ?? 0),
    ...other
      .filter(([kind]) => kind !== "lost" && kind !== "misrouted" && kind !== "stuck")
      .map(([kind, count]) => line(kind, count)),
    line("duplicate invocations", duplicateInvocations),
    line("duplicate effects", problems.get("duplicate effect") ?? 0),
    line(
      "minutes to rest after the last fault",
      Math.ceil(longestRestMs / MINUTE),
      `  at most, of ${REST_WITHIN / MINUTE} allowed`,
    ),
    ...(inside === 0 ? [] : [line("rules of the ledger broken (white box)", inside)]),
  ].join("\n");
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError || (error instanceof TypeError && "code" in error);
  if (!isUsage) throw error;
  console.error(`${error.message}\nTry npm run simulate -- --help`);
  process.exitCode = 2;
}
