import type { EventRecord } from "./delivery.ts";

/** All records of these pages; undefined where there are more than `most`, of which the rest isn't read. */
export async function recordsInPages(
  pages: AsyncIterable<readonly EventRecord[]>,
  most: number,
): Promise<EventRecord[] | undefined> {
  const found: EventRecord[] = [];
  for await (const page of pages) {
    found.push(...page);
    if (found.length > most) return undefined;
  }
  return found;
}
