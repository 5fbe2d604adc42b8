import { differences } from "../text/json-differences.ts";
import { keyInWords } from "../text/split-key.ts";
import type { LeftPlace } from "./revert-row.ts";
import type { RowChange } from "./routing-change.ts";
import { UnreadableRow } from "./unreadable-row.ts";

/** Longest JSON value shown whole. */
const MAX_VALUE_CHARS = 120;

/** What changes in a row, a line per place. */
export function rowDetails({ key, before, after }: RowChange): string[] {
  const name = keyInWords(key);
  if (before instanceof UnreadableRow) {
    return [`${name} can't be read (${before.problem}): it ${after === null ? "goes" : "is replaced"}`];
  }
  if (before === null) return [`${name} is new`];
  if (after === null) return [`${name} goes`];
  return [`${name}:`, ...differences(before, after).map((place) => `  ${differenceText(place)}`)];
}

/** The same, with all that a row says which is new or goes. */
export function wholeRowDetails(change: RowChange): string[] {
  const { before, after } = change;
  const [first = "", ...rest] = rowDetails(change);
  if (before instanceof UnreadableRow || (before !== null && after !== null)) return [first, ...rest];
  return [`${first}:`, ...differences(before ?? {}, after ?? {}).map((place) => `  ${differenceText(place)}`)];
}

/** What a revert leaves as it is, a line per place. */
export function leftDetails(left: readonly LeftPlace[]): string[] {
  return left.map(({ key, path, revision }) => {
    const place = path === "" ? keyInWords(key) : `${path} of ${keyInWords(key)}`;
    return `${place} has changed again since revision ${revision}`;
  });
}

function differenceText({ path, before, after }: ReturnType<typeof differences>[number]): string {
  if (before === undefined) return `+ ${path}: ${json(after)}`;
  if (after === undefined) return `- ${path}: ${json(before)}`;
  return `  ${path}: ${json(before)} → ${json(after)}`;
}

function json(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS - 1).toWellFormed()}…`;
}
