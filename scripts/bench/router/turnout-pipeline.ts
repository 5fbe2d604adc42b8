import { setTimeout as delay } from "node:timers/promises";
import type { QueuePorts } from "../../../functions/queue-batch.ts";
import { awsDependencies } from "../../../shared/aws-dependencies.ts";
import type { CountedDelivery } from "../../../shared/domain/health/delivery-tally.ts";
import { type DeliveryCounter, withCounter } from "../../../shared/flows/deliver/count-deliveries.ts";
import type { RouterPorts } from "../../../shared/flows/deliver/router-ports.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import type { AwsSettings } from "../../../shared/settings.ts";

/** A deployed router's environment. */
export const turnoutEnvironment = {
  AWS_REGION: "eu-west-1",
  TURNOUT_ROUTING_TABLE: "turnout-bench-routing",
  TURNOUT_EVENT_TABLE: "turnout-bench-events",
  TURNOUT_BODY_BUCKET: "turnout-bench-bodies",
};

/** A deployed router's ports, but that it reports to nobody: what a line of log costs is the logger's. */
export function turnoutPorts(
  settings: AwsSettings,
  queue: QueuePorts["queue"],
  onCounted: (counted: CountedDelivery) => void = () => {},
): RouterPorts & QueuePorts {
  const { routingTable, events, target } = awsDependencies(settings);
  return withCounter({
    routing: routingCache(routingTable),
    events,
    target,
    queue,
    now: () => new Date(),
    random: Math.random,
    newId: () => crypto.randomUUID(),
    // What waits to be counted with more doesn't keep the benchmark from ending.
    delay: (ms: number) => delay(ms, undefined, { ref: ms < 1_000 }),
    report: () => {},
    onCounted,
    onError: (error: unknown) => console.error(error),
  });
}

/** Counts nothing: what counting costs is told beside it. */
export const noCounter: DeliveryCounter = { add: () => {}, settle: async () => {}, flush: async () => {} };

/** On the happy path nothing comes back. */
export const noQueue: QueuePorts["queue"] = {
  changeVisibility: () => Promise.reject(new Error("a message came back to the queue")),
};
