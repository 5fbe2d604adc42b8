import type { Replay, ReplayRequest } from "../../domain/replays/replay.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { LaptopStore } from "../../laptop-store/laptop-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { routingCache } from "../routing-cache.ts";
import type { MatchPorts } from "./match-replay.ts";
import { type PlannedReplay, type PlanProgress, planReplay } from "./plan-replay.ts";
import {
  type NewReplay,
  refuseDestination,
  refuseName,
  type StoredWindow,
  startReplay,
  storedWindow,
} from "./start-replay.ts";

/** What would be replayed, as of a moment. `cut`: the window that was asked for began before what is stored. */
export type StartPlan = { request: ReplayRequest; cut: StoredWindow["cut"]; plan: PlannedReplay; plannedAt: Date };

/**
 * Works out what a replay would deliver. Changes nothing.
 * @param name the replay's, where it is given one
 * @throws TurnoutError what `storedWindow`, `refuseDestination` and `refuseName` throw, before anything is planned
 */
export async function planStart(
  { routingTable, laptops, now, ...ports }: StartPlanPorts,
  asked: ReplayRequest,
  name: string | undefined,
  onProgress: PlanProgress,
): Promise<StartPlan> {
  const plannedAt = now();
  const { window, cut } = await storedWindow(routingTable, asked.window, plannedAt);
  const request = { ...asked, window };
  // To a laptop that nobody listens on nothing would go.
  const routing = routingCache(routingTable, { readLeases: laptops.leases });
  await refuseDestination(routing, request);
  if (name !== undefined) await refuseName(ports.replays, name);
  const plan = await planReplay({ ...ports, routing }, { ...request, name: "", startedAt: plannedAt }, now, onProgress);
  return { request, cut, plan, plannedAt };
}

export type StartPlanPorts = Omit<MatchPorts, "routing"> & {
  routingTable: RoutingTable;
  laptops: Pick<LaptopStore, "leases">;
  replays: Pick<ReplayStore, "get">;
  now: () => Date;
};

/** Replays that are under way on a part of the window: what several match is delivered by each. */
export async function overlapping(replays: Pick<ReplayStore, "active">, window: TimeWindow): Promise<Replay[]> {
  return (await replays.active()).filter((other) => other.window.from < window.to && window.from < other.window.to);
}

export type StartPorts = {
  replays: ReplayStore;
  /** Tells who drives replays of one, or why nobody could be told. */
  callReplayer(name: string): Promise<string | undefined>;
};

/** Stores a replay, and has it run. `uncalled`: why it begins within a minute only. @throws what `startReplay` throws */
export async function startAndCall(
  { replays, callReplayer }: StartPorts,
  request: NewReplay,
): Promise<{ replay: Replay; uncalled: string | undefined }> {
  const replay = await startReplay(replays, request);
  return { replay, uncalled: await callReplayer(replay.name) };
}
