import middy from "@middy/core";
import type { HealthPorts } from "../shared/flows/watch/health.ts";
import { type WatchedFigures, watchedFigures } from "../shared/flows/watch/watched-figures.ts";

/** The watcher's Lambda handler, called on a schedule: judges versions as `health` does, for alarms to ring by. */
export function watcherHandler({ now, ...ports }: HealthPorts & { now: () => Date }) {
  return middy<unknown, WatchedFigures>().handler(() => watchedFigures(ports, now()));
}
