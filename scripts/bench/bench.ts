import { parseArgs } from "node:util";
import { benchConsole } from "./console-screens.ts";
import { benchDecisions } from "./decisions.ts";
import { benchEmbedded } from "./embedded-rate.ts";
import { benchFailingCustomer } from "./failing-customer.ts";
import { benchFairness } from "./fairness.ts";
import { benchHealing } from "./healing.ts";
import { benchHealth } from "./health-look.ts";
import { benchHosts } from "./hosts.ts";
import { benchImportRate } from "./import-rate.ts";
import { benchListening } from "./listening.ts";
import { benchBullmq } from "./peers/bullmq-peer.ts";
import { benchGraphileWorker } from "./peers/graphile-worker-peer.ts";
import type { PeerFigures } from "./peers/job-queue-peer.ts";
import { benchRecovery } from "./recovery.ts";
import { benchReplayBesideLive } from "./replay-beside-live.ts";
import { benchReplays } from "./replay-rate.ts";
import { benchReplayScan } from "./replay-scan.ts";
import { benchBundles } from "./router/bundle-sizes.ts";
import { benchCapacity } from "./router/capacity.ts";
import { benchPipelines } from "./router/compare-pipelines.ts";
import { medianOf } from "./router/median.ts";
import { benchRoutingMemory } from "./routing-memory.ts";
import { benchRoutingRequests } from "./routing-requests.ts";
import { benchTargetKinds } from "./target-kinds.ts";
import { benchTelemetry } from "./telemetry-rate.ts";

type Part = { about: string; run: () => Promise<void> };

/** Every figure of the design's budget table that can be measured so far, in this order. */
const parts: { [name: string]: Part } = {
  decisions: { about: "decisions per second beside a plain Map", run: printDecisions },
  embedded: { about: "events per second and latency, beside other job queues", run: printEmbedded },
  targets: { about: "events a second by kind of target", run: benchTargetKinds },
  hosts: { about: "start, memory and rate of a version's process", run: benchHosts },
  telemetry: { about: "the embedded server with OpenTelemetry on and off", run: benchTelemetry },
  fairness: { about: "latency of quiet customers beside noisy ones", run: benchFairness },
  recovery: { about: "from the end of a store's trouble to all delivered", run: benchRecovery },
  pipelines: { about: "the router beside Powertools batch + idempotency", run: benchPipelines },
  capacity: { about: "DynamoDB units per event", run: benchCapacity },
  bundles: { about: "the router's size and import time", run: benchBundles },
  health: { about: "health over 100,000 and 1,000,000 deliveries", run: benchHealth },
  console: { about: "server time and size of the console's screens", run: benchConsole },
  healing: { about: "from a bad version's first failure to all done again", run: benchHealing },
  failures: { about: "how soon failures names whom a version fails for", run: benchFailingCustomer },
  listen: { about: "a listener's latency, and how soon what it leaves is done", run: benchListening },
  "routing-requests": { about: "routing requests per batch", run: benchRoutingRequests },
  import: { about: "rows per second of a directory import", run: benchImportRate },
  "routing-memory": { about: "memory of a routing cache, a million customers", run: benchRoutingMemory },
  replay: { about: "a replay of 100,000 records, embedded", run: benchReplays },
  "replay-beside-live": { about: "live latency beside a replay, and kills", run: benchReplayBesideLive },
  "replay-scan": { about: "a replay's reads and writes on DynamoDB Local", run: benchReplayScan },
};

const names = Object.keys(parts);
const help = `Usage: npm run bench -- [PART...]

Measures the design's budgets and prints each figure beside its budget. Without a PART all of them.

${names.map((name) => `  ${name.padEnd(20)} ${parts[name]?.about}`).join("\n")}
`;

