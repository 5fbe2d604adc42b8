import { isUnresolved, type OutcomeStatus } from "../../domain/deliveries/event-outcome.ts";
import { noCounts, type ReplayCounts, type VersionCount } from "../../domain/replays/replay.ts";
import { type CountedItem, versionKey, withCounted } from "../../domain/replays/replay-counts.ts";
import { type MatchPorts, replayMatcher } from "./match-replay.ts";
import type { MatchedReplay, ReplayItem } from "./replay-item.ts";

/** What a replay would do, were it run now. Nothing is sent or written to find out. */
export type PlannedReplay = {
  counts: ReplayCounts;
  /** Deliveries that match, by the minute in which their event arrived, in ms since the epoch. */
  perMinute: Map<number, number>;
  /** Of those that match: how they ended up, and who handled them. */
  byStatus: Map<OutcomeStatus, number>;
  handledBy: VersionCount[];
  /** Of what is skipped because it was made good: by which replay. */
  repairedBy: Map<string, number>;
  /** Of what would be sent: what has had its effect, be it by a replay since, and what has not. */
  sentDone: number;
  sentUnresolved: number;
  /** Projects whose events would be sent again; each gets them one by one. */
  projects: number;
  /** Most deliveries of one project. */
  longestLane: number;
};

/** How far a plan is: records looked at, and when the last of them arrived. */
export type PlanProgress = (scanned: number, upTo: Date) => void;

const MINUTE_MS = 60_000;

/** Projects that are told apart; a window may have millions. */
const MAX_PROJECTS = 100_000;

/**
 * Counts what the replay would deliver and skip. Holds a page at a time, and as many numbers as there are minutes and
 * projects.
 * @throws TurnoutError `usage` when the filter has a pattern that is none
 */
export async function planReplay(
  ports: MatchPorts,
  replay: MatchedReplay,
  now: () => Date,
  onProgress: PlanProgress = () => {},
): Promise<PlannedReplay> {
  let counts = noCounts();
  const perMinute = new Map<number, number>();
  const byStatus = new Map<OutcomeStatus, number>();
  const handledBy = new Map<string, VersionCount>();
  const repairedBy = new Map<string, number>();
  const sentAs = { done: 0, unresolved: 0 };
  const lanes = new Map<string, number>();
  for await (const { items, scanned, upTo } of replayMatcher(ports, replay, { now }).pages()) {
    counts = withCounted(counts, scanned, items.map(planned));
    for (const item of items) {
      const minute = Math.floor(item.record.t0.getTime() / MINUTE_MS) * MINUTE_MS;
      perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
      const status = statusOf(item);
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      if (item.kind === "deliver" && (status === "done" || status === "repaired")) sentAs.done += 1;
      if (item.kind === "deliver" && isUnresolved({ status })) sentAs.unresolved += 1;
      count(handledBy, item);
      if (item.kind === "skip" && item.repairedBy !== undefined)
        repairedBy.set(item.repairedBy, (repairedBy.get(item.repairedBy) ?? 0) + 1);
      const { project } = item.record.subject;
      if (item.kind !== "deliver" || project === undefined) continue;
      if (lanes.size < MAX_PROJECTS || lanes.has(project)) lanes.set(project, (lanes.get(project) ?? 0) + 1);
    }
    onProgress(counts.scanned, upTo.t0);
  }
  return {
    counts,
    perMinute,
    byStatus,
    handledBy: [...handledBy.values()].toSorted((a, b) => b.count - a.count),
    repairedBy,
    sentDone: sentAs.done,
    sentUnresolved: sentAs.unresolved,
    projects: lanes.size,
    longestLane: [...lanes.values()].reduce((most, lane) => Math.max(most, lane), 0),
  };
}

function planned(item: ReplayItem): CountedItem {
  if (item.kind === "skip") return { kind: "skip", reason: item.reason };
  if (item.kind === "begun") return { kind: "skip", reason: "done already" };
  const { component, alias } = item.delivery.request;
  return { kind: "planned", component, alias, version: item.version ?? "" };
}

function statusOf(item: ReplayItem): OutcomeStatus {
  if (item.repairedBy !== undefined) return "repaired";
  if (item.entry !== undefined) return item.entry.status;
  if (item.kind !== "skip") return item.record.rejected === undefined ? "unmatched" : "rejected";
  switch (item.reason) {
    case "duplicate":
    case "waiting":
    case "unmatched":
      return item.reason;
    default:
      return item.record.rejected === undefined ? "unmatched" : "rejected";
  }
}

function count(handledBy: Map<string, VersionCount>, { entry }: ReplayItem): void {
  if (entry === undefined) return;
  const ran = { component: entry.component, alias: entry.alias, version: entry.executedVersion ?? "", count: 0 };
  const known = handledBy.get(versionKey(ran)) ?? ran;
  known.count += 1;
  handledBy.set(versionKey(ran), known);
}
