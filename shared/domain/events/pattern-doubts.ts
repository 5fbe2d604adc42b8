import type { EventPattern } from "./event-pattern.ts";

/** The fields that EventBridge's envelope has. */
const ENVELOPE = new Set([
  ...["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail", "replay-name"],
]);

/**
 * What is rather a slip than meant in a pattern that compiles, a clause each: a field that EventBridge's envelope doesn't
 * have. It is no error, since an event may come with fields of its own.
 */
export function patternDoubts(pattern: EventPattern): string[] {
  const unknown = [...new Set(fieldsOf(pattern))].filter((name) => !ENVELOPE.has(name));
  return unknown.map((name) => {
    const meant = meantBy(name);
    const hint = meant === undefined ? "" : `; is '${meant}' meant?`;
    return `the pattern asks for a field '${name}', which EventBridge's events don't have${hint}`;
  });
}

/** The names beside `$or`, and those in its alternatives. */
function fieldsOf(pattern: EventPattern): string[] {
  return Object.entries(pattern).flatMap(([name, value]) =>
    name === "$or" && Array.isArray(value) ? value.flatMap(fieldsOf) : [name],
  );
}

/** `detailType`, `DetailType` and `detail_type` are the ways in which others write `detail-type`. */
function meantBy(name: string): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z]/g, "");
  return (
    [...ENVELOPE].find((known) => plain(known) === plain(name)) ?? (plain(name) === "type" ? "detail-type" : undefined)
  );
}
