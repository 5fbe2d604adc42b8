import type { BodyStore } from "../body-store/body-store.ts";
import type { Claim, ClaimRequest, LedgerEntry } from "../domain/deliveries/delivery.ts";
import { eventKeyIn } from "../domain/deliveries/delivery-key.ts";
import { claimAgainst, closeAgainst, isFirstClaim } from "../domain/deliveries/ledger-rules.ts";
import { leftBehind, netsUntil } from "../domain/deliveries/left-behind.ts";
import { isUnreadable } from "../domain/deliveries/unreadable-entry.ts";
import type { Database } from "../sqlite/database.ts";
import type { EventStore, RecordedClaims } from "./event-store.ts";
import { sqliteCounts } from "./sqlite-counts.ts";
import { sqliteExpiry } from "./sqlite-expiry.ts";
import { ledgerRows } from "./sqlite-ledger-rows.ts";
import { sqliteRecords } from "./sqlite-records.ts";
import { entryIn } from "./stored-entry.ts";

/**
 * Records and ledger in the state file. The ledger's rules are the domain's `claimAgainst` and `closeAgainst`.
 * @param bodies where the bodies of large events go; without it they stay in the state file
 * @param expiryTime the time by which things have expired, for a clock that may have been set
 */
export function sqliteEventStore(
  database: Database,
  bodies?: BodyStore,
  expiryTime: (now: Date) => Date = (now) => now,
): EventStore &
  RecordedClaims & { endLeases(now: Date, isElsewhere?: (entry: LedgerEntry) => boolean): Promise<number> } {
  const { recording, remove: removeRecord, ...records } = sqliteRecords(database, bodies, expiryTime);
  const ledger = ledgerRows(database);
  const { expired, removeExpired, ...counts } = sqliteCounts(database);
  const expiry = sqliteExpiry(database, { expired, removeExpired });

  const claimed = (requests: readonly ClaimRequest[], owner: string, now: Date): Claim[] => {
    const findRow = ledger.finder(requests.map(({ deliveryKey }) => deliveryKey));
    return requests.map((request) => {
      // What can't be read is claimed as if it weren't there: run once more rather than lost.
      const stored = findRow(request.deliveryKey);
      const { claim, entry } = claimAgainst(stored?.entry, request, owner, now);
      if (entry !== undefined) ledger.put(stored, entry);
      return claim;
    });
  };

  const released = (deliveryKey: string, owner: string): boolean => {
    const stored = ledger.find(deliveryKey);
    if (stored === undefined || !isFirstClaim(stored.entry, owner)) return false;
    ledger.remove(stored.id);
    return true;
  };

  return {
    ...records,
    ...counts,
    claim(requests, owner, now) {
      return database.write(() => claimed(requests, owner, now));
    },
    async recordAndClaim(events, owner, now) {
      const recorded = await recording(events.map(({ record }) => record));
      return database.write(() => {
        const findRow = ledger.finder(events.flatMap(({ requests }) => requests.map(({ deliveryKey }) => deliveryKey)));
        return events.map(({ requests }, index) => {
          if (requests.some(({ deliveryKey }) => findRow(deliveryKey) !== undefined)) return undefined;
          recorded[index]?.();
          return requests.map((request) => {
            const { claim, entry } = claimAgainst(undefined, request, owner, now);
            if (entry !== undefined) ledger.put(undefined, entry);
            return claim;
          });
        });
      });
    },
    takeBack(events, owner) {
      return database.write(() => {
        for (const { record, requests } of events) {
          const taken = requests.filter(({ deliveryKey }) => released(deliveryKey, owner));
          if (taken.length === requests.length) removeRecord(record);
        }
      });
    },
    close(closes) {
      return database.write(() =>
        closes.map((close) => {
          if (ledger.closeRemembered(close)) return true;
          const stored = ledger.find(close.deliveryKey);
          const closed = closeAgainst(stored?.entry, close);
          if (closed === undefined) return false;
          ledger.put(stored, closed);
          return true;
        }),
      );
    },
    release(deliveryKeys, owner) {
      return database.write(() => {
        for (const deliveryKey of deliveryKeys) released(deliveryKey, owner);
      });
    },
    reject(entries) {
      return database.write(() => {
        for (const entry of entries) if (ledger.find(entry.deliveryKey) === undefined) ledger.put(undefined, entry);
      });
    },
    async due(now, limit) {
      const found = ledger.rowsDue(now, limit, expiryTime(now));
      const entries = found.map((row) => ({ id: Number(row.id), entry: entryIn(row) }));
      const unreadable = entries.filter(({ entry }) => isUnreadable(entry));
      // Nobody can say what is due of it, and it would be found due for ever: it is seen as dead from now on.
      if (unreadable.length > 0) {
        await database.write(() => {
          for (const { id, entry } of unreadable) ledger.put({ id, entry: undefined }, entry);
        });
      }
      return entries.map(({ entry }) => entry).filter((entry) => !isUnreadable(entry));
    },
    handOver(entries, until) {
      return database.write(() => {
        for (const { deliveryKey, attempt, dueAt } of entries) {
          const stored = ledger.find(deliveryKey);
          if (stored?.entry.attempt !== attempt || stored.entry.dueAt?.getTime() !== dueAt?.getTime()) continue;
          ledger.put(stored, { ...stored.entry, dueAt: until });
        }
      });
    },
    async deliveriesOf(eventKeys) {
      const found = new Map<string, LedgerEntry[]>();
      for (const row of ledger.rowsOf([...new Set(eventKeys)])) {
        const eventKey = String(row.event_key);
        const siblings = found.get(eventKey);
        if (siblings === undefined) found.set(eventKey, [entryIn(row)]);
        else siblings.push(entryIn(row));
      }
      return found;
    },
    async deliveries(deliveryKeys) {
      const wanted = new Set(deliveryKeys);
      const rows = ledger.rowsOf([...new Set(deliveryKeys.map(eventKeyIn))]);
      const found = rows.filter((row) => wanted.has(String(row.delivery_key)));
      const entries = new Map(found.map((row) => [String(row.delivery_key), entryIn(row)]));
      return deliveryKeys.map((deliveryKey) => entries.get(deliveryKey));
    },
    async expire(now, limit) {
      const at = expiryTime(now);
      const rows = await expiry.remove(at, limit);
      return bodies === undefined || rows === limit ? rows : rows + (await bodies.expire(at, limit - rows));
    },
    /**
     * Ends every running lease and all waiting for outcomes, and makes due in its time what has failed and may have no
     * message. Only for the sole router at start: whoever held them is gone. Returns how many.
     */
    endLeases(now, isElsewhere = () => false) {
      return database.write(() => {
        const open = ledger.rowsOpen(now, netsUntil(now)).map((row) => ({ id: Number(row.id), entry: entryIn(row) }));
        const left = open.filter(({ id, entry }) => {
          // What can't be read stays as it is until its message comes, or somebody lists it.
          const ended = isUnreadable(entry) || isElsewhere(entry) ? undefined : leftBehind(entry, now);
          if (ended !== undefined) ledger.put({ id, entry }, ended);
          return ended !== undefined;
        });
        return left.length;
      });
    },
  };
}
