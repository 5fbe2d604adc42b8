import { Logger, makeWorkerUtils } from "graphile-worker";
import { type JobQueue, measurePeer, type PeerFigures } from "./job-queue-peer.ts";
import { startPostgres } from "./temporary-server.ts";

export const quiet = new Logger(() => () => {});

export function connectionTo(folder: string): string {
  return `postgres://bench@/postgres?host=${encodeURIComponent(folder)}`;
}

/** graphile-worker on PostgreSQL. Undefined where there is no PostgreSQL. */
export async function benchGraphileWorker(jobs: number): Promise<PeerFigures | undefined> {
  const server = await startPostgres();
  if (server === undefined) return undefined;
  try {
    return await measurePeer(server, await queueOn(server.folder), "./graphile-worker-consumer.ts", jobs);
  } finally {
    await server.end();
  }
}

async function queueOn(folder: string): Promise<JobQueue> {
  const utils = await makeWorkerUtils({ connectionString: connectionTo(folder), maxPoolSize: 16, logger: quiet });
  await utils.migrate();
  return {
    async add(jobs) {
      await utils.addJobs(jobs.map((payload) => ({ identifier: "nothing", payload })));
    },
    open: () =>
      utils.withPgClient(async (client) => {
        const { rows } = await client.query<{ open: string }>(
          "SELECT count(*) AS open FROM graphile_worker._private_jobs",
        );
        return Number(rows[0]?.open);
      }),
    close: async () => utils.release(),
  };
}
