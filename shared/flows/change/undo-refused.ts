import { countsMoves, type Guardrails } from "../../domain/routing/guardrails.ts";
import type { RowChange } from "../../domain/routing/routing-change.ts";
import type { RoutingEdit, WantedRow } from "../../domain/routing/routing-edit.ts";
import { UnreadableRow } from "../../domain/routing/unreadable-row.ts";
import type { StoredEvents } from "../../event-store/event-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { previewChange } from "./preview-change.ts";

/**
 * Whether what takes a change back would be refused: it moves the other way, which a budget may count though it didn't
 * count the change, and it may move protected subjects, or be in a freeze. What the guardrails themselves are is never in
 * its way. To be asked once the change is made.
 */
export async function undoIsRefused(
  ports: { table: RoutingTable; events?: StoredEvents },
  edit: RoutingEdit,
  { rows, guardrails }: { rows: readonly RowChange[]; guardrails: Guardrails },
  now: Date,
): Promise<boolean> {
  if (edit.kind === "set guardrails") return false;
  if (guardrails.freeze !== undefined) return true;
  if (!countsMoves(guardrails)) return false;
  const before = rows.flatMap(({ key, before: row }): WantedRow[] =>
    row instanceof UnreadableRow ? [] : [{ key, row }],
  );
  const back = await previewChange(ports.table, { kind: "put rows", rows: before }, now, ports.events);
  return back.objections.length > 0;
}
