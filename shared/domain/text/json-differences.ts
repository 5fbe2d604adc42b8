import { canonical } from "./canonical-json.ts";
import { own } from "./schema.ts";

/** A place at which two JSON values differ. `before` or `after` is absent where the place is only in the other. */
export type Difference = { path: string; before?: unknown; after?: unknown };

/** Where two JSON values differ, e.g. `aliases.beta`. Arrays count as one value. */
export function differences(before: unknown, after: unknown, path = ""): Difference[] {
  if (!isObject(before) || !isObject(after)) {
    if (before !== undefined && after !== undefined && canonical(before) === canonical(after)) return [];
    return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => own(before, name) !== undefined || own(after, name) !== undefined)
    .flatMap((name) => differences(own(before, name), own(after, name), path === "" ? name : `${path}.${name}`));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
