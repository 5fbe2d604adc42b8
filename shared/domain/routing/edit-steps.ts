import { MAX_ROWS_PER_CHANGE } from "./routing-change.ts";
import type { RoutingEdit } from "./routing-edit.ts";

/** An edit as edits that can be committed as one change each: of many rows or members, so many at a time. */
export function stepsOf(edit: RoutingEdit): RoutingEdit[] {
  switch (edit.kind) {
    case "set directory rows":
      return chunks(edit.rows).map((rows) => ({ ...edit, rows }));
    case "put rows":
      return chunks(edit.rows).map((rows) => ({ ...edit, rows }));
    case "set members":
      return chunks(edit.members).map((members) => ({ ...edit, members }));
    default:
      return [edit];
  }
}

function chunks<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / MAX_ROWS_PER_CHANGE) }, (_, index) =>
    all.slice(index * MAX_ROWS_PER_CHANGE, (index + 1) * MAX_ROWS_PER_CHANGE),
  );
}
