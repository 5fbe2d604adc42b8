import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { Metafile } from "esbuild";

const repository = join(import.meta.dirname, "..", "..");
const entryFiles = join(repository, "functions", "on-aws");

/**
 * Bundles an entry file: minified, the SDK included, as ES modules. Its handler is `ENTRY.handler`.
 * @param entry a file of `functions/on-aws`, without its extension
 * @throws Error with what esbuild says when it can't
 */
export function bundle(entry: string, outdir: string): Metafile {
  const program = join(import.meta.dirname, "bundle-entry.ts");
  const args = [program, join(entryFiles, `${entry}.ts`), outdir];
  return JSON.parse(execFileSync(process.execPath, args, { maxBuffer: Number.POSITIVE_INFINITY }).toString());
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
