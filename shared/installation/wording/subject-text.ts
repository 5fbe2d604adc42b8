import type { Subject } from "../../domain/subject.ts";
import { plural } from "../../domain/text/plural.ts";

/** E.g. `project acme/site, customer acme`. An empty subject is whoever no rule names. */
export function subjectText(subject: Subject): string {
  const named = Object.entries(subject).map(([level, id]) => `${level} ${id}`);
  return named.length === 0 ? "everyone else" : named.join(", ");
}

/** The subjects that a change moves: how many, and the first of them by name. */
export function movesLines(count: number, first: readonly string[]): string[] {
  if (count === 0) return ["nobody in the directory goes anywhere else"];
  return [
    `${plural(count, "subject")} of the directory would go elsewhere:`,
    ...first.map((line) => `  ${line}`),
    ...(count > first.length ? [`  … and ${count - first.length} more`] : []),
  ];
}
