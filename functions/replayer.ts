import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { replayEndedNotice } from "../shared/domain/notices/replay-ended-notice.ts";
import type { ReplayerPorts } from "../shared/flows/replay/replayer-ports.ts";
import { runReplay } from "../shared/flows/replay/run-replay.ts";
import { within } from "./invocation.ts";

/** What is left of the function's time when it begins nothing more; and nothing is begun that may take longer than is left. */
const SPARE_MS = 30_000;

/** Asks for a replay to be driven on; without a name, for all that haven't ended. */
export type ReplayerEvent = { replay?: string };

/** Whether the replay has ended, and if not, in how many seconds it is to be called again; of several the soonest. */
export type ReplayerAnswer = { ended: boolean; waitSeconds: number };

/**
 * The replayer's Lambda handler: drives replays for as long as the function may run, or until they have to wait. It is
 * called for a replay when that is started, and every minute for all of them: one that is driven already is left alone.
 */
export function replayerHandler(ports: ReplayerPorts & { notify: (event: string) => Promise<void> }) {
  return middy<ReplayerEvent, ReplayerAnswer>().handler(async ({ replay }, context: Context) => {
    const names = replay === undefined ? (await ports.replays.active()).map(({ name }) => name) : [replay];
    const own = within(ports, context);
    const mayGoOn = (neededMs: number) => context.getRemainingTimeInMillis() > Math.max(SPARE_MS, neededMs);
    const runs = await Promise.allSettled(names.map((name) => runReplay(own, name, mayGoOn)));
    const ended = names.filter((_, n) => runs[n]?.status === "fulfilled" && runs[n].value.ended);
    await Promise.all(ended.map((name) => tellEnded(ports, name)));
    // One that fails must not end the others; all have come to a stop before it is told.
    for (const run of runs) if (run.status === "rejected") throw run.reason;
    const waits = runs.flatMap((run) => (run.status === "fulfilled" && !run.value.ended ? [run.value.waitMs] : []));
    return { ended: waits.length === 0, waitSeconds: waits.length === 0 ? 0 : Math.min(...waits) / 1_000 };
  });
}

/** Publishes that a replay has ended, if it has; what stands against that is told, and nothing else. */
async function tellEnded(
  { replays, notify, onError, now }: ReplayerPorts & { notify: (event: string) => Promise<void> },
  name: string,
): Promise<void> {
  try {
    const replay = await replays.get(name);
    const notice = replay && replayEndedNotice(replay, now());
    if (notice !== undefined) await notify(notice);
  } catch (error) {
    onError(error);
  }
}
