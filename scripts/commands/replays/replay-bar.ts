import { type Replay, statusOf } from "../../../shared/domain/replays/replay.ts";
import { secondsText, statusText, toldCounts } from "../../../shared/domain/replays/replay-told.ts";
import { printable } from "../../../shared/domain/text/printable.ts";

/** Characters of a bar, at most and at least; where there is no room for those, there is none. */
const WIDEST = 30;
const NARROWEST = 8;

/** The rate that is shown is that of the last so many ms. */
const RATE_OVER_MS = 5_000;

/**
 * E.g. `[######--------]  43 %  52 of 120 sent, 50 done, 2 dead  20/s, 4 s left`, in so many columns: the bar gives way
 * first, then what is to the right of it is cut.
 */
export function barLine(replay: Replay, perSecond: number, now: Date, columns: number): string {
  const { sent, done, dead, open } = toldCounts(replay);
  const total = Math.max(replay.planned.sent, sent, 1);
  const percent = `${Math.floor((sent / total) * 100)}`.padStart(3);
  const states = [`${done} done`, dead > 0 ? `${dead} dead` : "", open > 0 ? `${open} open` : ""].filter(Boolean);
  const trouble = replay.progress.trouble === undefined ? "" : `; trouble: ${replay.progress.trouble}`;
  const text = printable(
    `${percent} %  ${sent} of ${total} sent, ${states.join(", ")}  ${standing(replay, perSecond, total - sent, now)}${trouble}`,
  );
  const width = Math.min(WIDEST, columns - text.length - "[] ".length);
  if (width < NARROWEST) return text.slice(0, columns);
  const filled = Math.floor((sent / total) * width);
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${text}`;
}

function standing(replay: Replay, perSecond: number, left: number, now: Date): string {
  if (statusOf(replay, now) !== "running") return statusText(replay, now);
  if (replay.progress.pass > 1) return "looking again";
  const rate = `${Math.round(perSecond)}/s`;
  return perSecond > 0 && left > 0 ? `${rate}, ${secondsText(left / perSecond)} left` : rate;
}

/** Deliveries per second over the last seconds, of a replay that is looked at again and again. */
export function rateMeter(): (replay: Replay, now: Date) => number {
  const samples: { at: number; sent: number }[] = [];
  return (replay, now) => {
    const { sent } = toldCounts(replay);
    samples.push({ at: now.getTime(), sent });
    while (samples.length > 2 && now.getTime() - (samples[0]?.at ?? 0) > RATE_OVER_MS) samples.shift();
    const [first] = samples;
    const elapsedMs = now.getTime() - (first?.at ?? now.getTime());
    return elapsedMs === 0 ? 0 : ((sent - (first?.sent ?? sent)) * 1_000) / elapsedMs;
  };
}
