import { readFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import type { OnResolveArgs, OnResolveResult, Plugin } from "esbuild";

/** Packages that are loaded on first use only, if ever. */
const ON_FIRST_USE =
  /^@(aws-sdk\/(client-s3|client-eventbridge|credential-provider-(http|ini|process|sso|web-identity))|smithy\/credential-provider-imds)$/;
const COPY = "copy";

/**
 * Gives the packages that are loaded on first use copies of their own of what they share with those that are loaded at
 * once. What both of them import stands in a file that is loaded at once, and with it whatever only the later ones call.
 */
export const ownCopies: Plugin = {
  name: "turnout-own-copies",
  setup(build) {
    async function copied({
      path,
      importer,
      kind,
      resolveDir,
      pluginData,
    }: OnResolveArgs): Promise<OnResolveResult | undefined> {
      if (pluginData === COPY) return undefined;
      const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: COPY });
      return found.external || found.errors.length > 0 ? found : { ...found, namespace: COPY };
    }
    build.onResolve({ filter: ON_FIRST_USE }, copied);
    build.onResolve({ filter: /.*/, namespace: COPY }, copied);
    build.onLoad({ filter: /.*/, namespace: COPY }, async ({ path }) => ({
      contents: await readFile(path),
      loader: extname(path) === ".json" ? "json" : "js",
      resolveDir: dirname(path),
    }));
  },
};
