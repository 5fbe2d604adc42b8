import { basename, join } from "node:path";
import { build } from "esbuild";
import { consoleAssets } from "./console-assets.ts";
import { leanSdk } from "./lean-sdk.ts";
import { moduleBundle } from "./module-bundle.ts";
import { ownCopies } from "./own-copies.ts";

const repository = join(import.meta.dirname, "..", "..");

// A program, since the CDK waits for nothing that is asynchronous, and plugins of esbuild are. Prints what came of it.
const [entry, outdir] = process.argv.slice(2);
if (entry === undefined || outdir === undefined) throw new Error("usage: bundle-entry.ts ENTRY_FILE FOLDER");
const { metafile } = await build({
  absWorkingDir: repository,
  entryPoints: [entry],
  outdir,
  ...moduleBundle,
  // Copies take as long again to bundle, and a router is what starts most.
  plugins: basename(entry) === "router.ts" ? [leanSdk, ownCopies] : [leanSdk, consoleAssets],
});
console.log(JSON.stringify(metafile));
