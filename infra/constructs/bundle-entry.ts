import { basename, join } from "node:path";
import { build } from "esbuild";
import { leanSdk } from "./lean-sdk.ts";
import { ownCopies } from "./own-copies.ts";

/** What is left of CommonJS asks for Node's own modules by `require`, which a module doesn't have. */
const REQUIRE =
  "import { createRequire as turnoutRequire } from 'node:module'; const require = turnoutRequire(import.meta.url);";

const repository = join(import.meta.dirname, "..", "..");

// A program, since the CDK waits for nothing that is asynchronous, and plugins of esbuild are. Prints what came of it.
const [entry, outdir] = process.argv.slice(2);
if (entry === undefined || outdir === undefined) throw new Error("usage: bundle-entry.ts ENTRY_FILE FOLDER");
const { metafile } = await build({
  absWorkingDir: repository,
  entryPoints: [entry],
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  // Without it, what is loaded on first use stands in the one file: the client of S3, and the SDK's ways to sign in.
  splitting: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: "node24",
  // The packages' modules lose what nobody calls; by default their CommonJS is taken, whole. A quarter of the size.
  mainFields: ["module", "main"],
  banner: { js: REQUIRE },
  logLevel: "error",
  metafile: true,
  // Copies take as long again to bundle, and a router is what starts most.
  plugins: basename(entry) === "router.ts" ? [leanSdk, ownCopies] : [leanSdk],
});
console.log(JSON.stringify(metafile));
