import {
  type Replay,
  type ReplayCounts,
  type ReplayRequest,
  type SkipReason,
  skipReasons,
  skipRemedies,
  type VersionCount,
} from "../../../shared/domain/replays/replay.ts";
import { replayDollars } from "../../../shared/domain/replays/replay-cost.ts";
import { skippedInAll } from "../../../shared/domain/replays/replay-counts.ts";
import { differenceLines, secondsText } from "../../../shared/domain/replays/replay-told.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import type { PlannedReplay } from "../../../shared/flows/replay/plan-replay.ts";
import { clauseOf } from "../../../shared/installation/wording/remedy-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { filterText } from "../events/filter-options.ts";
import { histogram } from "./replay-histogram.ts";

/** What a replay is asked to do, in a line each. */
export function requestLines({ window, filter, mode, destination, avoidVersion }: ReplayRequest): string[] {
  return [
    `window   ${window.from.toISOString()} to ${window.to.toISOString()}`,
    `filter   ${filterText(filter) || "everything"}`,
    `mode     ${mode === "rerun" ? "rerun: every match is run once more" : "finish: what is dead or waits is tried again"}`,
    `to       ${destinationText({ destination, ...(avoidVersion && { avoidVersion }) })}`,
  ];
}

function destinationText({ destination, avoidVersion }: Pick<ReplayRequest, "destination" | "avoidVersion">): string {
  const but = avoidVersion === undefined ? "" : `, but nothing to version ${avoidVersion}`;
  if (destination.kind === "today") return `where the routing says when it is sent${but}`;
  return destination.kind === "alias" ? `alias ${destination.alias}${but}` : `the alias that handled it${but}`;
}

/** The plan as a person reads it. @param perSecond undefined: as fast as it goes */
export function planLines(plan: PlannedReplay, request: ReplayRequest, perSecond: number | undefined): string[] {
  const { counts, perMinute, byStatus, handledBy, repairedBy } = plan;
  if (counts.matched === 0) {
    const filter = filterText(request.filter);
    const stored = `${plural(counts.scanned, "stored event")} in the window`;
    return [filter === "" ? `nothing matches, of ${stored}` : `nothing matches ${filter}, of ${stored}`];
  }
  return [
    ...histogram(perMinute, request.window.from.getTime(), request.window.to.getTime()),
    `matched  ${counts.matched}, of ${plural(counts.scanned, "stored event")} in the window`,
    ...listed(
      "status",
      [...byStatus].toSorted(([, a], [, b]) => b - a).map(([status, count]) => `${count} ${status}`),
    ),
    ...listed("handled", handledBy.map(versionCountText)),
    ...skippedLines(counts, repairedBy),
    `send     ${counts.sent}${counts.sent === 0 ? "" : ", now to:"}`,
    ...counts.versions.map((one) => `           ${versionCountText(one)}`),
    ...(counts.sent === 0
      ? []
      : [...durationLines(plan, perSecond), `costs    ${dollarsText(counts)} in requests on AWS`]),
  ];
}

function listed(title: string, texts: readonly string[]): string[] {
  return texts.map((text, index) => `${index === 0 ? title.padEnd(9) : "         "}${text}`);
}

export function versionCountText({ component, alias, version, count }: VersionCount): string {
  return `${component} ${alias}, ${version === "" ? "no version" : `version ${version}`}: ${count}`;
}

/** Why what matches is not sent, most frequent first. @param repairedBy which replays made good how much of it */
export function skippedLines(counts: ReplayCounts, repairedBy: ReadonlyMap<string, number> = new Map()): string[] {
  const reasons = Object.entries(counts.skipped).toSorted(([, a], [, b]) => b - a);
  if (reasons.length === 0) return [];
  return [
    `skipped  ${skippedInAll(counts)}:`,
    ...reasons.flatMap(([reason, count]) => [
      `           ${count} ${skipText(reason as SkipReason)}`,
      ...(reason === "repaired" ? repairedLines(repairedBy) : []),
    ]),
  ];
}

function repairedLines(repairedBy: ReadonlyMap<string, number>): string[] {
  return [...repairedBy].map(([replay, count]) => `             ${count} by ${replay}`);
}

function skipText(reason: SkipReason): string {
  const remedy = skipRemedies[reason];
  return `${reason}: ${skipReasons[reason]}${remedy === undefined ? "" : `; ${clauseOf(remedy)}`}`;
}

function durationLines({ counts, projects, longestLane }: PlannedReplay, perSecond: number | undefined): string[] {
  const text =
    perSecond === undefined
      ? "as long as the components do"
      : `about ${secondsText(counts.sent / perSecond)} at ${perSecond}/s`;
  const lanes =
    projects === 1
      ? "one project, one by one"
      : `${projects} projects, each one by one, the longest with ${longestLane}`;
  return [`takes    ${text}`, ...(projects === 0 ? [] : [`         ${lanes}`])];
}

function dollarsText(counts: ReplayCounts): string {
  const dollars = replayDollars(counts);
  return dollars < 0.01 ? "less than $0.01" : `about $${dollars.toFixed(2)}`;
}

/** The end of a replay, in a sentence or two. */
export function endLines(replay: Replay): string[] {
  const { name, asked, progress } = replay;
  const { sent, done, dead, open } = progress.counts;
  const failed = progress.failed === true;
  const ended = failed ? "failed" : asked === "cancel" ? "cancelled" : "done";
  const lines = [
    `${name} ${ended}: ${sent} ${sent === 1 ? "delivery" : "deliveries"} sent, ${done} done, ${dead} dead`,
  ];
  if (failed) {
    const again = asked === "cancel" ? "cancel" : "resume";
    lines.push(
      `  why: ${progress.trouble ?? "unknown"}`,
      `  once that is put right: ${commandLine("replay", again, name)}; it goes on from where it had come`,
    );
  } else if (open > 0) lines.push(`  ${open} ${open === 1 ? "goes" : "go"} on as events do that have just arrived`);
  if (dead > 0) {
    const from = replay.window.from.toISOString();
    lines.push(`  the dead: ${commandLine("events", "--replay", name, "--status", "dead", "--from", from)}`);
  }
  const differences = ended === "done" ? differenceLines(replay) : [];
  if (differences.length > 0) lines.push("  not as planned:", ...differences.map((line) => `    ${line}`));
  return lines;
}
