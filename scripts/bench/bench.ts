import { benchDecisions } from "./decisions.ts";
import { benchEmbedded } from "./embedded.ts";
import { benchFairness } from "./fairness.ts";
import { benchImportRate } from "./import-rate.ts";
import { benchBundles } from "./router/bundle-sizes.ts";
import { benchCapacity } from "./router/capacity.ts";
import { benchPipelines } from "./router/compare-pipelines.ts";
import { benchRoutingMemory } from "./routing-memory.ts";
import { benchRoutingRequests } from "./routing-requests.ts";

/** Prints every figure of the design's budget table that can be measured so far, beside its budget. */
const round = (value: number) => Math.round(value).toLocaleString("en-US");

console.log("Decisions, 100,000 pinned customers, one core (budget: 1 M/s trace off, 300 k/s trace on)");
const [baseline, ...decided] = benchDecisions();
if (baseline === undefined) throw new Error("no baseline");
console.log(`  ${baseline.name}: ${round(baseline.perSecond)}/s`);
for (const { name, perSecond } of decided) {
  console.log(`  ${name}: ${round(perSecond)}/s, ${(perSecond / baseline.perSecond).toFixed(2)} of the plain Map`);
}

console.log("Embedded, end to end, durable, bodies of 1 KB (budget: 5,000 events/s; p99 ≤ 50 ms at 1,000/s)");
const flatOut = await benchEmbedded(60_000);
console.log(
  `  as fast as it goes: ${round(flatOut.events)} events, ${round(flatOut.perSecond)}/s published and delivered`,
);
const steady = await benchEmbedded(20_000, 1_000);
console.log(
  `  at a steady 1,000/s: ${round(steady.perSecond)}/s, p50 ${steady.p50} ms, p99 ${steady.p99} ms, max ${steady.max} ms`,
);

await benchFairness();
await benchPipelines();
await benchCapacity();
await benchBundles();
await benchRoutingRequests();
await benchImportRate();
await benchRoutingMemory();
