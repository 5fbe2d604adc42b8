import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export type AssetFiles = { styles: string; icon: string; client: string; idiomorph: string };

/** What browsers load, read from where it stands. A bundle has the texts in this function's place. */
export function assetFiles(): AssetFiles {
  const own = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
  const { resolve } = createRequire(import.meta.url);
  return {
    styles: own("./console.css") + own("./pictures.css"),
    icon: own("./icon.svg"),
    client: own("./console-client.js"),
    idiomorph: readFileSync(resolve("idiomorph/dist/idiomorph.min.js"), "utf8"),
  };
}
