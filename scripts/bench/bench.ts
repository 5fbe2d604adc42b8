import { parseArgs } from "node:util";
import { benchDecisions } from "./decisions.ts";
import { benchEmbedded } from "./embedded.ts";
import { benchFairness } from "./fairness.ts";
import { benchImportRate } from "./import-rate.ts";
import { benchRecovery } from "./recovery.ts";
import { benchReplays } from "./replay.ts";
import { benchReplayBesideLive } from "./replay-beside-live.ts";
import { benchReplayScan } from "./replay-scan.ts";
import { benchBundles } from "./router/bundle-sizes.ts";
import { benchCapacity } from "./router/capacity.ts";
import { benchPipelines } from "./router/compare-pipelines.ts";
import { benchRoutingMemory } from "./routing-memory.ts";
import { benchRoutingRequests } from "./routing-requests.ts";

type Part = { about: string; run: () => Promise<void> };

/** Every figure of the design's budget table that can be measured so far, in this order. */
const parts: { [name: string]: Part } = {
  decisions: { about: "decisions per second beside a plain Map", run: printDecisions },
  embedded: { about: "events per second and latency, end to end, durable", run: printEmbedded },
  fairness: { about: "latency of quiet customers beside noisy ones", run: benchFairness },
  recovery: { about: "from the end of a store's trouble to all delivered", run: benchRecovery },
  pipelines: { about: "the router beside Powertools batch + idempotency", run: benchPipelines },
  capacity: { about: "DynamoDB units per event", run: benchCapacity },
  bundles: { about: "the router's size and import time", run: benchBundles },
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
  console.log("Decisions, 100,000 pinned customers, one core (budget: 1 M/s trace off, 300 k/s trace on)");
  const [baseline, ...decided] = benchDecisions();
  if (baseline === undefined) throw new Error("no baseline");
  console.log(`  ${baseline.name}: ${round(baseline.perSecond)}/s`);
  for (const { name, perSecond } of decided) {
    console.log(`  ${name}: ${round(perSecond)}/s, ${(perSecond / baseline.perSecond).toFixed(2)} of the plain Map`);
  }
}

async function printEmbedded(): Promise<void> {
  console.log("Embedded, end to end, durable, bodies of 1 KB (budget: 5,000 events/s; p99 ≤ 50 ms at 1,000/s)");
  const flatOut = await benchEmbedded(60_000);
  console.log(
    `  as fast as it goes: ${round(flatOut.events)} events, ${round(flatOut.perSecond)}/s published and delivered`,
  );
  const steady = await benchEmbedded(20_000, 1_000);
  console.log(
    `  at a steady 1,000/s: ${round(steady.perSecond)}/s, p50 ${steady.p50} ms, p99 ${steady.p99} ms, max ${steady.max} ms`,
  );
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
