import type { Period } from "../../domain/routing/period.ts";

/** ` from … until …`, with a space before it; empty for a rule that always counts. */
export function periodText({ from, until }: Period): string {
  return `${from === undefined ? "" : ` from ${from}`}${until === undefined ? "" : ` until ${until}`}`;
}
