import { Worker } from "bullmq";
import { connectionTo, QUEUE } from "./bullmq-peer.ts";

const connection = connectionTo(process.argv[2] ?? "");
const worker = new Worker(QUEUE, async () => null, { connection, concurrency: 50 });
await worker.waitUntilReady();
process.send?.("ready");
