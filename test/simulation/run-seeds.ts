import { isEnded } from "../../shared/domain/replays/replay.ts";
import { skippedInAll } from "../../shared/domain/replays/replay-counts.ts";
import type { Control } from "./breakage.ts";
import { check } from "./checker.ts";
import { controls } from "./controls.ts";
import type { FaultKind } from "./faults.ts";
import type { SeenReplay } from "./history.ts";
import type { ProblemKind } from "./problem.ts";
import { drawScenario } from "./scenario.ts";
import type { Failure } from "./shrink.ts";
import { runWorld } from "./world.ts";

/** What many runs came to. */
export type Figures = {
  seeds: { safety: number; liveness: number };
  simulatedMs: number;
  /** Messages of services that a publisher was told to have been accepted. */
  events: number;
  runs: number;
  /** Replays that were started, and those of them that were paused, cancelled, or had ended by the end of the run. */
  replays: { rerun: number; finish: number; paused: number; cancelled: number; ended: number };
  /** What they say that they made, and what they skipped. */
  replayed: number;
  skipped: number;
  faults: Map<FaultKind, number>;
  problems: Map<ProblemKind, number>;
  /** Runs of a delivery that had had its effect already. */
  duplicateInvocations: number;
  /** The longest that a liveness run took from its last fault until all was at rest. */
  longestRestMs: number;
  /** Broken rules of the white box, which looks into the ledger. */
  inside: number;
};

export function noFigures(): Figures {
  return {
    seeds: { safety: 0, liveness: 0 },
    simulatedMs: 0,
    events: 0,
    runs: 0,
    replays: { rerun: 0, finish: 0, paused: 0, cancelled: 0, ended: 0 },
    replayed: 0,
    skipped: 0,
    faults: new Map(),
    problems: new Map(),
    duplicateInvocations: 0,
    longestRestMs: 0,
    inside: 0,
  };
}

export type SeedOptions = {
  control?: Control | undefined;
  weather?: Control["weather"];
  figures?: Figures;
  embedded?: boolean;
};

/** Runs one seed, with a control switched on if there is one, and adds what came of it to the figures. */
export async function runSeed(
  seed: number,
  {
    control,
    weather = control?.weather,
    figures = noFigures(),
    embedded = control?.embedded ?? false,
  }: SeedOptions = {},
): Promise<Failure> {
  const drawn = drawScenario(seed);
  const scenario = weather?.(drawn) ?? drawn;
  const ended = await runWorld(scenario, { breakage: control?.breakage, embedded });
  const problems = check(scenario, ended);
  const { history, inside, simulatedMs } = ended;
  figures.seeds[scenario.mode] += 1;
  figures.simulatedMs += simulatedMs;
  figures.events += history.published.filter(({ acceptedAt }) => acceptedAt !== undefined).length;
  figures.runs += history.runs.filter(({ startedAt }) => startedAt !== undefined).length;
  for (const replay of history.replays) addReplay(figures, replay);
  for (const { kind } of history.faults) figures.faults.set(kind, (figures.faults.get(kind) ?? 0) + 1);
  for (const { kind } of problems) figures.problems.set(kind, (figures.problems.get(kind) ?? 0) + 1);
  figures.inside += inside.length;
  if (scenario.mode === "liveness") {
    figures.longestRestMs = Math.max(figures.longestRestMs, simulatedMs - scenario.calmAt);
  }
  figures.duplicateInvocations += history.runs.filter(({ component, consumerKey, startedAt }) => {
    const effect = history.effects.get(`${component} ${consumerKey}`);
    return effect !== undefined && startedAt !== undefined && startedAt > effect.at;
  }).length;
  return { scenario, ended, problems };
}

function addReplay(figures: Figures, { mode, asks, last }: SeenReplay): void {
  const { replays } = figures;
  replays[mode] += 1;
  replays.paused += asks.some(({ asked }) => asked === "pause") ? 1 : 0;
  replays.cancelled += asks.some(({ asked }) => asked === "cancel") ? 1 : 0;
  if (last === undefined) return;
  replays.ended += isEnded(last) ? 1 : 0;
  figures.replayed += last.progress.counts.sent;
  figures.skipped += skippedInAll(last.progress.counts);
}

/**
 * The first seed from 1 on at which a control is caught, and by what; undefined when none of so many does. It is caught
 * only where the same seed shows nothing of the kind with nothing broken: else its weather would be what is wrong.
 */
export async function catchingSeed(
  name: string,
  seeds: number,
): Promise<{ seed: number; problem: string } | undefined> {
  const control = controls[name];
  if (control === undefined) throw new Error(`no control '${name}'; there are ${Object.keys(controls).join(", ")}`);
  for (let seed = 1; seed <= seeds; seed++) {
    const { problems } = await runSeed(seed, { control });
    const caught = problems.find(({ kind }) => control.shows.includes(kind));
    if (caught === undefined) continue;
    const unbroken = await runSeed(seed, { weather: control.weather, embedded: control.embedded ?? false });
    if (unbroken.problems.length > 0)
      throw new Error(`${name} with nothing broken, at seed ${seed}: ${told(unbroken)}`);
    return { seed, problem: `${caught.kind}: ${caught.text}` };
  }
  return undefined;
}

function told({ problems }: Failure): string {
  return problems.map(({ kind, text }) => `${kind}: ${text}`).join(", ");
}
