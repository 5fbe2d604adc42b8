import { isEnded, type Replay, type ReplayStatus, statusOf } from "../../../shared/domain/replays/replay.ts";
import { differenceLines, progressText, toldCounts } from "../../../shared/domain/replays/replay-told.ts";
import { readableReplays, UnreadableReplay } from "../../../shared/domain/replays/unreadable-replay.ts";
import { replayNamed } from "../../../shared/flows/replay/start-replay.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { filterText } from "../events/filter-options.ts";
import { withInstallation } from "../terminal/context.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { replayJson } from "./replay-json.ts";
import { requestLines, skippedLines, versionCountText } from "./replay-text.ts";

export async function listReplays({ json, limit }: JsonOption & { limit: number }): Promise<void> {
  await withInstallation(async (installation) => {
    const now = new Date();
    const newest = (await installation.replays.list(limit)).reverse();
    if (newest.length === 0) return note("no replays");
    if (json) for (const replay of newest) printJson(listedJson(replay, now));
    else printTable(columns(now), newest);
    for (const one of newest) {
      if (one instanceof UnreadableReplay) note(`${one.name} can't be read, and nobody runs it: ${one.problem}`);
    }
    noteUnserved(installation, readableReplays(newest));
  });
}

const styles: { [status in ReplayStatus | "unreadable"]?: "green" | "red" } = {
  done: "green",
  failed: "red",
  unreadable: "red",
};

type Listed = Replay | UnreadableReplay;

function listedJson(replay: Listed, now: Date) {
  if (!(replay instanceof UnreadableReplay)) return replayJson(replay, now);
  const { name, requestedAt, problem } = replay;
  return { replay: name, status: "unreadable", requested_at: requestedAt.toISOString(), problem };
}

function columns(now: Date): Column<Listed>[] {
  const known = (of: (replay: Replay) => string) => (replay: Listed) =>
    replay instanceof UnreadableReplay ? "" : of(replay);
  const count = (title: string, of: (replay: Replay) => number): Column<Listed> => ({
    title,
    text: known((replay) => `${of(replay)}`),
    alignRight: true,
  });
  const status = (replay: Listed) => (replay instanceof UnreadableReplay ? "unreadable" : statusOf(replay, now));
  return [
    { title: "REPLAY", text: ({ name }) => name },
    {
      title: "STATUS",
      text: status,
      style: (replay) => styles[status(replay)] ?? "yellow",
    },
    { title: "ASKED FOR", text: ({ requestedAt }) => requestedAt.toISOString().slice(0, 19).replace("T", " ") },
    { title: "MODE", text: known(({ mode }) => mode), optional: 2 },
    { title: "FILTER", text: known(({ filter }) => filterText(filter)), least: 12 },
    count("PLANNED", ({ planned }) => planned.sent),
    count("SENT", (replay) => toldCounts(replay).sent),
    count("DONE", (replay) => toldCounts(replay).done),
    count("DEAD", (replay) => toldCounts(replay).dead),
    { title: "BY", text: known(({ who }) => who), optional: 1 },
    { title: "WHY", text: known(({ why }) => why), least: 12, optional: 3 },
  ];
}

export async function showReplay(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async (installation) => {
    const now = new Date();
    const replay = await replayNamed(installation.replays, name);
    if (json) printJson(replayJson(replay, now));
    else for (const line of lines(replay, now)) printLine(line);
    noteUnserved(installation, [replay]);
  });
}

/** A replay that runs by its own account doesn't when nobody is there to run it. */
function noteUnserved(installation: Installation, replays: readonly Replay[]): void {
  if (replays.every(isEnded) || installation.isServed()) return;
  note("no server runs here: what hasn't ended goes on when one does ('npm start')");
}

function lines(replay: Replay, now: Date): string[] {
  const { who, why, command, requestedAt, progress, asked, askedBy, ratePerSecond, concurrency } = replay;
  const counts = toldCounts(replay);
  const time = (title: string, at: Date | undefined) =>
    at === undefined ? [] : [`${title.padEnd(9)}${at.toISOString()}`];
  const asking =
    askedBy === undefined
      ? []
      : [`asked    to ${asked}, at ${askedBy.at} by ${askedBy.who}${askedBy.why && `: ${askedBy.why}`}`];
  const differences = statusOf(replay, now) === "done" ? differenceLines(replay) : [];
  return [
    `replay ${replay.name}`,
    `by       ${who}`,
    `why      ${why}`,
    `command  ${command}`,
    ...requestLines(replay),
    `rate     ${ratePerSecond === undefined ? "unlimited" : `${ratePerSecond}/s`}, ${concurrency} at once`,
    `status   ${progressText(replay, now)}`,
    ...asking,
    ...time("queued", requestedAt),
    ...time("began", progress.startedAt),
    ...time("sending", progress.firstSentAt),
    ...time("ended", progress.endedAt),
    `matched  ${counts.matched}, of ${counts.scanned} stored events in the window`,
    ...skippedLines(counts),
    `sent     ${counts.sent}, ${counts.done} done, ${counts.dead} dead, ${counts.open} open`,
    ...counts.versions.map((one) => `           ${versionCountText(one)}`),
    ...(differences.length === 0 ? [] : ["not as planned:", ...differences.map((line) => `           ${line}`)]),
  ];
}
