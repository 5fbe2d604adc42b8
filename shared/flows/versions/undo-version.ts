import type { OutcomeFilter } from "../../domain/deliveries/event-outcome.ts";
import { TurnoutError } from "../../domain/errors.ts";
import { matchedRows } from "../../domain/replays/matched-rows.ts";
import { MAX_ACTIVE_REPLAYS, type Replay, type ReplayRequest } from "../../domain/replays/replay.ts";
import type { AliasMove } from "../../domain/routing/alias-move.ts";
import type { ChangeLogEntry, Revision } from "../../domain/routing/routing-change.ts";
import type { EventStore } from "../../event-store/event-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { changeOf } from "../change/change-log.ts";
import { knownVersion, versionsOnceThere } from "../change/known-version.ts";
import { type MovePreview, previewMove } from "../change/preview-move.ts";
import { type PlannedReplay, type PlanProgress, planReplay } from "../replay/plan-replay.ts";
import { askOfReplay, type NewReplay, type StoredWindow, startReplay, storedWindow } from "../replay/start-replay.ts";
import { routingCache } from "../routing-cache.ts";
import { type AliasStanding, aliasHistory, nothingBefore, nothingBehind, sinceUnknown } from "./alias-history.ts";
import { componentNamed, requireVersion, versionBehind } from "./component-named.ts";
import { type MoveRequest, moveAlias, versionOf } from "./move-alias.ts";

/** The move that takes an alias back, and what the log says of the version that it leaves. */
export type RollbackPlan = {
  move: AliasMove & { from: string };
  standing: AliasStanding;
  /** What has put the version there. */
  change: ChangeLogEntry | undefined;
};

/** A rollback and the replay that belongs to it. */
export type UndoPlan = RollbackPlan & {
  preview: MovePreview;
  /** What the version has handled since then is replayed. */
  since: Date;
  request: ReplayRequest;
  /** The window that was asked about began before what is stored. */
  cut: StoredWindow["cut"];
  plan: PlannedReplay;
};

type RollbackPorts = { routingTable: RoutingTable; catalog: Pick<VersionCatalog, "aliases" | "versions"> };
export type UndoPlanPorts = RollbackPorts & { events: EventStore; replays: ReplayStore; now: () => Date };
export type UndoPorts = {
  routingTable: RoutingTable;
  catalog: Pick<VersionCatalog, "aliases" | "moveAlias">;
  events: EventStore;
  replays: ReplayStore;
  /** Tells who drives replays of one, or why nobody could be told. */
  callReplayer(name: string): Promise<string | undefined>;
  now: () => Date;
  newId: () => string;
};

export type UndoneVersion =
  /** `uncalled`: why the replay begins within a minute only. */
  | { outcome: "undone"; revision: Revision; replay: Replay; uncalled: string | undefined }
  /** The rollback was made and stays; its replay waits. */
  | { outcome: "rolled back"; revision: Revision; error: unknown }
  /** The rollback was not made, and its replay was cancelled. */
  | { outcome: "refused"; error: unknown }
  /** The rollback may have been made, or be finished within minutes; its replay waits. `unsure`: why that isn't known. */
  | { outcome: "unknown"; error: unknown; unsure?: unknown };

/** An event that arrived before the version was promoted may have been handled by it after: a retry, or a queue behind. */
const ARRIVED_BEFORE_MS = 3_600_000;

/** A replay that is prepared covers what is handled up to the rollback, whenever that is made. */
const PREPARED_FOR_MS = 3_600_000;

const CLOCKS_DIFFER_MS = 300_000;

/**
 * @param to the version to go to; default: the one promoted there before
 * @throws TurnoutError `not found` when there is nothing to go back from or to, `not allowed` when the version to go to
 *   was never there
 */
