import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Plugin } from "esbuild";

/** The errors that somebody asks for by their class; all others are told apart by their names, which stay. */
const KEPT_ERRORS: ReadonlySet<string> = new Set(["TransactionCanceledException"]);

/**
 * Reads the SDK's sources so that esbuild can leave out what nobody calls.
 *
 * A client's schemas name their traits by constants, `{ [_h]: … }`, and esbuild keeps an object with a computed key, since
 * computing it might do something: all operations of Lambda, where a router calls one. With the constants' texts in their
 * places nothing else changes. And of each package's own description, scripts and all, only its version is asked.
 *
 * A client also lists all errors of its service, each with a class of its own. Without them it makes an error of its
 * service's own class, with the name, the message and what else the answer says.
 */
export const leanSdk: Plugin = {
  name: "turnout-lean-sdk",
  setup(build) {
    build.onLoad({ filter: /@aws-sdk.*schemas_\d+\.js$/ }, ({ path }) => ({
      contents: withoutErrorClasses(withPlainKeys(readFileSync(path, "utf8"))),
      loader: "js",
      resolveDir: dirname(path),
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

/** Takes a service's errors off its list, but those that are asked for, and those that answers call by another name. */
export function withoutErrorClasses(source: string): string {
  return source.replaceAll(
    /^(export var (\w+)\$ = \[-3, n\d[^;]*;\n)n\d_registry\.registerError\(\2\$, \2\);\n/gm,
    (both, schema: string, name: string) => (KEPT_ERRORS.has(name) || schema.includes("awsQueryError") ? both : schema),
  );
}
