import { join } from "node:path";
import { Queue } from "bullmq";
import { type JobQueue, measurePeer, type PeerFigures } from "./job-queue-peer.ts";
import { startRedis } from "./temporary-server.ts";

export const QUEUE = "bench";

export function connectionTo(folder: string) {
  return { path: join(folder, "redis"), maxRetriesPerRequest: null };
}

/** BullMQ on Redis. Undefined where there is no Redis. */
export async function benchBullmq(jobs: number): Promise<PeerFigures | undefined> {
  const server = await startRedis();
  if (server === undefined) return undefined;
  try {
    return await measurePeer(server, queueOn(server.folder), "./bullmq-consumer.ts", jobs);
  } finally {
    await server.end();
  }
}

function queueOn(folder: string): JobQueue {
  const queue = new Queue(QUEUE, { connection: connectionTo(folder) });
  return {
    async add(jobs) {
      await queue.addBulk(jobs.map((data) => ({ name: "nothing", data, opts: { removeOnComplete: true } })));
    },
    async open() {
      const { waiting = 0, active = 0 } = await queue.getJobCounts("waiting", "active");
      return waiting + active;
    },
    close: () => queue.close(),
  };
}