export async function planRollback(
  { routingTable, catalog }: RollbackPorts,
  name: string,
  alias: string,
  to?: string,
): Promise<RollbackPlan> {
  const from = await versionBehind(catalog, await componentNamed(routingTable, name), alias);
  const setAlias = { operation: "set alias", component: name, alias } as const;
  if (from === null) {
    throw new TurnoutError("not found", nothingBehind(name, alias), { remedies: [setAlias] });
  }
  const standing = await aliasHistory(routingTable, catalog, name, alias);
  const back = to ?? standing.previous;
  if (back === undefined) {
    const published = (await catalog.versions(name)).map(({ version }) => version);
    const others = await versionsOnceThere(routingTable, { component: name, alias, from }, published);
    const said = nothingBefore(name, alias, from);
    if (others.length > 0) {
      throw new TurnoutError("not found", said, { remedies: [{ operation: "name version" }, setAlias] });
    }
    throw new TurnoutError("not found", `${said} No other version that there is was ever there.`, {
      remedies: [setAlias],
    });
  }
  await requireVersion(catalog, name, back);
  const move = { component: name, alias, from, to: back };
  if (back !== from && (await knownVersion(routingTable, move)) === "never") throw neverThere(move);
  const change = standing.revision === undefined ? undefined : await changeOf(routingTable, standing.revision);
  return { move, standing, change };
}

/** A rollback goes past a freeze and the guardrails, so that it isn't to be a way to anywhere else. */
function neverThere({ component, alias, to: version }: AliasMove): TurnoutError {
  const message = `Version ${version} was never behind ${alias} of ${component}, so that going there is no rollback.`;
  return new TurnoutError("not allowed", `${message} Nothing was changed.`, {
    remedies: [{ operation: "name version" }, { operation: "set alias", component, alias, version }],
  });
}

/**
 * Works out the rollback of an alias and what of the version's doings would be delivered again. Changes nothing.
 * @param asked `since`: what it handled since then; default: since it was promoted
 * @throws TurnoutError what `planRollback` and `storedWindow` throw; `usage` where it isn't known since when
 */
export async function planUndo(
  ports: UndoPlanPorts,
  asked: Pick<UndoneDoings, "component" | "alias" | "filter" | "all"> & {
    to?: string | undefined;
    since: Date | undefined;
  },
  onProgress: PlanProgress,
): Promise<UndoPlan> {
  const { routingTable: table, catalog, events, replays } = ports;
  const { component, alias, filter } = asked;
  const now = ports.now();
  const rollback = await planRollback(ports, component, alias, asked.to);
  const { move, standing } = rollback;
  if (move.from === move.to) {
    const message = `${alias} of ${component} points at version ${move.to} already.`;
    throw new TurnoutError("usage", message, { remedies: [{ operation: "name version" }] });
  }
  const since = asked.since ?? standing.since;
  if (since === undefined) {
    throw new TurnoutError("usage", sinceUnknown(component, alias, move.from), {
      remedies: [{ operation: "name beginning" }],
    });
  }
  const doings = { component, alias, from: move.from, since, filter, all: asked.all };
  const { request, cut } = await undoRequest(table, doings, now);
  const after = { events, replays, catalog: catalogAfter(catalog, move), routing: routingCache(table) };
  const plan = await planReplay(after, { ...request, name: "", startedAt: now }, ports.now, onProgress);
  const preview = await previewMove({ table, events }, move, "rollback", now);
  return { ...rollback, preview, since, request, cut, plan };
}

/** What a bad version has done behind an alias since a time. `all`: also what it has done, which may have been done wrong. */
export type UndoneDoings = {
  component: string;
  alias: string;
  from: string;
  since: Date;
  filter: OutcomeFilter;
  all: boolean;
};

/**
 * What an undo has delivered again: what the version left unresolved is finished, in the generation that it has; with
 * `all` everything that it handled is run again.
 */
export async function undoRequest(
  table: Pick<RoutingTable, "allRows">,
  { component, alias, from, since, filter, all }: UndoneDoings,
  now: Date,
): Promise<{ request: ReplayRequest; cut: StoredWindow["cut"] }> {
  const asOf = { from: new Date(since.getTime() - ARRIVED_BEFORE_MS), to: new Date(now.getTime() + 1) };
  const { window, cut } = await storedWindow(table, asOf, now);
  const handled = { executedVersion: from, ranSince: since.toISOString(), ranBehind: alias };
  const request: ReplayRequest = {
    window,
    filter: { ...filter, component, ...handled },
    mode: all ? "rerun" : "finish",
    destination: { kind: "today" },
    avoidVersion: from,
  };
  return { request, cut };
}

