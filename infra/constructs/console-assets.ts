import type { Plugin } from "esbuild";
import { assetFiles } from "../../functions/console/assets/asset-files.ts";

/** Puts the texts of the console's files into a bundle: beside its code Lambda has no files. */
export const consoleAssets: Plugin = {
  name: "turnout-console-assets",
  setup(build) {
    build.onLoad({ filter: /console[\\/]assets[\\/]asset-files\.ts$/ }, () => ({
      contents: `export const assetFiles = () => (${JSON.stringify(assetFiles())});`,
      loader: "js",
    }));
  },
};
