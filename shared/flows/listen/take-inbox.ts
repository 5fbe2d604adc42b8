import { deliveredEvent } from "../../domain/deliveries/delivered-event.ts";
import type { EventRecord, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { deliveryKeyIn, type InboxItem, turnoutFieldOf } from "../../domain/deliveries/inbox-item.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import type { Inbox, LaptopStore } from "../../laptop-store/laptop-store.ts";

export type TakePorts = {
  laptops: Pick<LaptopStore, "inbox" | "remove">;
  events: Pick<DeliveryLedger, "deliveries"> & Pick<EventRecords, "find">;
};

/** An attempt that may begin: the event as any other target would have got it. */
export type TakenItem = { item: InboxItem; record: EventRecord; payload: string };

export type TakenInbox = {
  taken: TakenItem[];
  /** Those whose event can't be had. Whoever decides them again says so. */
  lost: InboxItem[];
};

/**
 * Looks what waits. What has been decided again since is taken out, and never run.
 * @param most how many of them at most that aren't `known` yet
 */
export async function takeInbox(
  { laptops, events }: TakePorts,
  inbox: Inbox,
  known: ReadonlySet<string>,
  most: number,
): Promise<TakenInbox> {
  const waiting = await laptops.inbox(inbox, known.size + most);
  const fresh = waiting.filter(({ requestId }) => !known.has(requestId)).slice(0, most);
  if (fresh.length === 0) return { taken: [], lost: [] };
  const keys = [...new Set(fresh.map(deliveryKeyIn))];
  const found = await events.deliveries(keys);
  const entries = new Map(keys.map((key, index) => [key, found[index]]));
  const pairs = fresh.map((item) => ({ item, entry: entries.get(deliveryKeyIn(item)) }));
  await laptops.remove(pairs.filter(({ item, entry }) => !isAwaited(item, entry)).map(({ item }) => item));
  const awaited = pairs.flatMap(({ item, entry }) => (isAwaited(item, entry) && entry ? [{ item, entry }] : []));
  const records = await events.find(awaited.map(({ entry }) => entry));
  const taken: TakenItem[] = [];
  const lost: InboxItem[] = [];
  for (const [index, { item }] of awaited.entries()) {
    const record = records[index];
    if (record === undefined || record.unavailable !== undefined) lost.push(item);
    else taken.push({ item, record, payload: deliveredEvent(record.body, turnoutFieldOf(item)) });
  }
  return { taken, lost };
}

/** Also while it is only claimed: its router hasn't noted yet that it was handed over. */
function isAwaited({ turnout }: InboxItem, entry: LedgerEntry | undefined): boolean {
  if (entry?.attempt !== turnout.attempt) return false;
  return entry.status === "accepted" || entry.status === "claimed";
}