/** The catalog as it would be with the alias moved. */
function catalogAfter(catalog: Pick<VersionCatalog, "aliases">, { component, alias, to }: AliasMove) {
  return {
    aliases: async (name: string) =>
      (await catalog.aliases(name)).map((aliased) =>
        name === component && aliased.alias === alias ? { ...aliased, version: to } : aliased,
      ),
  };
}

/** Before anything is moved. @throws TurnoutError `not allowed` */
export async function refuseBusy(
  replays: Pick<ReplayStore, "active">,
  { component, alias, to }: AliasMove,
): Promise<void> {
  const active = await replays.active();
  if (active.length < MAX_ACTIVE_REPLAYS) return;
  const names = active.map(({ name }) => name).join(", ");
  throw new TurnoutError(
    "not allowed",
    `Nothing was changed: ${active.length} replays are under way (${names}), and no more may be.`,
    { remedies: ["cancel one", { operation: "roll back alone", component, alias, version: to }] },
  );
}

/**
 * Rolls back and replays. The replay is stored first, and waits: were this process to end in between, there is either a
 * replay that can be cancelled, or one that can be resumed. It runs after the rollback, for nothing of it may go to the
 * version that is left.
 * @param by who undoes it, and the replay's name and speed
 * @throws what `startReplay` throws; then nothing was changed
 */
export async function undoVersion(
  ports: UndoPorts,
  { move, preview: checked, request, plan }: UndoPlan,
  by: Pick<MoveRequest, "who" | "why" | "command" | "force" | "expectedRevision"> &
    Pick<NewReplay, "name" | "ratePerSecond" | "concurrency">,
): Promise<UndoneVersion> {
  const { routingTable: table, replays, now } = ports;
  const { force, expectedRevision, ...replayed } = by;
  const { name, who, why, command } = replayed;
  const requestedAt = now();
  const window = { ...request.window, to: new Date(requestedAt.getTime() + PREPARED_FOR_MS) };
  const matched = matchedRows(request.window, plan.perMinute);
  const wanted = { ...request, ...replayed, window, requestedAt, planned: plan.counts, matched };
  const prepared = await startReplay(replays, wanted, "pause");
  let revision: Revision;
  try {
    const moving = { move, kind: "rollback", checked, who, why, command, replay: name, at: now() } as const;
    const said = { ...(force && { force }), ...(expectedRevision !== undefined && { expectedRevision }) };
    revision = (await moveAlias({ ...ports, table }, { ...moving, ...said })).settled;
  } catch (error) {
    return leavePrepared(ports, move, { name, who }, error).catch((unsure: unknown) => {
      return { outcome: "unknown", error, unsure };
    });
  }
  try {
    // What was claimed up to the rollback went to the version that is left.
    // And some more, as clocks differ: what was handled by others, or later, isn't matched.
    const covered = { ...window, to: new Date(now().getTime() + CLOCKS_DIFFER_MS) };
    const replay = await replays.update({ ...prepared, asked: "run", window: covered });
    if (replay === undefined) throw new TurnoutError("conflict", `Somebody else has changed replay '${name}'.`);
    return { outcome: "undone", revision, replay, uncalled: await ports.callReplayer(name) };
  } catch (error) {
    return { outcome: "rolled back", revision, error };
  }
}

/** What becomes of the prepared replay where the rollback has failed: it may have been made, or be finished by the sweeper. */
async function leavePrepared(
  { catalog, replays, now }: UndoPorts,
  move: AliasMove,
  { name, who }: { name: string; who: string },
  error: unknown,
): Promise<UndoneVersion> {
  const isRefused = error instanceof TurnoutError && error.kind !== "failed";
  if (!isRefused || (await versionOf(catalog, move)) !== move.from) return { outcome: "unknown", error };
  await askOfReplay(replays, name, { asked: "cancel", who, why: "the rollback was not made", at: now() });
  return { outcome: "refused", error };
}
