import type { MiddlewareObj } from "@middy/core";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import type { DeliveryReport } from "../shared/domain/deliveries/delivery-report.ts";
import { deliveryMetrics } from "../shared/domain/health/delivery-metrics.ts";
import type { CountedDelivery } from "../shared/domain/health/delivery-tally.ts";
import { type Metric, metricLine } from "../shared/domain/health/metric-document.ts";

export type MetricsPorts = {
  /** CloudWatch's; undefined: nothing is measured. */
  namespace: string | undefined;
  now: () => Date;
  /** Prints a line to the function's log, where CloudWatch reads it. */
  print: (line: string) => void;
};

/**
 * What a function measures of its invocations, printed once at the end of each: a line for itself, and one for each version
 * of a component that it had to do with. An environment of Lambda works on one invocation at a time.
 */
export function printedMetrics({ namespace, now, print }: MetricsPorts) {
  const deliveries = deliveryMetrics();
  let unreadable = 0;
  let unrouted = 0;

  function printAll(part: string, own: Record<string, Metric>): void {
    if (namespace === undefined) return;
    const { byVersion, inAll } = deliveries.take();
    if (unreadable > 0) inAll.Rejected = count(unreadable + numberOf(inAll.Rejected));
    if (unrouted > 0) inAll.Unrouted = count(unrouted);
    unreadable = unrouted = 0;
    const at = now();
    const lines = [{ dimensions: { part }, metrics: { ...own, ...inAll } }, ...byVersion];
    for (const line of lines) if (Object.keys(line.metrics).length > 0) print(metricLine({ namespace, at, ...line }));
  }

  return {
    counted(delivery: CountedDelivery): void {
      if (namespace !== undefined) deliveries.add(delivery);
    },
    /** Of an event that no component could get, as it can't be read: nothing is counted of it. */
    reported({ component, outcome }: DeliveryReport): void {
      if (component === undefined && outcome === "rejected") unreadable += 1;
    },
    /** Told of messages that go back as nothing could be done with any of their batch, or with their source's. */
    unrouted(messages: number): void {
      unrouted += messages;
    },
    /** Of a function that takes batches from a queue. */
    ofBatches(part: string): MiddlewareObj<SQSEvent, SQSBatchResponse> {
      let waits: number[] = [];
      return {
        before({ event }) {
          const at = now().getTime();
          // Of those that are received for the first time: the others have been waiting on purpose.
          waits = event.Records.flatMap(({ attributes: { ApproximateReceiveCount, SentTimestamp } }) =>
            ApproximateReceiveCount === "1" ? [Math.max(0, at - Number(SentTimestamp))] : [],
          );
        },
        after({ event, response }) {
          const returned = response?.batchItemFailures.length ?? 0;
          printAll(part, {
            Received: count(event.Records.length),
            ...(returned > 0 && { Returned: count(returned) }),
            ...(waits.length > 0 && { QueueWait: { unit: "Milliseconds", value: waits } }),
          });
        },
        onError: () => printAll(part, {}),
      };
    },
    /**
     * Of a function that is called every minute: it beats when it has done its work.
     * @param counted what its answer counts, by the metric's name
     */
    ofBeats<T>(part: string, counted: (answer: T) => Record<string, number> = () => ({})): MiddlewareObj<unknown, T> {
      return {
        after({ response }) {
          const counts = response == null ? {} : counted(response);
          const metrics = Object.entries(counts).map(([name, value]) => [name, count(value)]);
          printAll(part, { Beats: count(1), ...Object.fromEntries(metrics) });
        },
        onError: () => printAll(part, {}),
      };
    },
  };
}

function count(value: number): Metric {
  return { unit: "Count", value };
}

function numberOf(metric: Metric | undefined): number {
  return typeof metric?.value === "number" ? metric.value : 0;
}
