import type { EventSource } from "../domain/events/event.ts";
import { isKeyOf, type SourceKey } from "../domain/routing/routing-change.ts";
import { readable } from "../domain/routing/unreadable-row.ts";
import { isSubjectKey } from "../domain/subject.ts";
import type { KeyedRow, RoutingTable } from "../routing-table/routing-table.ts";

type ReadSource = (key: SourceKey, row: KeyedRow<SourceKey>["row"]) => EventSource | undefined;

/**
 * Every event source that has a row.
 * @param readAs default: one that can't be read is as good as absent
 */
export async function sourcesIn(
  table: Pick<RoutingTable, "allRows">,
  readAs: ReadSource = (_, row) => readable(row),
): Promise<EventSource[]> {
  const sources: EventSource[] = [];
  for await (const keyed of table.allRows()) {
    // Subjects come last, and there may be a million of them.
    if (isSubjectKey(keyed.key)) break;
    const source = isSource(keyed) ? readAs(keyed.key, keyed.row) : undefined;
    if (source !== undefined) sources.push(source);
  }
  return sources;
}

function isSource(keyed: KeyedRow): keyed is KeyedRow<SourceKey> {
  return isKeyOf("source", keyed.key);
}
