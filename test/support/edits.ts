import { MAX_ROWS_PER_CHANGE } from "../../shared/domain/routing/routing-change.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";

type EditOfRows = Extract<RoutingEdit, { kind: "put rows" | "set directory rows" }>;

/** An edit of many rows as the several edits that one change each can hold. */
export function inChanges<E extends EditOfRows>({ kind, rows }: E): RoutingEdit[] {
  return Array.from({ length: Math.ceil(rows.length / MAX_ROWS_PER_CHANGE) }, (_, part) => {
    const first = part * MAX_ROWS_PER_CHANGE;
    return { kind, rows: rows.slice(first, first + MAX_ROWS_PER_CHANGE) } as RoutingEdit;
  });
}
