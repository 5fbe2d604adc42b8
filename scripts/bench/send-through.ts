import { setTimeout as delay } from "node:timers/promises";
import type { WorkerSettings } from "../../shared/domain/routing/component.ts";
import type { TargetAddress } from "../../shared/domain/routing/target-address.ts";
import type { Target } from "../../shared/targets/target.ts";

/** The event that is sent again and again, of about 1 KB. */
export const PAYLOAD = JSON.stringify({ detail: { filler: "x".repeat(800) } });

/** As a queue does, where there was no room. */
const COMES_BACK_MS = 20;

/** Sends one event past router and store, again where there was no room. @throws where it isn't done */
export async function sendThrough(
  send: Target,
  { address, worker }: { address: TargetAddress; worker: WorkerSettings },
  id: string,
): Promise<void> {
  const result = await send({
    component: "bench-consumer",
    alias: "stable",
    address,
    invocation: { kind: "sync" },
    worker,
    subject: { customer: id },
    payload: PAYLOAD,
    idempotencyKey: id,
    lapses: 0,
    requestId: id,
    timeoutMs: 30_000,
    latestStart: new Date(Date.now() + 60_000),
  });
  if (result.outcome === "throttled") {
    await delay(COMES_BACK_MS);
    return sendThrough(send, { address, worker }, id);
  }
  if (result.outcome !== "done") throw new Error(`an event wasn't done but ${JSON.stringify(result)}`);
}

/** How many a second, with so many under way at once. */
export async function rateOf(total: number, underWay: number, one: (n: number) => Promise<void>): Promise<number> {
  const start = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < total) await one(next++);
  };
  await Promise.all(Array.from({ length: underWay }, lane));
  return (total / (performance.now() - start)) * 1_000;
}
