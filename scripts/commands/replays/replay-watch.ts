import { setTimeout as delay } from "node:timers/promises";
import { isEnded, type Replay, statusOf } from "../../../shared/domain/replays/replay.ts";
import { progressText } from "../../../shared/domain/replays/replay-told.ts";
import { replayNamed } from "../../../shared/flows/replay/start-replay.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { withInstallation } from "../terminal/context.ts";
import { endPartlyDone, exitCodes } from "../terminal/exit-codes.ts";
import { onCtrlC } from "../terminal/on-ctrl-c.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { barLine, rateMeter } from "./replay-bar.ts";
import { replayJson } from "./replay-json.ts";
import { endLines } from "./replay-text.ts";

const LOOK_EVERY_MS = 200;

/** How often it is looked whether a server runs, which touches its lock. */
const LOOK_FOR_SERVER_EVERY_MS = 2_000;

/** How often a line is printed where there is no terminal to draw a bar on. */
const LINE_EVERY_MS = 5_000;

export async function watchNamed(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation((installation) => watch(installation, name, json === true));
}

/**
 * Shows how far a replay is until it has ended. Ctrl-C ends the watching, not the replay.
 * @throws TurnoutError `not found`
 */
export async function watch(installation: Installation, name: string, json: boolean): Promise<void> {
  const stopListening = onCtrlC(() => {
    if (process.stderr.isTTY === true) process.stderr.write("\n");
    const [again, cancel] = ["watch", "cancel"].map((what) => commandLine("replay", what, name));
    note(`${name} goes on. Watch it again with '${again}', or cancel it with '${cancel}'.`);
    process.exit(exitCodes.interrupted);
  });
  const show = json ? jsonLines() : process.stderr.isTTY === true ? bar() : lines();
  const serverWatch = noteNoServer(installation, show);
  try {
    for (;;) {
      const replay = await replayNamed(installation.replays, name);
      if (isEnded(replay)) return finish(replay, show, json);
      show.tell(replay, new Date());
      serverWatch(Date.now());
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    stopListening();
  }
}

/** Without a server nothing moves, and it doesn't say so itself. */
function noteNoServer(installation: Installation, show: Shown): (nowMs: number) => void {
  let lookedAt = 0;
  let missing = false;
  return (nowMs) => {
    if (nowMs - lookedAt < LOOK_FOR_SERVER_EVERY_MS) return;
    lookedAt = nowMs;
    const isMissing = !installation.isServed();
    if (isMissing && !missing) {
      show.leave();
      note("no server runs here: it goes on when one does ('npm start')");
    }
    missing = isMissing;
  };
}

function finish(replay: Replay, show: Shown, json: boolean): void {
  if (json) show.tell(replay, new Date());
  else {
    show.end(replay, new Date());
    for (const line of endLines(replay)) printLine(line);
  }
  const { counts, failed } = replay.progress;
  if (counts.dead > 0 || replay.asked === "cancel" || failed) endPartlyDone();
}

type Shown = {
  tell(replay: Replay, now: Date): void;
  /** Goes to a new line, for something else to be said. */
  leave(): void;
  end(replay: Replay, now: Date): void;
};

/** A bar with counts, rate and time left, drawn again and again. */
function bar(): Shown {
  const rateOf = rateMeter();
  let drawn = false;
  let before = 0;
  const shown: Shown = {
    tell(replay, now) {
      const columns = process.stderr.columns ?? 80;
      const line = barLine(replay, rateOf(replay, now), now, columns - 1);
      process.stderr.write(`\r${line.padEnd(Math.min(before, columns - 1))}`);
      before = line.length;
      drawn = true;
    },
    leave() {
      if (drawn) process.stderr.write("\n");
      drawn = false;
    },
    end(replay, now) {
      // What had ended before it was watched has no way to go.
      if (drawn) shown.tell(replay, now);
      shown.leave();
    },
  };
  return shown;
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
    leave: () => {},
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
    leave: () => {},
    end: () => {},
  };
}
