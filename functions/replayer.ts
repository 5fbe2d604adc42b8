import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { type ReplayerPorts, runReplay } from "../shared/flows/run-replay.ts";

/** What is left of the function's time when it begins nothing more: a batch that was begun may take a component's longest. */
const SPARE_MS = 30_000;

/** Asks for a replay to be driven on. */
export type ReplayerEvent = { replay: string };

/** Whether it has ended, and if not, in how many seconds it is to be called again. */
export type ReplayerAnswer = { replay: string; ended: boolean; waitSeconds: number };

/**
 * The replayer's Lambda handler: drives one replay for as long as the function may run, or until it has to wait. Whoever
 * calls it does so again and again, with what it answered, until the replay has ended.
 */
export function replayerHandler(ports: ReplayerPorts) {
  return middy<ReplayerEvent, ReplayerAnswer>().handler(async ({ replay }, context: Context) => {
    const run = await runReplay(ports, replay, () => context.getRemainingTimeInMillis() > SPARE_MS);
    return { replay, ended: run.ended, waitSeconds: run.ended ? 0 : run.waitMs / 1_000 };
  });
}
