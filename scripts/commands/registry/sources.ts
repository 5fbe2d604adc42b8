import type { EventSource } from "../../../shared/domain/events/event.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { isSubjectKey } from "../../../shared/domain/subject.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";

/** Every event source that has a row. */
export async function sourcesIn(table: Pick<RoutingTable, "allRows">): Promise<EventSource[]> {
  const sources: EventSource[] = [];
  for await (const { key, row } of table.allRows()) {
    // Subjects come last, and there may be a million of them.
    if (isSubjectKey(key)) break;
    if (key.startsWith("source#") && !(row instanceof UnreadableRow)) sources.push(row as EventSource);
  }
  return sources;
}
