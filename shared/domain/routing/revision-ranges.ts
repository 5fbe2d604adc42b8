import type { Read } from "../text/schema.ts";
import type { Revision } from "./routing-change.ts";

/** Most revisions that can be named at once. */
const MAX_REVISIONS = 100_000;

/** Reads `42` or `42..57` as the revisions in it. */
export function readRevisions(text: string): Read<Revision[]> {
  const [, first = "", last = first] = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(text) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (Number(first) < 1 || count < 1) return { ok: false, problem: "expected a revision such as 42, or 42..57" };
  if (count > MAX_REVISIONS) return { ok: false, problem: `names more than ${MAX_REVISIONS} revisions` };
  return { ok: true, value: Array.from({ length: count }, (_, index) => Number(first) + index) };
}

/** Writes ascending revisions as `readRevisions` reads them, e.g. `["42..44", "47"]`. */
export function revisionRanges(revisions: readonly Revision[]): string[] {
  const ranges: [first: Revision, last: Revision][] = [];
  for (const revision of revisions) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === revision - 1) range[1] = revision;
    else ranges.push([revision, revision]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}..${last}`));
}
