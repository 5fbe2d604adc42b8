import { join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync, type Metafile } from "esbuild";

const repository = join(import.meta.dirname, "..", "..");
const entryFiles = join(repository, "functions", "on-aws");

/** What is left of CommonJS asks for Node's own modules by `require`, which a module doesn't have. */
const REQUIRE =
  "import { createRequire as turnoutRequire } from 'node:module'; const require = turnoutRequire(import.meta.url);";

/**
 * Bundles an entry file: minified, the SDK included, as ES modules. Its handler is `ENTRY.handler`.
 * @param entry a file of `functions/on-aws`, without its extension
 */
export function bundle(entry: string, outdir: string): Metafile {
  const { metafile } = buildSync({
    absWorkingDir: repository,
    entryPoints: [join(entryFiles, `${entry}.ts`)],
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
  });
  return metafile;
}

/** An entry file's bundle as a function's code. Named by what comes out, so that only a change in that is deployed. */
export function codeOf(entry: string): Code {
  const local = {
    tryBundle(outdir: string): boolean {
      bundle(entry, outdir);
      return true;
    },
  };
  // Neither image nor command is ever used: bundling is local or fails. By the command the bundles of one folder are told
  // apart; without it all functions would get the first one's.
  const bundling = { image: DockerImage.fromRegistry("scratch"), command: [entry], local };
  return Code.fromAsset(entryFiles, { assetHashType: AssetHashType.OUTPUT, bundling });
}
