import { benchBundles } from "./bundle-sizes.ts";
import { benchCapacity } from "./capacity.ts";
import { benchPipelines } from "./compare-pipelines.ts";

/** The router's benchmarks alone: `node scripts/bench/router/run.ts [pipelines|capacity|bundles]`. */
const parts: { [name: string]: () => Promise<void> } = {
  pipelines: benchPipelines,
  capacity: benchCapacity,
  bundles: benchBundles,
};
const [, , only] = process.argv;
for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part();
