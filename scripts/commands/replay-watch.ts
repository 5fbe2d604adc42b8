import { setTimeout as delay } from "node:timers/promises";
import { isEnded, type Replay, statusOf } from "../../shared/domain/replay.ts";
import { replayNamed } from "../../shared/flows/start-replay.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import { withState } from "./context.ts";
import { endPartlyDone, exitCodes } from "./exit-codes.ts";
import type { JsonOption } from "./options.ts";
import { note, printJson, printLine } from "./output.ts";
import { progressLine } from "./progress.ts";
import { endLines, progressText, replayJson, secondsText, statusText, toldCounts } from "./replay-text.ts";
import { commandLine } from "./shell-quote.ts";

const LOOK_EVERY_MS = 200;

/** How often a line is printed where there is no terminal to draw a bar on. */
const LINE_EVERY_MS = 5_000;

/** The rate that is shown is that of the last so many ms. */
const RATE_OVER_MS = 5_000;

export async function watchNamed(name: string, { json }: JsonOption): Promise<void> {
  await withState(({ replays }) => watch(replays, name, json === true));
}

/**
 * Shows how far a replay is until it has ended. Ctrl-C ends the watching, not the replay.
 * @throws TurnoutError `not found`
 */
export async function watch(replays: Pick<ReplayStore, "get" | "list">, name: string, json: boolean): Promise<void> {
  const detach = () => {
    process.stderr.write("\n");
    note(
      `${name} goes on. Watch it again with '${commandLine("replay", "watch", name)}', or cancel it with '${commandLine("replay", "cancel", name)}'.`,
    );
    process.exit(exitCodes.interrupted);
  };
  process.removeAllListeners("SIGINT");
  process.once("SIGINT", detach);
  const show = json ? jsonLines() : process.stderr.isTTY === true ? bar() : lines();
  for (;;) {
    const replay = await replayNamed(replays, name);
    show.tell(replay, new Date());
    if (isEnded(replay)) return finish(replay, show, json);
    await delay(LOOK_EVERY_MS);
  }
}

function finish(replay: Replay, show: Shown, json: boolean): void {
  show.end();
  if (!json) for (const line of endLines(replay)) printLine(line);
  if (replay.progress.counts.dead > 0 || replay.asked === "cancel") endPartlyDone();
}

type Shown = { tell(replay: Replay, now: Date): void; end(): void };

/** A bar with counts, rate and time left, drawn again and again. */
function bar(): Shown {
  const rateOf = rateMeter();
  let widest = 0;
  return {
    tell(replay, now) {
      const { sent, done, dead, open } = toldCounts(replay);
      const perSecond = rateOf(sent, now);
      const total = Math.max(replay.planned.sent, sent);
      const left = perSecond > 0 && sent < total ? `, ${secondsText((total - sent) / perSecond)} left` : "";
      const states = `${done} done, ${dead} dead, ${open} open`;
      const status = statusOf(replay, now);
      const shown = status === "running" ? `${Math.round(perSecond)}/s${left}` : statusText(replay, now);
      const trouble = replay.progress.trouble === undefined ? "" : `; trouble: ${replay.progress.trouble}`;
      const line = `${progressLine(sent, Math.max(1, total), "sent")}  ${states}  ${shown}${trouble}`;
      const width = process.stderr.columns ?? 80;
      widest = Math.max(widest, line.length);
      process.stderr.write(`\r${line.padEnd(widest).slice(0, width - 1)}`);
    },
    end: () => void process.stderr.write("\n"),
  };
}

/** A line now and then, and whenever the status has changed. */
function lines(): Shown {
  let told = 0;
  let before = "";
  return {
    tell(replay, now) {
      const status = statusOf(replay, now);
      if (status === before && now.getTime() - told < LINE_EVERY_MS) return;
      told = now.getTime();
      before = status;
      note(progressText(replay, now));
    },
    end: () => {},
  };
}

/** A line of JSON whenever something has changed. */
function jsonLines(): Shown {
  let before = "";
  return {
    tell(replay, now) {
      const json = replayJson(replay, now);
      const text = JSON.stringify(json);
      if (text !== before) printJson(json);
      before = text;
    },
    end: () => {},
  };
}

/** Deliveries per second over the last seconds. */
function rateMeter(): (sent: number, now: Date) => number {
  const samples: { at: number; sent: number }[] = [];
  return (sent, now) => {
    samples.push({ at: now.getTime(), sent });
    while (samples.length > 2 && now.getTime() - (samples[0]?.at ?? 0) > RATE_OVER_MS) samples.shift();
    const [first] = samples;
    const elapsedMs = now.getTime() - (first?.at ?? now.getTime());
    return elapsedMs === 0 ? 0 : ((sent - (first?.sent ?? sent)) * 1_000) / elapsedMs;
  };
}
