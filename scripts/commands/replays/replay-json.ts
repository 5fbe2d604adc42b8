import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import {
  type Replay,
  type ReplayCounts,
  type ReplayRequest,
  statusOf,
  type VersionCount,
} from "../../../shared/domain/replays/replay.ts";
import { replayDollars } from "../../../shared/domain/replays/replay-cost.ts";
import { differenceLines, toldCounts } from "../../../shared/domain/replays/replay-told.ts";
import type { PlannedReplay } from "../../../shared/flows/replay/plan-replay.ts";

/** What would be done. @param perSecond undefined: as fast as it goes */
export function planJson(plan: PlannedReplay, request: ReplayRequest, perSecond: number | undefined) {
  const { counts, perMinute, byStatus, handledBy, repairedBy, projects, longestLane } = plan;
  return {
    ...requestJson(request),
    ...plannedJson(counts),
    per_minute: [...perMinute].map(([minute, count]) => ({ minute: new Date(minute).toISOString(), count })),
    by_status: Object.fromEntries(byStatus),
    handled_by: handledBy.map(versionCountJson),
    repaired_by: Object.fromEntries(repairedBy),
    projects,
    most_of_one_project: longestLane,
    rate_per_second: perSecond ?? null,
    estimated_seconds: perSecond === undefined ? null : Math.ceil(counts.sent / perSecond),
    estimated_dollars: Number(replayDollars(counts).toFixed(6)),
  };
}

export function replayJson(replay: Replay, now: Date) {
  const { name, who, why, command, requestedAt, progress, planned } = replay;
  const time = (at: Date | undefined) => at?.toISOString() ?? null;
  return {
    replay: name,
    status: statusOf(replay, now),
    requested_at: requestedAt.toISOString(),
    started_at: time(progress.startedAt),
    first_sent_at: time(progress.firstSentAt),
    ended_at: time(progress.endedAt),
    who,
    why,
    command,
    asked: replay.asked,
    asked_by: replay.askedBy ?? null,
    ...requestJson(replay),
    rate_per_second: replay.ratePerSecond ?? null,
    concurrency: replay.concurrency,
    pass: progress.pass,
    next_pass_at: time(progress.nextPassAt),
    reached: time(progress.after?.t0),
    trouble: progress.trouble ?? null,
    planned: plannedJson(planned),
    counts: countsJson(toldCounts(replay)),
    not_as_planned: statusOf(replay, now) === "done" ? differenceLines(replay) : [],
  };
}

/** What a plan counts: nothing of it is done yet. */
export function plannedJson({ scanned, matched, sent, versions, skipped }: ReplayCounts) {
  return { scanned, matched, sent, versions: versions.map(versionCountJson), skipped };
}

function countsJson(counts: ReplayCounts) {
  const { done, dead, open } = counts;
  return { ...plannedJson(counts), done, dead, open };
}

function versionCountJson({ component, alias, version, count }: VersionCount) {
  return { component, alias, component_version: version || null, count };
}

function requestJson({ window, filter, mode, destination, avoidVersion }: ReplayRequest) {
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    filter: filterJson(filter),
    mode,
    destination: destination.kind === "alias" ? destination.alias : destination.kind,
    avoid_version: avoidVersion ?? null,
  };
}

/** In the names that the events' own JSON has; the pattern is left as it is. */
function filterJson({ executedVersion, ranSince, ranBehind, ...others }: OutcomeFilter) {
  return {
    ...others,
    ...(executedVersion !== undefined && { executed_version: executedVersion }),
    ...(ranSince !== undefined && { ran_since: ranSince }),
    ...(ranBehind !== undefined && { ran_behind: ranBehind }),
  };
}
