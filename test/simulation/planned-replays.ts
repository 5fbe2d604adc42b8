import type { OutcomeFilter } from "../../shared/domain/deliveries/event-outcome.ts";
import type { ReplayDestination, ReplayMode } from "../../shared/domain/replays/replay.ts";
import { between, type Chance, magnitude, weighted } from "./chance.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A replay as an operator starts it. Times in ms from the start of the world. */
export type PlannedReplay = {
  name: string;
  at: number;
  mode: ReplayMode;
  filter: OutcomeFilter;
  destination: ReplayDestination;
  avoidVersion?: string;
  window: { from: number; to: number };
  ratePerSecond?: number;
  concurrency: number;
  /** Records that its store hands out at once, however many are asked for. */
  pageSize: number;
  /** After this long its function is cut off. */
  timeoutMs: number;
  /** How many loops call its function: two, where one was taken for lost and is not. */
  drivers: number;
};

/** What its operator asks of it later. A pause ends at `until`. */
export type PlannedAsk = { at: number; replay: string } & (
  | { asked: "pause"; until: number }
  | { asked: "cancel"; until?: never }
);

/** @param bursts when events are published @param lasts how long that goes on */
export function drawReplays(
  chance: Chance,
  bursts: readonly number[],
  lasts: number,
): { replays: PlannedReplay[]; asks: PlannedAsk[] } {
  if (chance("replays") < 0.4) return { replays: [], asks: [] };
  const replays = Array.from({ length: between(chance("replays started"), 1, 3) }, (_, index) =>
    drawReplay((what) => chance(`replay ${index} ${what}`), index, bursts, lasts),
  );
  const asks = replays.flatMap(({ name, at }) => drawAsks((what) => chance(`${name} ${what}`), name, at));
  return { replays, asks };
}

function drawReplay(own: Chance, index: number, bursts: readonly number[], lasts: number): PlannedReplay {
  const burst = bursts[between(own("burst"), 0, bursts.length - 1)] ?? 0;
  const soon = burst + magnitude(own("soon"), 100, 90 * SECOND);
  const at = own("soon enough") < 0.35 ? soon : lasts + magnitude(own("later"), SECOND, 10 * MINUTE);
  const mode = own("mode") < 0.65 ? "rerun" : "finish";
  const filter = drawFilter(own, index, mode);
  const version = [filter.executedVersion ?? []].flat()[0];
  const rate = between(own("rate"), 1, 20);
  return {
    name: `replay-${index + 1}`,
    at,
    mode,
    filter,
    destination: drawDestination(own),
    ...(version !== undefined && own("avoids") < 0.5 ? { avoidVersion: version } : {}),
    window: {
      from: own("from") < 0.6 ? -MINUTE : Math.min(burst, at - 1),
      to: drawEnd(own, at),
    },
    ...(own("capped") < 0.4 ? { ratePerSecond: rate } : {}),
    concurrency: weighted(own("concurrency"), [
      [1, 1],
      [2, 3],
      [2, 10],
    ]),
    pageSize: weighted(own("page size"), [
      [1, 1],
      [3, 3],
      [2, 25],
    ]),
    timeoutMs: magnitude(own("timeout"), 40 * SECOND, 15 * MINUTE),
    drivers: own("drivers") < 0.85 ? 1 : 2,
  };
}

/** Most windows end now; some reach beyond it, and some end before. */
function drawEnd(own: Chance, at: number): number {
  return weighted(own("to"), [
    [6, at + 1],
    [2, at + between(own("beyond"), 10, 20 * SECOND)],
    [1, at - between(own("before"), 0, 5 * SECOND)],
  ]);
}

function drawFilter(own: Chance, index: number, mode: ReplayMode): OutcomeFilter {
  const alias = own("filter alias") < 0.5 ? "beta" : "stable";
  const component = own("filter component") < 0.5 ? "invoice" : "mailer";
  const [first, ...others]: [weight: number, filter: OutcomeFilter][] = [
    [5, {}],
    [2, { component }],
    [1, { project: `project-${between(own("filter project"), 1, 4)}` }],
    [1, { status: mode === "finish" ? "dead" : "done" }],
    [0.5, { status: "dead" }],
    [index === 0 ? 0 : 1, { status: "unresolved" }],
    [1, { alias }],
    [1, { executedVersion: `version of ${alias}` }],
    [0.3, { status: "unmatched" }],
    [index === 0 ? 0 : 1, { replay: "replay-1" }],
  ];
  const filter = weighted(own("filter"), [first ?? [1, {}], ...others]);
  if (own("filter by customer") > 0.35) return filter;
  return { ...filter, customer: customerOf(between(own("filter customer"), 0, 1)) };
}

function drawDestination(own: Chance): ReplayDestination {
  return weighted<ReplayDestination>(own("target"), [
    [5, { kind: "today" }],
    [2, { kind: "original" }],
    [2, { kind: "alias", alias: "beta" }],
    [1, { kind: "alias", alias: "branch" }],
  ]);
}

function drawAsks(own: Chance, replay: string, startedAt: number): PlannedAsk[] {
  const asks: PlannedAsk[] = [];
  const soon = (what: string) => startedAt + magnitude(own(what), 50, 3 * MINUTE);
  if (own("is paused") < 0.3) {
    const at = soon("paused");
    asks.push({ at, replay, asked: "pause", until: at + magnitude(own("resumed"), 500, 3 * MINUTE) });
  }
  if (own("is cancelled") < 0.25) asks.push({ at: soon("cancelled"), replay, asked: "cancel" });
  return asks;
}

/** Whose a project is: every customer has several. */
export function customerOf(project: number): string {
  return `customer-${project % 2}`;
}
