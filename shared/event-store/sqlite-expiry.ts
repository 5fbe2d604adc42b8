import type { Database } from "../sqlite/database.ts";

/** Rows of a table that one call looks at. */
const ROWS_LOOKED_AT = 1_000;

/**
 * Removes what has expired. It walks through the tables a stretch at a time and begins again at their end: an index of
 * the expiries would cost every event more than the walk, and nothing depends on when an expired row goes.
 */
export function sqliteExpiry(
  database: Database,
  counts: { expired(now: Date): boolean; removeExpired(now: Date, limit: number): number },
): { remove(now: Date, limit: number): Promise<number> } {
  const walks = ["event_records", "deliveries"].map((table) => walkThrough(database, table));
  return {
    async remove(now, limit) {
      const at = now.getTime();
      // Looked for before the transaction: an idle sweep must not take the write lock from other processes.
      const found = walks.map((walk) => ({ walk, ids: walk.expired(at, limit) }));
      if (!counts.expired(now) && found.every(({ ids }) => ids.length === 0)) return 0;
      return database.write(() => {
        let removed = 0;
        for (const { walk, ids } of found) removed += walk.remove(ids.slice(0, limit - removed), at);
        return removed + counts.removeExpired(now, limit - removed);
      });
    },
  };
}

function walkThrough({ connection }: Database, table: string) {
  const selectRows = connection.prepare(`SELECT id, expires_at FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`);
  const remove = connection.prepare(`DELETE FROM ${table} WHERE id = ? AND expires_at <= ?`);
  let after = 0;
  return {
    /** At most `limit` rows that have expired, of the next stretch. */
    expired(at: number, limit: number): number[] {
      const rows = selectRows.all(after, ROWS_LOOKED_AT);
      const expired = rows.filter((row) => Number(row.expires_at) <= at).map((row) => Number(row.id));
      const last = rows.length < ROWS_LOOKED_AT ? 0 : Number(rows.at(-1)?.id);
      // Where more has expired than may be removed, the next look begins before the first one that stays.
      after = expired.length > limit ? (expired[limit] ?? 0) - 1 : last;
      return expired.slice(0, limit);
    },
    remove(ids: readonly number[], at: number): number {
      return ids.reduce((removed, id) => removed + Number(remove.run(id, at).changes), 0);
    },
  };
}
