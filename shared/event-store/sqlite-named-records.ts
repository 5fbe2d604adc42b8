import type { DatabaseSync } from "node:sqlite";
import { eventKeyOfDelivered } from "../domain/deliveries/delivered-event.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import type { NamedLimits } from "./event-store.ts";

/**
 * Looks for a name in the text of the facts, inside SQLite: reading every record for it costs ten times as much. A quote
 * within a value is escaped, so that only a field can look like this.
 */
export function sqliteNamedRecords(connection: DatabaseSync) {
  const named = (end: string) =>
    `instr(facts, '"id":' || ?4 || ${end}) > 0 OR instr(facts, '"idempotencyKey":' || ?4 || ${end}) > 0`;
  // Those of this very name first, lest there is no room for them among those that begin so.
  const selectNamed = connection.prepare(
    `SELECT id FROM event_records
     WHERE t0 >= ?1 AND t0 < ?2 AND expires_at > ?3 AND (${named("''")} OR instr(event_key, ?5) = 1 OR event_key = ?6)
     ORDER BY (${named("'\"'")} OR event_key = ?6) DESC, t0 DESC, sequence DESC, event_key DESC, payload_hash DESC
     LIMIT ?7`,
  );
  const selectReach = connection.prepare(
    "SELECT t0 FROM event_records WHERE t0 >= ? AND t0 < ? ORDER BY t0 DESC LIMIT 1 OFFSET ?",
  );
  return (name: string, { from, to }: TimeWindow, expired: Date, { found, looked }: NamedLimits) => {
    const reach = selectReach.get(from.getTime(), to.getTime(), looked - 1);
    const since = reach === undefined ? from : new Date(Number(reach.t0));
    const beginning = JSON.stringify(name).slice(0, -1);
    const eventKey = eventKeyOfDelivered(name) ?? name;
    const times = [since.getTime(), to.getTime(), expired.getTime()] as const;
    const rows = selectNamed.all(...times, beginning, name, eventKey, found);
    return { ids: rows.map(({ id }) => Number(id)), from: since };
  };
}
