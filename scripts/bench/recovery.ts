import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { setUpConsumer, untilQueueIsEmpty } from "./embedded-rate.ts";
import { publishLoad } from "./publish-load.ts";
import { BATCH } from "./router/sample-batch.ts";
import { recoveryFromThrottles } from "./router/throttled-store.ts";
import { startServer } from "./server.ts";

const EVENTS = 1_000;
/** 200 events a second, so that many are on their way when the trouble begins. */
const SLOW = "export const handler = () => new Promise((resolve) => setTimeout(resolve, 20, null));\n";
const LOCKED_MS = 20_000;
const CONNECTIONS = 8;

export type Recovery = {
  /** `/healthz` while the store was in trouble. */
  health: number;
  /** From the end of the trouble to everything delivered. */
  seconds: number;
};

/** A server with events on their way, whose state file another process then holds for a while. */
export async function recoveryFromLock(events = EVENTS, lockedMs = LOCKED_MS): Promise<Recovery> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    await setUpConsumer(home, SLOW);
    const { url, end } = await startServer(home);
    const entry = (n: number) => ({ Source: "bench", DetailType: "tick", Detail: JSON.stringify({ n }) });
    // What is published meanwhile is refused, and so its publisher's to keep: it is all there before.
    await publishLoad(url, events, entry, { connections: CONNECTIONS });
    const other = new DatabaseSync(join(home, "state.db"), { timeout: 60_000 });
    other.exec("BEGIN IMMEDIATE");
    await delay(lockedMs);
    // It may be waiting for the lock itself, which it gives up after a while.
    const { status: health } = await fetch(`${url}/healthz`);
    other.exec("COMMIT");
    const freed = performance.now();
    other.close();
    await untilQueueIsEmpty(url);
    const seconds = (performance.now() - freed) / 1_000;
    await end("SIGTERM");
    return { health, seconds };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export async function benchRecovery(): Promise<void> {
  console.log(
    `Recovery, embedded: another process holds the state file for ${LOCKED_MS / 1_000} s in the middle of events`,
  );
  const { health, seconds } = await recoveryFromLock();
  console.log(`  health meanwhile ${health}, everything delivered ${seconds.toFixed(1)} s after its end`);
  await printThrottled();
}

async function printThrottled(): Promise<void> {
  console.log(
    `Recovery, routers on DynamoDB Local: it throttles all requests for ${LOCKED_MS / 1_000} s in the middle of events`,
  );
  const recovery = await recoveryFromThrottles(EVENTS / BATCH, LOCKED_MS);
  if (recovery === undefined) return console.log("  not measured: there is no 'java' on the PATH");
  const { seconds, inFlight, sends, events } = recovery;
  console.log(
    `  ${inFlight} messages hidden at its end, everything delivered ${seconds.toFixed(1)} s after it, ${sends} sends of ${events} events`,
  );
}
