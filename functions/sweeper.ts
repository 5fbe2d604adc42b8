import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { type SweepPorts, type Swept, sweep } from "../shared/flows/deliver/sweep.ts";
import { moveFinisher } from "../shared/flows/versions/finish-moves.ts";
import type { MovePorts } from "../shared/flows/versions/move-alias.ts";

/** What is left of the function's time when it takes nothing more: enough for a page that was begun. */
const SPARE_MS = 10_000;

/** The sweeper's Lambda handler, called on a schedule. */
export function sweeperHandler(ports: SweepPorts) {
  return middy<unknown, Swept>().handler((_event, context: Context) => {
    const leftMs = Math.max(0, context.getRemainingTimeInMillis() - SPARE_MS);
    return sweep(ports, new Date(ports.now().getTime() + leftMs));
  });
}

/** Finishes the moves of aliases that a crash has left, called on a schedule of its own: there are few. */
export function moveSweeperHandler({ now, ...ports }: MovePorts & { now: () => Date }) {
  const finish = moveFinisher(ports);
  return middy<unknown, void>().handler(() => finish(now()));
}
