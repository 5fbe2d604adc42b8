import { run } from "graphile-worker";
import { connectionTo, quiet } from "./graphile-worker-peer.ts";

// With the settings that graphile-worker's own performance test uses: jobs fetched and completed in batches.
await run({
  preset: {
    worker: {
      connectionString: connectionTo(process.argv[2] ?? ""),
      concurrentJobs: 24,
      maxPoolSize: 25,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger: quiet,
    },
  },
  taskList: { nothing: async () => {} },
});
process.send?.("ready");
