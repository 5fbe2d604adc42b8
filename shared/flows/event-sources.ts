import type { EventSource } from "../domain/events/event.ts";
import { isKeyOf, type SourceKey } from "../domain/routing/routing-change.ts";
import { readable } from "../domain/routing/unreadable-row.ts";
import { isSubjectKey } from "../domain/subject.ts";
import type { KeyedRow, RoutingTable } from "../routing-table/routing-table.ts";

/** Every event source that has a row. */
export async function sourcesIn(table: Pick<RoutingTable, "allRows">): Promise<EventSource[]> {
  const sources: EventSource[] = [];
  for await (const keyed of table.allRows()) {
    // Subjects come last, and there may be a million of them.
    if (isSubjectKey(keyed.key)) break;
    const source = isSource(keyed) ? readable(keyed.row) : undefined;
    if (source !== undefined) sources.push(source);
  }
  return sources;
}

function isSource(keyed: KeyedRow): keyed is KeyedRow<SourceKey> {
  return isKeyOf("source", keyed.key);
}
