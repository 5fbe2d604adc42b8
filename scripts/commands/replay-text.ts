import {
  type Replay,
  type ReplayCounts,
  type ReplayRequest,
  type SkipReason,
  skipReasons,
  statusOf,
  type TargetCount,
} from "../../shared/domain/replay.ts";
import { replayDollars } from "../../shared/domain/replay-cost.ts";
import { skippedInAll, targetKey } from "../../shared/domain/replay-counts.ts";
import type { PlannedReplay } from "../../shared/flows/plan-replay.ts";
import { filterText } from "./filter-options.ts";
import { plural } from "./output.ts";

const MINUTE_MS = 60_000;

/** Rows of a histogram, at most; a longer window gets several minutes per row. */
const MAX_ROWS = 20;
const BAR_WIDTH = 40;

/** What a replay is asked to do, in a line each. */
export function requestLines({ window, filter, mode, target, avoidVersion }: ReplayRequest): string[] {
  return [
    `window   ${window.from.toISOString()} to ${window.to.toISOString()}`,
    `filter   ${filterText(filter) || "everything"}`,
    `mode     ${mode === "rerun" ? "rerun: every match is run once more" : "finish: what is dead or waits is tried again"}`,
    `target   ${targetText({ target, ...(avoidVersion && { avoidVersion }) })}`,
  ];
}

function targetText({ target, avoidVersion }: Pick<ReplayRequest, "target" | "avoidVersion">): string {
  const but = avoidVersion === undefined ? "" : `, but nothing to version ${avoidVersion}`;
  if (target.kind === "today") return `where the routing says when it is sent${but}`;
  return target.kind === "alias" ? `alias ${target.alias}${but}` : `the alias that handled it${but}`;
}

/** The plan as a person reads it. @param perSecond undefined: as fast as it goes */
export function planLines(plan: PlannedReplay, request: ReplayRequest, perSecond: number | undefined): string[] {
  const { counts, perMinute, byStatus, handledBy } = plan;
  if (counts.matched === 0) return [`nothing matches, of ${plural(counts.scanned, "stored event")} in the window`];
  return [
    ...histogram(perMinute, request.window.from.getTime(), request.window.to.getTime()),
    `matched  ${counts.matched}, of ${plural(counts.scanned, "stored event")} in the window`,
    ...listed(
      "status",
      [...byStatus].map(([status, count]) => `${status} ${count}`),
    ),
    ...listed("handled", handledBy.map(targetCountText)),
    ...skippedLines(counts),
    `send     ${counts.sent}${counts.sent === 0 ? "" : ", now to:"}`,
    ...counts.targets.map((target) => `           ${targetCountText(target)}`),
    ...(counts.sent === 0
      ? []
      : [`takes    ${durationText(plan, perSecond)}; its requests cost ${dollarsText(counts)} on AWS`]),
  ];
}

function listed(title: string, texts: readonly string[]): string[] {
  return texts.map((text, index) => `${index === 0 ? title.padEnd(9) : "         "}${text}`);
}

export function targetCountText({ component, alias, version, count }: TargetCount): string {
  return `${component} ${alias}, ${version === "" ? "no version" : `version ${version}`}: ${count}`;
}

/** Why what matches is not sent, most frequent first. */
export function skippedLines(counts: ReplayCounts): string[] {
  const reasons = Object.entries(counts.skipped).toSorted(([, a], [, b]) => b - a);
  if (reasons.length === 0) return [];
  return [
    `skipped  ${skippedInAll(counts)}:`,
    ...reasons.map(([reason, count]) => `           ${count} ${skipText(reason as SkipReason)}`),
  ];
}

function skipText(reason: SkipReason): string {
  return `${reason}: ${skipReasons[reason]}`;
}

/** Matches per minute, as bars. */
export function histogram(perMinute: ReadonlyMap<number, number>, fromMs: number, toMs: number): string[] {
  const first = Math.floor(fromMs / MINUTE_MS);
  const last = Math.floor((toMs - 1) / MINUTE_MS);
  const perRow = Math.max(1, Math.ceil((last - first + 1) / MAX_ROWS));
  const rows = new Array<number>(Math.ceil((last - first + 1) / perRow)).fill(0);
  for (const [minute, count] of perMinute) {
    const row = Math.floor((minute / MINUTE_MS - first) / perRow);
    rows[row] = (rows[row] ?? 0) + count;
  }
  const most = Math.max(1, ...rows);
  const sameDay = last - first < 1_440;
  const widest = `${most}`.length;
  const unit = perRow === 1 ? "per minute" : `per ${perRow} minutes`;
  const lines = rows.map((count, row) => {
    const at = new Date((first + row * perRow) * MINUTE_MS).toISOString();
    const time = sameDay ? at.slice(11, 16) : at.slice(5, 16).replace("T", " ");
    return `  ${time}  ${`${count}`.padStart(widest)}  ${bar(count / most)}`.trimEnd();
  });
  return [`matched ${unit}, UTC`, ...withoutGaps(lines, rows)];
}

