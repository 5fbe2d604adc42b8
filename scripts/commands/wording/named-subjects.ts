import type { SubjectKey } from "../../../shared/domain/subject.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { NAMED } from "../../../shared/flows/change/measure-effect.ts";

/** `customer acme`. */
export function keyText(key: string): string {
  return key.replace("#", " ");
}

/** How many subjects there are, with the first of them by name; undefined for none. */
export async function namedSubjects(keys: AsyncIterable<SubjectKey>): Promise<string | undefined> {
  let count = 0;
  const first: string[] = [];
  for await (const key of keys) if (++count <= NAMED) first.push(keyText(key));
  if (count === 0) return undefined;
  const more = count > first.length ? `, … and ${count - first.length} more` : "";
  return `${plural(count, "subject")} (${first.join(", ")}${more})`;
}
