import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";

/**
 * Reads the SDK's sources so that esbuild can leave out what nobody calls.
 *
 * A client's schemas name their traits by constants, `{ [_h]: … }`, and esbuild keeps an object with a computed key, since
 * computing it might do something: all operations of Lambda, where a router calls one. With the constants' texts in their
 * places nothing else changes. And of each package's own description, scripts and all, only its version is asked.
 */
export const leanSdk: Plugin = {
  name: "turnout-lean-sdk",
  setup(build) {
    build.onLoad({ filter: /@aws-sdk.*schemas_\d+\.js$/ }, ({ path }) => ({
      contents: withPlainKeys(readFileSync(path, "utf8")),
      loader: "js",
    }));
    build.onLoad({ filter: /@aws-sdk.*package\.json$/ }, ({ path }) => ({
      contents: JSON.stringify({ version: JSON.parse(readFileSync(path, "utf8")).version }),
      loader: "json",
    }));
  },
};

/** Puts a constant's text in the place of each computed key that names one. */
export function withPlainKeys(source: string): string {
  const texts = new Map([...source.matchAll(/^const (\w+) = ("\w+");$/gm)].map(([, name, text]) => [name, text]));
  return source.replaceAll(/\[(\w+)\]:/g, (key, name) => (texts.has(name) ? `${texts.get(name)}:` : key));
}