async function printDecisions(): Promise<void> {
  console.log(
    "Decisions, 100,000 pinned customers, one core (budget: 0.4 of a plain Map and murmur3, trace on or off)",
  );
  const [baseline, ...decided] = benchDecisions();
  if (baseline === undefined) throw new Error("no baseline");
  console.log(`  ${baseline.name}: ${round(baseline.perSecond)}/s`);
  for (const { name, perSecond } of decided) {
    console.log(`  ${name}: ${round(perSecond)}/s, ${(perSecond / baseline.perSecond).toFixed(2)} of the plain Map`);
  }
}

/** Events, and jobs of each peer, in one round. */
const FLAT_OUT = 20_000;

/** Turnout and its peers take turns so often, and the middle one of what came out counts: machines have moods. */
const ROUNDS = 5;

async function printEmbedded(): Promise<void> {
  console.log(
    "Embedded, end to end, durable, bodies of 1 KB, ten at a time over 16 lanes, a consumer that does nothing\n" +
      `(budget: 1.5 of graphile-worker in this run; p99 ≤ 50 ms at 1,000/s); the medians of ${ROUNDS} rounds in turns`,
  );
  const peers: [string, string, (jobs: number) => Promise<PeerFigures | undefined>][] = [
    ["graphile-worker 0.17 on PostgreSQL", "postgresql-15", benchGraphileWorker],
    ["BullMQ 6 on Redis, fsync always", "redis-server", benchBullmq],
  ];
  const rounds: { turnout: PeerFigures; others: (PeerFigures | undefined)[] }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const turnout = await benchEmbedded(FLAT_OUT);
    const others: (PeerFigures | undefined)[] = [];
    for (const [, , bench] of peers) others.push(await bench(FLAT_OUT));
    rounds.push({ turnout, others });
  }
  printRate(
    "Turnout, as fast as it goes",
    rounds.map(({ turnout }) => turnout),
  );
  for (const [index, [name, debianPackage]] of peers.entries()) {
    const both = rounds.flatMap(({ turnout, others }) => {
      const other = others[index];
      return other === undefined ? [] : [{ turnout, other }];
    });
    if (both.length === 0) {
      console.log(`  ${name}: not measured, it isn't here (apt-get install ${debianPackage})`);
      continue;
    }
    printRate(
      name,
      both.map(({ other }) => other),
    );
    const inTime = both.map(({ turnout, other }) => turnout.perSecond / other.perSecond);
    const inWork = both.map(
      ({ turnout, other }) => (other.processorMsPerEvent ?? 0) / (turnout.processorMsPerEvent ?? 0),
    );
    console.log(
      `    Turnout gets through ${spread(inTime)} of that per second, ${spread(inWork)} per second of processor time`,
    );
  }
  const steady = await benchEmbedded(10_000, 1_000);
  console.log(
    `  Turnout at a steady 1,000/s: ${round(steady.perSecond)}/s, p50 ${steady.p50} ms, p99 ${steady.p99} ms, max ${steady.max} ms`,
  );
}

function printRate(name: string, figures: readonly PeerFigures[]): void {
  const perSecond = medianOf(figures.map((one) => one.perSecond));
  const ms = medianOf(figures.map(({ processorMsPerEvent }) => processorMsPerEvent ?? Number.NaN));
  console.log(`  ${name}: ${round(perSecond)}/s, ${ms.toFixed(3)} ms of processor time per event`);
}

/** The median, and the least and the most. */
function spread(ratios: readonly number[]): string {
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
  return `${medianOf(ratios).toFixed(2)} (${least} to ${most})`;
}

function round(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** The parts that are asked for; none where the answer is a text. */
function chosen(): string[] {
  try {
    const options = { help: { type: "boolean", short: "h" } } as const;
    const { positionals, values } = parseArgs({ allowPositionals: true, options });
    const unknown = positionals.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new TypeError(`There is no part '${unknown}'.`);
    if (values.help !== true) return positionals.length === 0 ? names : positionals;
    console.log(help);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    process.exitCode = 2;
  }
  return [];
}

for (const name of chosen()) await parts[name]?.run();
