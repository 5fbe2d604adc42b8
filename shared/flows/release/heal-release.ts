import { matchedRows } from "../../domain/replays/matched-rows.ts";
import { DEFAULT_CONCURRENCY } from "../../domain/replays/replay.ts";
import type { Component } from "../../domain/routing/component.ts";
import { type Release, releaseActor } from "../../domain/routing/release.ts";
import type { EventStore } from "../../event-store/event-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { planReplay } from "../replay/plan-replay.ts";
import { startReplay } from "../replay/start-replay.ts";
import { routingCache } from "../routing-cache.ts";
import { undoRequest } from "../versions/undo-version.ts";

export type HealPorts = {
  table: RoutingTable;
  catalog: Pick<VersionCatalog, "aliases">;
  events: EventStore;
  replays: ReplayStore;
  /** Tells who drives replays of one, or why nobody could be told. */
  callReplayer(name: string): Promise<string | undefined>;
};

/** The replay of what a release's version has left unresolved. An ended release's name may be another's later. */
export function healingReplay({ id, startedAt }: Pick<Release, "id" | "startedAt">): string {
  return `heal-${id.slice(0, 48).replace(/-+$/, "")}-${Date.parse(startedAt).toString(36)}`;
}

/**
 * Has delivered again, where the routing says now, what has failed on a release's version and is dead or waits for
 * another attempt. Once for a release: a replay of its name is the one.
 * @throws what `startReplay` throws
 */
export async function healRelease(ports: HealPorts, { name }: Component, release: Release, now: Date): Promise<void> {
  const replay = healingReplay(release);
  if ((await ports.replays.get(replay)) !== undefined) return;
  const { version: from, alias, startedAt, why } = release;
  const doings = { component: name, alias, from, since: new Date(startedAt), filter: {}, all: false };
  const { request } = await undoRequest(ports.table, doings, now);
  const { table, catalog, events, replays } = ports;
  const matching = { events, replays, catalog, routing: routingCache(table) };
  const { counts, perMinute } = await planReplay(matching, { ...request, name: "", startedAt: now }, () => now);
  await startReplay(replays, {
    ...request,
    name: replay,
    who: releaseActor(release),
    why,
    command: `release ${release.id} of ${name} was stopped`,
    requestedAt: now,
    concurrency: DEFAULT_CONCURRENCY,
    planned: counts,
    matched: matchedRows(request.window, perMinute),
  });
  await ports.callReplayer(replay);
}
