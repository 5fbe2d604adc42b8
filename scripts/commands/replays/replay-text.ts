import {
  type Replay,
  type ReplayCounts,
  type ReplayRequest,
  type SkipReason,
  skipReasons,
  skipRemedies,
  statusOf,
  type VersionCount,
} from "../../../shared/domain/replays/replay.ts";
import { replayDollars } from "../../../shared/domain/replays/replay-cost.ts";
import { skippedInAll, versionKey } from "../../../shared/domain/replays/replay-counts.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import type { PlannedReplay } from "../../../shared/flows/replay/plan-replay.ts";
import { filterText } from "../events/filter-options.ts";
import { commandLine } from "../terminal/shell-quote.ts";
import { clauseOf } from "../wording/remedy-text.ts";
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

/** E.g. `45 s`, `12 min`, `3 h 20 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const rest = minutes % 60 === 0 ? "" : ` ${minutes % 60} min`;
  return `${Math.floor(minutes / 60)} h${rest}`;
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
  const { stretches, nextPassAt } = replay.progress;
  if (status !== "waiting" || nextPassAt === undefined) return status;
  const at = nextPassAt.toISOString().slice(11, 19);
  const open = stretches.reduce((sum, { waitsFor }) => sum + waitsFor, 0);
  if (open === 0) return `waiting until ${at}, to look again for events that were just arriving`;
  return `waiting until ${at}, for ${open} that ${open === 1 ? "isn't" : "aren't"} at rest`;
}

/** Where what was sent differs from what had been planned, a line each; empty when it doesn't. */
export function differenceLines({ planned, progress }: Replay): string[] {
  const { counts } = progress;
  const [before, after] = [countsByVersion(planned), countsByVersion(counts)];
  const lines: string[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)];
    if (was?.count === is?.count) continue;
    const one = is ?? was;
    if (one === undefined) continue;
    const { component, alias, version } = one;
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

function countsByVersion({ versions }: ReplayCounts): Map<string, VersionCount> {
  return new Map(versions.map((one) => [versionKey(one), one]));
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
