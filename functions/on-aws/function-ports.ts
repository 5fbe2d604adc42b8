import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { awsDependencies } from "../../shared/aws-dependencies.ts";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import { wideLine } from "../../shared/domain/deliveries/wide-line.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { withCircuitBreakers } from "../../shared/flows/deliver/circuit-breakers.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { awsSettings } from "../../shared/settings.ts";
import { deadNotices } from "../dead-notices.ts";
import { printedMetrics } from "../printed-metrics.ts";

/** One line of JSON per error, for CloudWatch; what to do stands in it as values. */
export function onError(error: unknown): void {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const remedies = error instanceof TurnoutError && error.remedies.length > 0 ? error.remedies : undefined;
  console.error(JSON.stringify({ level: "ERROR", error: { type: name, message, stack, remedies } }));
}

/** Not by the console, to which Lambda adds words of its own. */
function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One line of JSON per delivery. */
export function report(delivery: DeliveryReport): void {
  const line = wideLine(delivery);
  if (line !== undefined) print(JSON.stringify(line));
}

/** What the functions of one environment share, made once per Lambda environment and kept for its life. */
export function functionPorts() {
  const settings = awsSettings(process.env);
  const aws = awsDependencies(settings);
  const now = () => new Date();
  const metrics = printedMetrics({ namespace: settings.metrics, now, print });
  const notices = deadNotices({ notify: aws.notify, onError });
  const router = withCounter({
    routing: routingCache(aws.routingTable, { readLeases: aws.laptops.leases }),
    events: aws.events,
    target: withCircuitBreakers(aws.target, { now, random: Math.random }),
    now,
    random: Math.random,
    newId: randomUUID,
    delay: (ms: number) => delay(ms),
    report(delivery: DeliveryReport) {
      report(delivery);
      metrics.reported(delivery);
      notices.reported(delivery);
    },
    onCounted: metrics.counted,
    onUnrouted: metrics.unrouted,
    onError,
  });
  return { settings, aws, now, router, metrics, notices };
}
