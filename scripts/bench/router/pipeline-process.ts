import { performance } from "node:perf_hooks";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { report } from "../../../functions/on-aws/function-ports.ts";
import { printedMetrics } from "../../../functions/printed-metrics.ts";
import { routerHandler } from "../../../functions/router.ts";
import type { RouterPorts } from "../../../shared/flows/deliver/router-ports.ts";
import { awsSettings } from "../../../shared/settings.ts";
import type { PipelineName, Round } from "./pipeline.ts";
import { powertoolsHandler } from "./powertools-pipeline.ts";
import { FUNCTION_ARN } from "./routing-items.ts";
import { sampleBatch } from "./sample-batch.ts";
import { noCounter, noQueue, turnoutEnvironment, turnoutPorts } from "./turnout-pipeline.ts";

/**
 * One pipeline in a process of its own, as in one Lambda instance: batch after batch, so that the CPU of the process is
 * the pipeline's. It runs a round whenever it is told a number of batches.
 */
type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/** What it measures is made ready to be printed; the printing itself is the logger's, as with all lines of log. */
function turnoutHandler(other: Partial<Pick<RouterPorts, "report" | "counter">> = {}): Handler {
  const metrics = printedMetrics({ namespace: "bench", now: () => new Date(), print: () => {} });
  const ports = turnoutPorts(awsSettings(turnoutEnvironment), noQueue, metrics.counted);
  return routerHandler({ ...ports, ...other }).use(metrics.ofBatches("router"));
}

const handlers: Record<PipelineName, () => Handler> = {
  turnout: () => turnoutHandler(),
  "turnout with wide lines": () => turnoutHandler({ report }),
  "turnout without counts": () => turnoutHandler({ counter: noCounter }),
  powertools: () =>
    powertoolsHandler({
      tableName: "idempotency-bench",
      functionArn: FUNCTION_ARN,
      region: turnoutEnvironment.AWS_REGION,
    }),
};
const handler = handlers[process.argv[2] as PipelineName]();

// What Lambda's context says that a batch has left; nothing else of it is read.
const context = { getRemainingTimeInMillis: () => 60_000, awsRequestId: "bench", functionName: "bench" } as Context;

async function round(batches: number): Promise<Round> {
  const events = Array.from({ length: batches }, (_, n) => sampleBatch(n));
  const batchMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  for (const event of events) {
    const began = performance.now();
    const { batchItemFailures } = await handler(event, context);
    batchMs.push(performance.now() - began);
    if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} events of a batch came back`);
  }
  const totalMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { batchMs, totalMs, cpuMs: (user + system) / 1_000 };
}

process.on("message", (batches: number) => {
  round(batches).then(
    (done) => process.send?.(done),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// Ends with whoever started it, however that one ends.
process.once("disconnect", () => process.exit());
process.send?.("ready");
