import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WorkerSettings } from "../../shared/domain/routing/component.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { findWalls } from "../../shared/targets/worker/host-walls.ts";
import { startThread, type ThreadJob } from "../../shared/targets/worker/worker-sandbox.ts";
import { workerTarget } from "../../shared/targets/worker/worker-target.ts";
import { setUpConsumer } from "./embedded-rate.ts";
import { medianOf } from "./router/median.ts";
import { PAYLOAD, rateOf, sendThrough } from "./send-through.ts";

const STARTS = 7;
const EVENTS = 20_000;
const THREADS = 4;
/** Events under way at once, as in a router with as much to do as it takes. */
const UNDER_WAY = 160;

const WORKER = WorkerSettings.parse({ concurrency: THREADS });
const WORKERS = { address: { kind: "worker" }, worker: WORKER } as const;

/**
 * What a version costs that runs in a process of its own: time from its first event to the answer, memory, and events per
 * second beside those of threads in the router's own process, which have no walls.
 */
export async function benchHosts(): Promise<void> {
  console.log("A version in a host, a process of its own with 4 threads, beside threads in the router's process");
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const state = openEmbeddedState(home, { create: true });
  try {
    await setUpConsumer(home);
    await printHosts(state);
    await printThreads(state);
  } finally {
    state.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function printHosts(state: EmbeddedState): Promise<void> {
  const walls = await findWalls();
  const starts: number[] = [];
  for (let n = 0; n < STARTS; n++) {
    const options = { resolve: state.catalog.resolve, logs: state.logs, now: () => new Date(), walls };
    const target = workerTarget(options);
    const start = performance.now();
    await sendThrough(target.send, WORKERS, "first");
    starts.push(performance.now() - start);
    if (n === STARTS - 1) {
      const one = residentMb();
      await rateOf(UNDER_WAY, UNDER_WAY, (m) => sendThrough(target.send, WORKERS, `warm-${m}`));
      const rate = await rateOf(EVENTS, UNDER_WAY, (m) => sendThrough(target.send, WORKERS, `event-${m}`));
      console.log(`  host: first event answered after ${Math.round(medianOf(starts))} ms (median of ${STARTS})`);
      console.log(`  host: ${one} MB with one thread, ${residentMb()} MB with ${THREADS} after ${EVENTS} events`);
      console.log(`  host: ${Math.round(rate)} events/s`);
    }
    await target.close();
  }
}

async function printThreads(state: EmbeddedState): Promise<void> {
  const code = state.catalog.resolve("bench-consumer", "stable");
  if (code === undefined) throw new Error("there is no version");
  const start = performance.now();
  const threads = Array.from({ length: THREADS }, () =>
    startThread({
      code: { component: "bench-consumer", memoryMb: WORKER.memoryMb, ...code },
      initTimeoutMs: 10_000,
      log: { take: (output) => void output.resume(), note: () => {} },
      now: () => new Date(),
      onStuck: () => {},
    }),
  );
  await threads[0]?.loaded;
  const started = performance.now() - start;
  await Promise.all(threads.map(({ loaded }) => loaded));
  const free = [...threads];
  const payload = Buffer.from(PAYLOAD);
  const waiting: ((thread: (typeof threads)[number]) => void)[] = [];
  const rate = await rateOf(EVENTS, UNDER_WAY, async (n) => {
    const thread = free.pop() ?? (await new Promise<(typeof threads)[number]>((resolve) => waiting.push(resolve)));
    const job: ThreadJob = { payload, requestId: `event-${n}`, alias: "stable", timeoutMs: 30_000 };
    await new Promise((resolve) => thread.invoke(job, resolve));
    const next = waiting.shift();
    if (next === undefined) free.push(thread);
    else next(thread);
  });
  console.log(`  threads alone: the first one ready after ${Math.round(started)} ms, ${Math.round(rate)} events/s`);
  for (const thread of threads) thread.stop();
  await Promise.all(threads.map(({ ended }) => ended));
}

/** Of the host, the largest process that this one has started, in MB; `?` where there is no `/proc`. */
function residentMb(): number | "?" {
  try {
    const parents = new Map<number, number>();
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      const status = readStatus(name);
      if (status !== undefined) parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]));
    }
    const isOurs = (pid: number): boolean => {
      const parent = parents.get(pid);
      return parent !== undefined && (parent === process.pid || isOurs(parent));
    };
    const kilobytes = [...parents.keys()]
      .filter(isOurs)
      .map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readStatus(String(pid)) ?? "")?.[1] ?? 0));
    return Math.round(Math.max(0, ...kilobytes) / 1_024);
  } catch {
    return "?";
  }
}

function readStatus(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
