import { createHash } from "node:crypto";
import { address } from "../page/address.ts";
import { assetFiles } from "./asset-files.ts";

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
  const { styles, icon, client, idiomorph } = assetFiles();
  const all: Asset[] = [
    { name: "console.css", type: "text/css; charset=utf-8", text: styles },
    { name: "icon.svg", type: "image/svg+xml", text: icon },
    { name: "console-client.js", type: JAVASCRIPT, text: client },
    { name: "idiomorph.js", type: JAVASCRIPT, text: idiomorph },
  ];
  const find = (name: string) => all.find((asset) => asset.name === name);
  const digest = new Map(
    all.map(({ name, text }) => [name, createHash("sha256").update(text).digest("hex").slice(0, 12)]),
  );
  return { find, addressOf: (name) => address(`assets/${name}`, { of: digest.get(name) }) };
}
