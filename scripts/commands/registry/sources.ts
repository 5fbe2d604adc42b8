import type { EventSource } from "../../../shared/domain/events/event.ts";
import { isKeyOf, type SourceKey } from "../../../shared/domain/routing/routing-change.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { isSubjectKey } from "../../../shared/domain/subject.ts";
import type { KeyedRow, RoutingTable } from "../../../shared/routing-table/routing-table.ts";

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
