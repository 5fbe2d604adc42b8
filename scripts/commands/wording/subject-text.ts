import type { Subject } from "../../../shared/domain/subject.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { note } from "../terminal/output.ts";

/** E.g. `project acme/site, customer acme`. An empty subject is whoever no rule names. */
export function subjectText(subject: Subject): string {
  const named = Object.entries(subject).map(([level, id]) => `${level} ${id}`);
  return named.length === 0 ? "everyone else" : named.join(", ");
}

/** The subjects that a change moves: how many, and the first of them by name. */
export function showMoves(count: number, first: readonly string[]): void {
  if (count === 0) note("  nobody in the directory goes anywhere else");
  else note(`  ${plural(count, "subject")} of the directory would go elsewhere:`);
  for (const line of first) note(`    ${line}`);
  if (count > first.length) note(`    … and ${count - first.length} more`);
}
