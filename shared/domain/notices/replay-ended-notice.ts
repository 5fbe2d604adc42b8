import { isEnded, type Replay, statusOf } from "../replays/replay.ts";
import { finishingCommand, noticeEvent } from "./notice.ts";

/** The event that tells of a replay that has come to its end; undefined for one that hasn't. */
export function replayEndedNotice(replay: Replay, now: Date): string | undefined {
  const { name, progress, window } = replay;
  const { endedAt } = progress;
  if (!isEnded(replay) || endedAt === undefined) return undefined;
  const { sent, done, dead } = progress.counts;
  const command = ["turnout", "replay", "show", name];
  const acts = dead === 0 ? null : finishingCommand("Replay Ended", window.from, window.to, "--replay", name);
  const ended = { status: statusOf(replay, now), sent, done, dead, at: endedAt.toISOString() };
  const detail = { replay: name, ...ended, command, acts };
  return noticeEvent({ type: "Replay Ended", detail }, `${name}-${endedAt.getTime()}`);
}
