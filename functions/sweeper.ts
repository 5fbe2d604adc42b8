import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { type SweepPorts, type Swept, sweep } from "../shared/flows/deliver/sweep.ts";
import { type InboxPorts, sweepInboxes } from "../shared/flows/listen/sweep-inboxes.ts";
import { moveFinisher } from "../shared/flows/versions/finish-moves.ts";
import type { MovePorts } from "../shared/flows/versions/move-alias.ts";

/** What is left of the function's time when it takes nothing more: enough for a page that was begun. */
const SPARE_MS = 10_000;

/** What a laptop that is gone has left is due by the time that it is looked for what is due. */
export type SweeperPorts = SweepPorts & InboxPorts & { onError: (error: unknown) => void };

/** The sweeper's Lambda handler, called on a schedule. */
export function sweeperHandler(ports: SweeperPorts) {
  return middy<unknown, Swept>().handler(async (_event, context: Context) => {
    const leftMs = Math.max(0, context.getRemainingTimeInMillis() - SPARE_MS);
    const until = new Date(ports.now().getTime() + leftMs);
    // Whatever is wrong with an inbox, nobody else waits for it.
    await sweepInboxes(ports).catch(ports.onError);
    return sweep(ports, until);
  });
}

/** Finishes the moves of aliases that a crash has left, called on a schedule of its own: there are few. */
export function moveSweeperHandler({ now, ...ports }: MovePorts & { now: () => Date }) {
  const finish = moveFinisher(ports);
  return middy<unknown, void>().handler(() => finish(now()));
}
