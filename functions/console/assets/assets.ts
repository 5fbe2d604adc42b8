import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { address } from "../page/address.ts";

type Asset = { name: string; type: string; text: string };

/** The few files that pages load beside themselves. */
export type Assets = {
  find(name: string): Asset | undefined;
  /** The asset's address, which changes with its content: browsers may keep what is there. */
  addressOf(name: string): string;
};

const JAVASCRIPT = "text/javascript; charset=utf-8";

/** Reads them, once. */
export function readAssets(): Assets {
  const own = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
  const { resolve } = createRequire(import.meta.url);
  const all: Asset[] = [
    { name: "console.css", type: "text/css; charset=utf-8", text: own("./console.css") + own("./pictures.css") },
    { name: "icon.svg", type: "image/svg+xml", text: own("./icon.svg") },
    { name: "console-client.js", type: JAVASCRIPT, text: own("./console-client.js") },
    { name: "idiomorph.js", type: JAVASCRIPT, text: readFileSync(resolve("idiomorph/dist/idiomorph.min.js"), "utf8") },
  ];
  const find = (name: string) => all.find((asset) => asset.name === name);
  const digest = new Map(
    all.map(({ name, text }) => [name, createHash("sha256").update(text).digest("hex").slice(0, 12)]),
  );
  return { find, addressOf: (name) => address(`assets/${name}`, { of: digest.get(name) }) };
}
