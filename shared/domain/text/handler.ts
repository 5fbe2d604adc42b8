import type { Read } from "./schema.ts";

/** Where a version's code begins: the module without its extension, and the way to the function in its exports. */
export type Handler = { module: string; path: string[] };

/** Lambda's own limit. */
const MAX_HANDLER_LENGTH = 128;

/** In the order in which they are looked for: Lambda's own, then the ones that Node 24 strips of their types. */
const EXTENSIONS = [".js", ".mjs", ".cjs", ".ts", ".mts"];

/** Reads a handler in Lambda's form, `folder/file.export`; an export may be nested: `index.api.handler`. */
export function readHandler(handler: string): Read<Handler> {
  const [, module, exported = ""] = /^((?:[^/\\\s]+\/)*[^/\\.\s]+)\.([^/\\\s]+)$/.exec(handler) ?? [];
  const path = exported.split(".");
  if (module === undefined || module.split("/").includes("..") || path.includes("")) {
    return { ok: false, problem: `'${handler}' is not a handler; write folder/file.export, e.g. index.handler` };
  }
  if (handler.length > MAX_HANDLER_LENGTH) {
    return { ok: false, problem: `a handler has at most ${MAX_HANDLER_LENGTH} characters, not ${handler.length}` };
  }
  return { ok: true, value: { module, path } };
}

/** The files that may hold the handler, relative to the version's folder. The first one that exists is it. */
export function filesOfHandler({ module }: Handler): string[] {
  return EXTENSIONS.map((extension) => module + extension);
}
