import {
  AliasNotFound,
  AliasRetired,
  ComponentNotFound,
  ComponentUnreadable,
  TurnoutError,
} from "../../domain/errors.ts";
import { DEFAULT_RETENTION_DAYS } from "../../domain/events/event.ts";
import { withoutErrors } from "../../domain/replays/failing-replay.ts";
import {
  isEnded,
  isReservedName,
  MAX_ACTIVE_REPLAYS,
  noCounts,
  type Replay,
  type ReplayRequest,
} from "../../domain/replays/replay.ts";
import { aliasOf } from "../../domain/routing/component.ts";
import { eachOf, isWanted } from "../../domain/text/any-of.ts";
import { plural } from "../../domain/text/plural.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { sourcesIn } from "../event-sources.ts";
import { LOST, lostRaces } from "../lost-races.ts";
import type { RoutingCache } from "../routing-cache.ts";

/** A replay as it is asked for. */
export type NewReplay = Omit<Replay, "lock" | "asked" | "progress" | "driver">;

/**
 * Refuses what can't be replayed: to an alias that isn't there or has been retired, of a component that isn't there.
 * @throws ComponentNotFound, AliasNotFound, AliasRetired
 */
export async function refuseDestination(routing: RoutingCache, { destination, filter }: ReplayRequest): Promise<void> {
  if (destination.kind !== "alias") return;
  await routing.refresh();
  await routing.decideOn(({ listeners, held }) => {
    const components = listeners.map(({ component }) => component);
    const meant = components.filter(({ name }) => isWanted(filter.component, name));
    for (const named of filter.component === undefined ? [] : eachOf(filter.component)) {
      const problem = held.find(({ name }) => name === named)?.problem;
      if (problem !== undefined) throw new ComponentUnreadable(named, problem);
      if (meant.some(({ name }) => name === named)) continue;
      throw new ComponentNotFound(
        named,
        components.map(({ name }) => name),
      );
    }
    for (const component of meant) {
      const entry = aliasOf(component, destination.alias);
      if (entry === undefined)
        throw new AliasNotFound(destination.alias, component.name, Object.keys(component.aliases));
      if (entry.retired) throw new AliasRetired(destination.alias, component.name);
    }
  });
}

/**
 * Stores a replay, for a server to run.
 * @param asked `pause`: it waits until it is resumed
 * @throws TurnoutError `conflict` when there is one of that name, `not allowed` when too many run already
 */
export async function startReplay(
  replays: ReplayStore,
  request: NewReplay,
  asked: "run" | "pause" = "run",
): Promise<Replay> {
  const { name } = request;
  if (isReservedName(name)) throw nameReserved(name);
  await refuseTooMany(replays);
  const replay: Replay = {
    ...request,
    lock: 1,
    asked,
    progress: { pass: 1, counts: noCounts(), stretches: [] },
  };
  if (await replays.create(replay)) return replay;
  throw nameTaken(name);
}

async function refuseTooMany(replays: Pick<ReplayStore, "active">): Promise<void> {
  const active = await replays.active();
  if (active.length < MAX_ACTIVE_REPLAYS) return;
  const names = active.map((replay) => replay.name).join(", ");
  throw new TurnoutError(
    "not allowed",
    `${MAX_ACTIVE_REPLAYS} replays are under way (${names}), and no more may be. Wait for one, or cancel it.`,
  );
}

/**
 * Before anything else is done, so that an undo isn't left half-way.
 * @throws TurnoutError `usage` for a name that can't be had, `conflict` for one that another replay has
 */
export async function refuseName(replays: Pick<ReplayStore, "get">, name: string): Promise<void> {
  if (isReservedName(name)) throw nameReserved(name);
  if ((await replays.get(name)) !== undefined) throw nameTaken(name);
}

function nameReserved(name: string): TurnoutError {
  return new TurnoutError("usage", `A replay can't be called '${name}'.`, {
    remedies: [{ operation: "rename replay" }],
  });
}

function nameTaken(name: string): TurnoutError {
  return new TurnoutError(
    "conflict",
    `There is a replay '${name}' already, and a name is used once. Nothing was started.`,
    { remedies: [{ operation: "rename replay" }] },
  );
}

/** @throws TurnoutError `not found` */
export async function replayNamed(replays: Pick<ReplayStore, "get" | "list">, name: string): Promise<Replay> {
  const replay = await replays.get(name);
  if (replay !== undefined) return replay;
  const newest = (await replays.list(5)).map((known) => known.name);
  const there = newest.length === 0 ? "There are none yet." : `The newest are: ${newest.join(", ")}.`;
  throw new TurnoutError("not found", `No replay '${name}'. ${there}`);
}

