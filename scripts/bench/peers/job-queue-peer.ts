import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { WARM_UP } from "../embedded-rate.ts";
import { processorSeconds } from "../processor-time.ts";
import type { TemporaryServer } from "./temporary-server.ts";

/** What another job queue gets through, with the same work as Turnout. */
export type PeerFigures = { perSecond: number; processorMsPerEvent: number | undefined };

/** A job queue as the benchmark sees it; its consumers run in a process of their own. */
export type JobQueue = {
  add(jobs: readonly object[]): Promise<void>;
  /** How many jobs are there that haven't been done. */
  open(): Promise<number>;
  close(): Promise<void>;
};

const LANES = 16;
const JOBS_AT_ONCE = 10;

/**
 * Jobs of 1 KB, ten at a time over 16 lanes, for a consumer that does nothing; from the first one sent to the last one
 * done.
 * @param consumer the program that works them off, and is given the server's folder
 */
export async function measurePeer(
  server: TemporaryServer,
  queue: JobQueue,
  consumer: string,
  total: number,
): Promise<PeerFigures> {
  const child = fork(fileURLToPath(new URL(consumer, import.meta.url)), [server.folder]);
  const exited = once(child, "exit");
  await Promise.race([once(child, "message"), exited.then(() => Promise.reject(new Error(`${consumer} has ended`)))]);
  try {
    await run(queue, WARM_UP);
    // The consumer and the server are this process's children.
    const before = processorSeconds([process.pid]);
    const start = performance.now();
    await run(queue, total);
    const seconds = (performance.now() - start) / 1_000;
    const after = processorSeconds([process.pid]);
    const used = before === undefined || after === undefined ? undefined : after - before;
    return { perSecond: total / seconds, processorMsPerEvent: used === undefined ? undefined : (used / total) * 1_000 };
  } finally {
    child.kill("SIGKILL");
    await exited;
    await queue.close();
  }
}

/** A payload of about 1 KB, as Turnout gets it. */
const FILLER = "x".repeat(800);

async function run(queue: JobQueue, total: number): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < total) {
      const first = next;
      next += JOBS_AT_ONCE;
      const count = Math.min(JOBS_AT_ONCE, total - first);
      await queue.add(
        Array.from({ length: count }, (_, index) => ({
          metadata: { customer: `customer-${(first + index) % 1_000}` },
          n: first + index,
          sentAt: Date.now(),
          filler: FILLER,
        })),
      );
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (let open = await queue.open(); open > 0; open = await queue.open()) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(500, 20 + open / 20)));
  }
}