/** Rows in which nothing is, taken together where there are more than two of them in a row. */
function withoutGaps(lines: readonly string[], rows: readonly number[]): string[] {
  const shown: string[] = [];
  for (let row = 0; row < rows.length; ) {
    let end = row;
    while (end < rows.length && rows[end] === 0) end += 1;
    if (end - row > 2) {
      shown.push(lines[row] ?? "", "  …", lines[end - 1] ?? "");
      row = end;
    } else {
      shown.push(lines[row] ?? "");
      row += 1;
    }
  }
  return shown;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Never empty for a part that isn't. */
function bar(part: number): string {
  const eighths = part === 0 ? 0 : Math.max(1, Math.round(part * BAR_WIDTH * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

function durationText({ counts, projects, longestLane }: PlannedReplay, perSecond: number | undefined): string {
  const lanes =
    projects === 0 ? "" : ` (${plural(projects, "project")}, ${longestLane} events of one at most, one by one)`;
  if (perSecond === undefined) return `as long as the components do${lanes}`;
  return `about ${secondsText(counts.sent / perSecond)} at ${perSecond}/s${lanes}`;
}

/** E.g. `45 s`, `12 min`, `3 h 20 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function dollarsText(counts: ReplayCounts): string {
  const dollars = replayDollars(counts);
  return dollars < 0.01 ? "less than $0.01" : `about $${dollars.toFixed(2)}`;
}

/** The counts that are told to a person: those of the last pass that was whole. */
export function toldCounts({ progress }: Replay): ReplayCounts {
  return progress.before ?? progress.counts;
}

/** Where the replay is, e.g. `running: 120 of 300 sent, 118 done, 2 dead`. */
export function progressText(replay: Replay, now: Date): string {
  const { sent, done, dead, open } = toldCounts(replay);
  const states = [`${done} done`, dead > 0 ? `${dead} dead` : "", open > 0 ? `${open} open` : ""].filter(Boolean);
  const trouble = replay.progress.trouble === undefined ? "" : `; trouble: ${replay.progress.trouble}`;
  return `${statusText(replay, now)}: ${sent} of ${replay.planned.sent} sent, ${states.join(", ")}${trouble}`;
}

/** The status, with what it waits for. */
export function statusText(replay: Replay, now: Date): string {
  const status = statusOf(replay, now);
  const { pass, nextPassAt } = replay.progress;
  if (status !== "waiting" || nextPassAt === undefined) return status;
  const why = pass === 2 ? "to look again for what was under way" : "for deliveries that aren't at rest";
  return `waiting ${why}, at ${nextPassAt.toISOString().slice(11, 19)}`;
}

/** Where what was sent differs from what had been planned, a line each; empty when it doesn't. */
export function differenceLines({ planned, progress }: Replay): string[] {
  const { counts } = progress;
  const [before, after] = [countsByTarget(planned), countsByTarget(counts)];
  const lines: string[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)];
    if (was?.count === is?.count) continue;
    const target = is ?? was;
    if (target === undefined) continue;
    const { component, alias, version } = target;
    const where = `${component} ${alias}, ${version === "" ? "no version" : `version ${version}`}`;
    lines.push(`${where}: ${was?.count ?? 0} planned, ${is?.count ?? 0} sent`);
  }
  const reasons = new Set([...Object.keys(planned.skipped), ...Object.keys(counts.skipped)]) as Set<SkipReason>;
  for (const reason of reasons) {
    const [was = 0, is = 0] = [planned.skipped[reason], counts.skipped[reason]];
    if (was !== is) lines.push(`${reason}: ${was} to be skipped as planned, ${is} skipped`);
  }
  return lines;
}

function countsByTarget({ targets }: ReplayCounts): Map<string, TargetCount> {
  return new Map(targets.map((target) => [targetKey(target), target]));
}

/** The end of a replay, in a sentence or two. */
export function endLines(replay: Replay): string[] {
  const { name, asked, progress } = replay;
  const { sent, done, dead, open } = progress.counts;
  const ended = asked === "cancel" ? "cancelled" : "done";
  const lines = [
    `${name} ${ended}: ${plural(sent, "delivery").replace("deliverys", "deliveries")} sent, ${done} done, ${dead} dead`,
  ];
  if (open > 0) lines.push(`  ${open} go on as events that have just arrived do`);
  if (dead > 0)
    lines.push(`  the dead: turnout events --replay ${name} --status dead --from ${replay.window.from.toISOString()}`);
  const differences = asked === "cancel" ? [] : differenceLines(replay);
  if (differences.length > 0) lines.push("  not as planned:", ...differences.map((line) => `    ${line}`));
  return lines;
}

export function countsJson(counts: ReplayCounts) {
  const { scanned, matched, sent, targets, skipped, done, dead, open } = counts;
  return {
    scanned,
    matched,
    sent,
    targets: targets.map(({ component, alias, version, count }) => ({
      component,
      alias,
      component_version: version || null,
      count,
    })),
    skipped,
    done,
    dead,
    open,
  };
}

export function replayJson(replay: Replay, now: Date) {
  const { name, who, why, command, requestedAt, window, filter, mode, target, progress, planned } = replay;
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
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    filter,
    mode,
    target: target.kind === "alias" ? target.alias : target.kind,
    avoid_version: replay.avoidVersion ?? null,
    rate_per_second: replay.ratePerSecond ?? null,
    concurrency: replay.concurrency,
    pass: progress.pass,
    next_pass_at: time(progress.nextPassAt),
    reached: time(progress.after?.t0),
    trouble: progress.trouble ?? null,
    planned: countsJson(planned),
    counts: countsJson(toldCounts(replay)),
    not_as_planned: progress.endedAt === undefined ? [] : differenceLines(replay),
  };
}
