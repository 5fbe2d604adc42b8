import {
  MAX_CHANGE_BYTES,
  MAX_ROWS_PER_CHANGE,
  type Revision,
  type Row,
  type RowKey,
  type StoredRow,
} from "../../domain/routing/routing-change.ts";
import type { RoutingEdit, WantedRow } from "../../domain/routing/routing-edit.ts";
import { isSubjectKey } from "../../domain/subject.ts";
import { canonical } from "../../domain/text/canonical-json.ts";
import type { KeyedRow, RoutingTableReader } from "../../routing-table/routing-table.ts";
import { routingTableAt } from "../routing-table-at.ts";

/** What brings the table to a wanted state: the whole as one edit, and the same in changes that can be committed. */
export type RestorePlan = {
  revision: Revision;
  added: number;
  changed: number;
  removed: number;
  edit: RoutingEdit;
  steps: RoutingEdit[];
};

/** What a change says beside its rows (who, why, command) has room in this. */
const MARGIN_BYTES = 32 * 1024;

/** Every row as of the table's head, however long the listing takes and whoever changes it meanwhile. */
export async function wholeState(
  table: RoutingTableReader,
): Promise<{ revision: Revision; rows: AsyncIterable<KeyedRow> }> {
  const revision = await table.head();
  return { revision, rows: routingTableAt(table, revision).allRows() };
}

/**
 * Works out what has to change for the table to hold exactly these rows. Run again after it was cut short, it plans what
 * is left. What others refer to comes first and goes last, so that nothing dangles on the way; guardrails come last of
 * all, since a freeze among them would stop the rest.
 */
export async function planRestore(table: RoutingTableReader, wanted: ReadonlyMap<RowKey, Row>): Promise<RestorePlan> {
  const { revision, rows } = await wholeState(table);
  const counts = { added: 0, changed: 0, removed: 0 };
  const edits: SizedRow[] = [];
  const missing = new Set(wanted.keys());
  for await (const { key, row: before } of rows) {
    const row = wanted.get(key) ?? null;
    missing.delete(key);
    if (row !== null && canonical(row) === canonical(before)) continue;
    if (row === null) counts.removed++;
    else counts.changed++;
    edits.push(sized(key, before, row));
  }
  for (const key of missing) {
    counts.added++;
    edits.push(sized(key, null, wanted.get(key) ?? null));
  }
  // A stable sort: within a stage the rows keep their order.
  edits.sort((a, b) => a.stage - b.stage);
  const edit: RoutingEdit = { kind: "put rows", rows: edits.map(({ wanted: row }) => row) };
  const steps = inChanges(edits).map((part): RoutingEdit => ({ kind: "put rows", rows: part }));
  return { revision, ...counts, edit, steps };
}

type SizedRow = { wanted: WantedRow; bytes: number; stage: number };

function sized(key: RowKey, before: StoredRow | null, row: Row | null): SizedRow {
  const bytes = Buffer.byteLength(JSON.stringify({ key, before, after: row })) + 1;
  return { wanted: { key, row }, bytes, stage: stageOf(key, row) };
}

function stageOf(key: RowKey, row: Row | null): number {
  if (key === "settings#guardrails") return 4;
  if (isSubjectKey(key)) return row === null ? 2 : 1;
  return row === null ? 3 : 0;
}

function inChanges(rows: readonly SizedRow[]): WantedRow[][] {
  const changes: WantedRow[][] = [];
  let [part, bytes]: [WantedRow[], number] = [[], 0];
  for (const row of rows) {
    if (
      part.length === MAX_ROWS_PER_CHANGE ||
      (part.length > 0 && bytes + row.bytes > MAX_CHANGE_BYTES - MARGIN_BYTES)
    ) {
      changes.push(part);
      [part, bytes] = [[], 0];
    }
    part.push(row.wanted);
    bytes += row.bytes;
  }
  if (part.length > 0) changes.push(part);
  return changes;
}
