import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { bundle as deployed } from "../../../infra/constructs/function-code.ts";
import { moduleBundle } from "../../../infra/constructs/module-bundle.ts";
import { medianOf } from "./median.ts";
import { turnoutEnvironment } from "./turnout-pipeline.ts";

const MAX_BYTES = 500_000;
const MAX_IMPORT_MS = 65;

/** Fresh processes per bundle, taken in turns. */
const IMPORTS = 15;

type Bundled = { name: string; entry: string; ours?: true };
type Built = { entry: string; eager: string[]; lazyBytes: number };
type Measured = { bytes: number; gzipped: number; importMs: number };

const bundles: readonly Bundled[] = [
  { name: "Turnout's router", entry: "router.ts", ours: true },
  { name: "a router on SDK + zod + middy", entry: "plain-entry.ts" },
  { name: "the same with Powertools", entry: "powertools-entry.ts" },
];

/** Prints how large the router's bundle is and how long its import takes, beside others on the usual parts. */
export async function benchBundles(): Promise<void> {
  console.log("Router bundle, minified ESM, SDK included (budget: 500 KB, import 65 ms)");
  const folder = mkdtempSync(join(tmpdir(), "turnout-bundles-"));
  try {
    const built = await Promise.all(bundles.map((one, index) => bundle(one, join(folder, String(index)))));
    const measured = measure(built);
    for (const [index, { name, ours }] of bundles.entries()) {
      const { bytes, gzipped, importMs } = measured[index] as Measured;
      const lazy = built[index]?.lazyBytes ?? 0;
      const later = lazy === 0 ? "" : `, ${kilobytes(lazy)} KB more on first use`;
      const judged = ours ? `: ${bytes <= MAX_BYTES && importMs <= MAX_IMPORT_MS ? "met" : "MISSED"}` : "";
      const sizes = `${kilobytes(bytes)} KB (${kilobytes(gzipped)} KB gzipped${later})`;
      console.log(`  ${name}: ${sizes}, import ${importMs.toFixed(0)} ms${judged}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measure(built: readonly Built[]): Measured[] {
  const rounds = Array.from({ length: IMPORTS }, () => built.map(({ entry }) => importMs(entry)));
  return built.map(({ eager }, index) => {
    const files = eager.map((file) => readFileSync(file));
    const sum = (sizes: number[]) => sizes.reduce((all, size) => all + size, 0);
    return {
      bytes: sum(files.map(({ length }) => length)),
      gzipped: sum(files.map((file) => gzipSync(file).length)),
      importMs: medianOf(rounds.map((round) => round[index] ?? Number.NaN)),
    };
  });
}

/** Ours as it is deployed; the others as anybody would bundle them. */
async function bundle({ entry, ours }: Bundled, outdir: string): Promise<Built> {
  const metafile = ours ? deployed("router", outdir) : await bundleOther(entry, outdir);
  const [main = ""] = Object.keys(metafile.outputs).filter((file) =>
    metafile.outputs[file]?.entryPoint?.endsWith(entry),
  );
  const eager = loadedWith(main, metafile);
  const all = Object.entries(metafile.outputs);
  const lazyBytes = all.reduce((sum, [file, { bytes }]) => sum + (eager.has(file) ? 0 : bytes), 0);
  // As the build names them: from the repository, where benchmarks run.
  return { entry: resolve(main), eager: [...eager].map((file) => resolve(file)), lazyBytes };
}

async function bundleOther(entry: string, outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, entry)],
    outdir,
    ...moduleBundle,
  });
  return metafile;
}

/** A file with all that its imports load before it runs. */
function loadedWith(file: string, metafile: Metafile, found: Set<string> = new Set()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const { kind, path, external } of metafile.outputs[file]?.imports ?? []) {
    if (kind === "import-statement" && external !== true) loadedWith(path, metafile, found);
  }
  return found;
}

function importMs(file: string): number {
  const url = JSON.stringify(pathToFileURL(file));
  const program = `const start = performance.now(); await import(${url}); console.log(performance.now() - start)`;
  const env = {
    PATH: process.env.PATH,
    ...turnoutEnvironment,
    QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/bench",
    TURNOUT_LIVE_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/bench",
  };
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", program], { env }).toString());
}

function kilobytes(bytes: number): number {
  return Math.round(bytes / 1_000);
}
