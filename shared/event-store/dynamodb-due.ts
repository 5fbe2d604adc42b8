import { isAtRest, type LedgerEntry } from "../domain/deliveries/delivery.ts";
import { mostShards } from "../domain/deliveries/shard-schedule.ts";
import { type Item, inParallel, keyText, queryPages, readItems, writeItems } from "../dynamodb/dynamodb-batches.ts";
import { executeStatements, type Statement } from "../dynamodb/dynamodb-statements.ts";
import type { DeliveryLedger } from "./delivery-ledger.ts";
import {
  type DueItem,
  dueItem,
  dueKey,
  dueRequest,
  moveDue,
  readDueItem,
  removeDue,
} from "./dynamodb-event-requests.ts";
import type { EventTableAccess } from "./dynamodb-event-table.ts";
import { decodeEntry, entryKey } from "./entry-codec.ts";

/**
 * How long after its time a due item is kept whose attempt goes on, although its entry doesn't agree: the close that it
 * was written for may be under way. Four times what a router lives.
 */
const CLOSE_MAY_COME_MS = 3_600_000;

/**
 * Deliveries that wait, sorted by when they are due. The ledger entry is what counts: an item that it doesn't bear out
 * was left behind, by a crash or by what came since, and is removed when it comes up.
 */
export function dueDeliveries(access: EventTableAccess): Pick<DeliveryLedger, "due" | "handOver"> & {
  /** Puts these on their due shards, as far as they have a `dueAt`. */
  note(entries: readonly LedgerEntry[]): Promise<void>;
} {
  const { dueShards } = access;
  const tableName = access.table.name;

  /** The live deliveries of one shard, those due longest first, at most `limit`. */
  async function dueOn(shard: number, now: Date, limit: number): Promise<LedgerEntry[]> {
    const live: LedgerEntry[] = [];
    const stale: Statement[] = [];
    for await (const page of queryPages(access, dueRequest(tableName, shard, now, limit))) {
      const items = page.map((item) => ({ item, due: readDueItem(item) }));
      const found = await readItems(
        access,
        items.map(({ due }) => entryKey(due.deliveryKey)),
      );
      for (const { item, due } of items) {
        const entry = entryIn(found, due);
        if (entry !== undefined && isLive(due, entry, now)) live.push(entry);
        else if (isLeftOver(due, entry, now)) stale.push(removeDue(tableName, item, item.a));
      }
      if (live.length >= limit) break;
    }
    await executeStatements(access, stale);
    return live.slice(0, limit);
  }

  async function note(entries: readonly LedgerEntry[]): Promise<void> {
    const items = entries.flatMap(({ deliveryKey, attempt, dueAt, expiresAt }) =>
      dueAt === undefined ? [] : [dueItem({ deliveryKey, attempt, dueAt }, expiresAt, dueShards)],
    );
    await writeItems(access, items);
  }

  return {
    note,
    async due(now, limit) {
      const shards = Array.from({ length: mostShards(dueShards) }, (_, shard) => shard);
      const found = await inParallel(shards, (shard) => dueOn(shard, now, limit));
      return found
        .flat()
        .sort((a, b) => dueMs(a) - dueMs(b))
        .slice(0, limit);
    },
    async handOver(entries, until) {
      const parked = entries.flatMap((entry) =>
        entry.dueAt === undefined ? [] : [{ entry, from: { ...entry, dueAt: entry.dueAt } }],
      );
      // The new item first, and the old one last: at every moment there is one that the entry bears out.
      await note(parked.map(({ entry }) => ({ ...entry, dueAt: until })));
      const results = await executeStatements(
        access,
        parked.map(({ entry }) => moveDue(tableName, entry, until)),
      );
      const moved = parked.filter((_, n) => results[n]?.applied === true);
      await executeStatements(
        access,
        moved
          .filter(({ from }) => from.dueAt.getTime() !== until.getTime())
          .map(({ from }) => removeDue(tableName, dueKey(from, dueShards), from.attempt)),
      );
    },
  };
}

function entryIn(found: ReadonlyMap<string, Item>, { deliveryKey }: DueItem): LedgerEntry | undefined {
  const item = found.get(keyText(entryKey(deliveryKey)));
  return item === undefined ? undefined : decodeEntry(item);
}

function isLive(due: DueItem, entry: LedgerEntry, now: Date): boolean {
  return entry.dueAt?.getTime() === due.dueAt.getTime() && entry.expiresAt > now;
}

/** True when no close that may still come can make the entry agree with the item. */
function isLeftOver(due: DueItem, entry: LedgerEntry | undefined, now: Date): boolean {
  if (entry === undefined || entry.expiresAt <= now) return true;
  if (isAtRest(entry.status) || entry.attempt > due.attempt) return true;
  return due.dueAt.getTime() + CLOSE_MAY_COME_MS <= now.getTime();
}

function dueMs({ dueAt }: LedgerEntry): number {
  return dueAt?.getTime() ?? 0;
}
