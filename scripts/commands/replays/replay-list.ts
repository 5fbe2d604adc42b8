import { isEnded, type Replay, type ReplayStatus, statusOf } from "../../../shared/domain/replays/replay.ts";
import { replayNamed } from "../../../shared/flows/replay/start-replay.ts";
import type { State } from "../../../shared/installation/installation.ts";
import { filterText } from "../events/filter-options.ts";
import { withState } from "../terminal/context.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { replayJson } from "./replay-json.ts";
import {
  differenceLines,
  progressText,
  requestLines,
  skippedLines,
  targetCountText,
  toldCounts,
} from "./replay-text.ts";

export async function listReplays({ json, limit }: JsonOption & { limit: number }): Promise<void> {
  await withState(async (state) => {
    const now = new Date();
    const newest = (await state.replays.list(limit)).reverse();
    if (newest.length === 0) return note("no replays");
    if (json) for (const replay of newest) printJson(replayJson(replay, now));
    else printTable(columns(now), newest);
    noteUnserved(state, newest);
  });
}

const styles: { [status in ReplayStatus]?: "green" | "red" } = { done: "green", failed: "red" };

function columns(now: Date): Column<Replay>[] {
  const count = (title: string, of: (replay: Replay) => number): Column<Replay> => ({
    title,
    text: (replay) => `${of(replay)}`,
    alignRight: true,
  });
  return [
    { title: "REPLAY", text: ({ name }) => name },
    {
      title: "STATUS",
      text: (replay) => statusOf(replay, now),
      style: (replay) => styles[statusOf(replay, now)] ?? "yellow",
    },
    { title: "ASKED FOR", text: ({ requestedAt }) => requestedAt.toISOString().slice(0, 19).replace("T", " ") },
    { title: "MODE", text: ({ mode }) => mode, optional: 2 },
    { title: "FILTER", text: ({ filter }) => filterText(filter), least: 12 },
    count("PLANNED", ({ planned }) => planned.sent),
    count("SENT", (replay) => toldCounts(replay).sent),
    count("DONE", (replay) => toldCounts(replay).done),
    count("DEAD", (replay) => toldCounts(replay).dead),
    { title: "BY", text: ({ who }) => who, optional: 1 },
    { title: "WHY", text: ({ why }) => why, least: 12, optional: 3 },
  ];
}

export async function showReplay(name: string, { json }: JsonOption): Promise<void> {
  await withState(async (state) => {
    const now = new Date();
    const replay = await replayNamed(state.replays, name);
    if (json) printJson(replayJson(replay, now));
    else for (const line of lines(replay, now)) printLine(line);
    noteUnserved(state, [replay]);
  });
}

/** A replay that runs by its own account doesn't when nobody is there to run it. */
function noteUnserved(state: State, replays: readonly Replay[]): void {
  if (replays.every(isEnded) || state.isServed()) return;
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
    ...counts.targets.map((target) => `           ${targetCountText(target)}`),
    ...(differences.length === 0 ? [] : ["not as planned:", ...differences.map((line) => `           ${line}`)]),
  ];
}