/**
 * Whether this isn't asked of it already.
 * @throws TurnoutError `conflict` when it has ended, or was cancelled and is to go on
 */
export function wouldChange(replay: Replay, asked: Replay["asked"]): boolean {
  const { name } = replay;
  const failed = replay.progress.failed === true;
  if (asked === replay.asked && !failed && !(isEnded(replay) && asked === "run")) return false;
  if (failed && asked === "pause") {
    throw new TurnoutError("conflict", `Replay '${name}' has failed, and isn't under way. Resume or cancel it.`);
  }
  if (isEnded(replay) && !failed) {
    const end = replay.asked === "cancel" ? "was cancelled and has come to its end" : "has come to its end";
    throw new TurnoutError("conflict", `Replay '${name}' ${end}. What is to be delivered again takes a new one.`);
  }
  if (replay.asked === "cancel" && asked !== "cancel") {
    throw new TurnoutError("conflict", `Replay '${name}' was cancelled, and doesn't go on. Start a new one.`);
  }
  return true;
}

export type Asking = { asked: Replay["asked"]; who: string; why: string; at: Date };

/**
 * Has a replay paused, resumed or cancelled. One that has failed goes on, or is cancelled, from where it had come.
 * @returns the replay, and whether anything was changed: false when that was asked of it already
 * @throws TurnoutError `not found`; `conflict` when it has ended, or was cancelled and is to go on; `not allowed` when one
 * that has failed would be one too many
 */
export async function askOfReplay(
  replays: ReplayStore,
  name: string,
  { asked, who, why, at }: Asking,
): Promise<{ replay: Replay; changed: boolean }> {
  return lostRaces(
    async () => {
      const replay = await replayNamed(replays, name);
      if (!wouldChange(replay, asked)) return { replay, changed: false };
      const askedBy = { who, why, at: at.toISOString() };
      // What has not begun has nothing to see to.
      const isNew = replay.progress.startedAt === undefined;
      if (replay.progress.failed) await refuseTooMany(replays);
      const again = asked === "pause" ? replay.progress : withoutErrors(replay.progress);
      const progress = asked === "cancel" && isNew ? { ...again, endedAt: at } : again;
      const stored = await replays.update({ ...replay, asked, askedBy, progress });
      return stored === undefined ? LOST : { replay: stored, changed: true };
    },
    { others: `Other changes of replay '${name}'`, left: "Nothing was asked of it. Try again." },
  );
}

/** The part of a window whose events may still be stored; `cut`: it begins at `oldest`, as events are kept for `days`. */
export type StoredWindow = { window: TimeWindow; cut?: { days: number; oldest: Date } };

const DAY_MS = 86_400_000;

/** What would be removed while the replay runs is left out, lest its counts and its second look lose it. */
const EXPIRES_MEANWHILE_MS = 3_600_000;

/**
 * The window of a replay, as far as its events may still be stored.
 * @throws TurnoutError `usage` when it lies in the future, or all that was in it has been removed by now
 */
export async function storedWindow(
  table: Pick<RoutingTableReader, "allRows">,
  window: TimeWindow,
  now: Date,
): Promise<StoredWindow> {
  if (window.to.getTime() > now.getTime() + 1) {
    throw new TurnoutError(
      "usage",
      `The window's end, ${window.to.toISOString()}, lies in the future, and a replay covers what has arrived.`,
      { remedies: ["leave it out to end it now"] },
    );
  }
  const days = (await sourcesIn(table)).reduce(
    (most, { retentionDays = DEFAULT_RETENTION_DAYS, retentionDaysByType = {} }) =>
      Math.max(most, retentionDays, ...Object.values(retentionDaysByType)),
    DEFAULT_RETENTION_DAYS,
  );
  const oldest = new Date(now.getTime() - days * DAY_MS + EXPIRES_MEANWHILE_MS);
  if (window.from >= oldest) return { window };
  if (window.to > oldest) return { window: { ...window, from: oldest }, cut: { days, oldest } };
  throw new TurnoutError("usage", `Nothing of the time window is stored any more. ${keptText({ days, oldest })}.`);
}

/** Since when events are there, and why. */
export function keptText({ days, oldest }: { days: number; oldest: Date }): string {
  return `Events are kept for ${plural(days, "day")}, and what arrived since ${oldest.toISOString()} is still there`;
}
