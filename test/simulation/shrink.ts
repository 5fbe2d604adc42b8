import { check } from "./checker.ts";
import type { Problem } from "./problem.ts";
import type { Scenario } from "./scenario.ts";
import { type Ended, type Options, runWorld } from "./world.ts";

/** A scenario that goes wrong, with what it left behind and what is wrong with it. */
export type Failure = { scenario: Scenario; ended: Ended; problems: Problem[] };

/** Runs that a shrinking may take. */
const MAX_RUNS = 600;

/**
 * Finds a smaller scenario that goes wrong in the same way: takes away faults, events, operations and the rest, and
 * keeps whatever still fails, until nothing more can go. What is drawn is drawn by name, so the rest stays as it was.
 */
export async function shrink(failure: Failure, options?: Options): Promise<Failure> {
  const kind = failure.problems[0]?.kind;
  let runs = 0;

  async function failing(scenario: Scenario): Promise<Failure | undefined> {
    if (++runs > MAX_RUNS) return undefined;
    const ended = await runWorld(scenario, options);
    const problems = check(scenario, ended).filter((problem) => problem.kind === kind);
    const fails = kind === undefined ? ended.inside.length > 0 : problems.length > 0;
    return fails ? { scenario, ended, problems } : undefined;
  }

  const struck = failure.ended.history.faults.filter(({ kind }) => kind !== "function timed out");
  let best =
    (await failing({ ...failure.scenario, faults: struck.map(({ point, kind }) => ({ point, kind })) })) ?? failure;
  const attempt = async (change: (scenario: Scenario) => Scenario) => {
    const smaller = await failing(change(best.scenario));
    if (smaller !== undefined) best = smaller;
    return smaller !== undefined;
  };

  for (let size = -1; size !== sizeOf(best.scenario); ) {
    size = sizeOf(best.scenario);
    for (const list of ["replays", "asks", "faults", "publications", "operations", "outages", "damages"] as const) {
      await shorten(best.scenario[list]?.length ?? 0, (from, count) =>
        attempt((scenario) => ({ ...scenario, [list]: without<unknown>(scenario[list] ?? [], from, count) })),
      );
    }
    for (const simpler of [
      { routers: 1 },
      { routers: 2 },
      { skewMs: 0 },
      { skewMs: 1_000 },
      { batchSize: 1 },
      { arrivals: 0 },
    ]) {
      const [[key, value] = ["", 0]] = Object.entries(simpler);
      if ((best.scenario[key as keyof Scenario] as number) > value) {
        await attempt((scenario) => ({ ...scenario, ...simpler }));
      }
    }
  }
  return best;
}

function sizeOf({ faults = [], publications, operations, outages, damages, replays, asks, ...rest }: Scenario): number {
  const lists = [faults, publications, operations, outages, damages, replays, asks];
  return (
    lists.reduce((sum, { length }) => sum + length, 0) + rest.routers + rest.skewMs + rest.batchSize + rest.arrivals
  );
}

/** Takes pieces away: halves first, then smaller ones, from the end to the beginning. */
async function shorten(length: number, takes: (from: number, count: number) => Promise<boolean>): Promise<void> {
  for (let count = Math.max(1, length >> 1); length > 0; count = count >> 1) {
    for (let from = length - count; from > -count; from -= count) {
      const first = Math.max(0, from);
      const taken = from + count - first;
      if (await takes(first, taken)) length -= taken;
    }
    if (count === 1) return;
  }
}

function without<T>(list: readonly T[], from: number, count: number): T[] {
  return [...list.slice(0, from), ...list.slice(from + count)];
}
