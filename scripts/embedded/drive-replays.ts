import type { Context } from "aws-lambda";
import type { ReplayerAnswer, ReplayerEvent } from "../../functions/replayer.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import { lambdaContext } from "./lambda-context.ts";

/** How often it looks for replays that were started, and for what operators want of those that run. */
const LOOK_EVERY_MS = 200;

/** How long a replay is left alone that failed. */
const PAUSE_MS = 2_000;

export type ReplayDriverOptions = {
  replays: Pick<ReplayStore, "active">;
  handler: (event: ReplayerEvent, context: Context) => Promise<ReplayerAnswer>;
  onError: (error: unknown) => void;
};

/** Calls the replayer for every replay until it has ended; those that fail don't hold the others. */
export function startReplayDriver({ replays, handler, onError }: ReplayDriverOptions): {
  stop(): Promise<void>;
} {
  const running = new Map<string, Promise<void>>();
  /** When each may be called again. */
  const notBefore = new Map<string, number>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function drive(name: string): Promise<void> {
    const context = lambdaContext("turnout-replayer");
    // A stop leaves no time for anything but what is on its way.
    const getRemainingTimeInMillis = () => (stopped ? 0 : context.getRemainingTimeInMillis());
    try {
      const { ended, waitSeconds } = await handler({ replay: name }, { ...context, getRemainingTimeInMillis });
      // A pause or a cancel doesn't wait for the time of the next pass: it is looked for all the while.
      if (ended) notBefore.delete(name);
      else notBefore.set(name, Date.now() + Math.min(waitSeconds * 1_000, LOOK_EVERY_MS));
    } catch (error) {
      onError(error);
      notBefore.set(name, Date.now() + PAUSE_MS);
    }
  }

  async function look(): Promise<void> {
    for (const { name } of await replays.active()) {
      if (stopped || running.has(name) || (notBefore.get(name) ?? 0) > Date.now()) continue;
      running.set(
        name,
        drive(name).finally(() => running.delete(name)),
      );
    }
  }

  let looking: Promise<void> = Promise.resolve();
  const run = () => {
    looking = look()
      .catch(onError)
      .finally(() => {
        if (!stopped) timer = setTimeout(run, LOOK_EVERY_MS);
      });
  };
  run();
  return {
    /** Resolves when what is on its way has ended. */
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
      await Promise.all(running.values());
    },
  };
}
