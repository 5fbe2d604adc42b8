import type { SubjectKey } from "../../domain/subject.ts";
import { plural } from "../../domain/text/plural.ts";
import { keyInWords } from "../../domain/text/split-key.ts";
import { NAMED } from "../../flows/change/measure-effect.ts";

/** How many subjects there are, with the first of them by name; undefined for none. */
export async function namedSubjects(keys: AsyncIterable<SubjectKey>): Promise<string | undefined> {
  let count = 0;
  const first: string[] = [];
  for await (const key of keys) if (++count <= NAMED) first.push(keyInWords(key));
  if (count === 0) return undefined;
  const more = count > first.length ? `, … and ${count - first.length} more` : "";
  return `${plural(count, "subject")} (${first.join(", ")}${more})`;
}

/**
 * A warning of subjects that the directory doesn't know, which may be misspelt; none where it knows all.
 * @param ofIt what holds of it all the same, where it is one
 */
export function unknownWarnings(unknown: readonly SubjectKey[], ofIt: string, ofThem = ofIt): string[] {
  if (unknown.length === 0) return [];
  const named = unknown.slice(0, NAMED).map(keyInWords).join(", ");
  if (unknown.length === 1) return [`the directory has no ${named}: ${ofIt}`];
  const more = unknown.length > NAMED ? `, … and ${unknown.length - NAMED} more` : "";
  return [`the directory has none of these ${unknown.length}: ${named}${more}; ${ofThem}`];
}
