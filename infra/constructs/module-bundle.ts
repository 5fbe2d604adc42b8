import type { BuildOptions } from "esbuild";

/** What is left of CommonJS asks for Node's own modules by `require`, which a module doesn't have. */
const REQUIRE =
  "import { createRequire as turnoutRequire } from 'node:module'; const require = turnoutRequire(import.meta.url);";

/** How code for Lambda is bundled: as a module in files of its own, with all packages in it. */
export const moduleBundle = {
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
} satisfies BuildOptions;
