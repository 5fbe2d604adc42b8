import type { QueryCommandInput } from "@aws-sdk/lib-dynamodb";
import { bodyKeyOf } from "../body-store/body-store.ts";
import { compareRecords, type EventRecord, type RecordKey, type RecordPlace } from "../domain/deliveries/delivery.ts";
import { mostShardsWithin } from "../domain/deliveries/shard-schedule.ts";
import type { Read } from "../domain/text/schema.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import {
  distinctBy,
  type Item,
  type ItemKey,
  inParallel,
  keyText,
  queryPages,
  readItems,
  writeItems,
} from "../dynamodb/dynamodb-batches.ts";
import { refuseNewerItem } from "../dynamodb/item-layout.ts";
import { recordsRequest } from "./dynamodb-event-requests.ts";
import type { EventTableAccess } from "./dynamodb-event-table.ts";
import type { EventRecords } from "./event-store.ts";
import { aheadOf, inOrder } from "./in-order.ts";
import { expiryIn } from "./item-expiry.ts";
import { namedAmong } from "./named-records.ts";
import {
  bodyNameOf,
  factsText,
  isOfRecord,
  MAX_RECORD_BYTES,
  mayBeThere,
  recordBytes,
  recordItem,
  recordKey,
  recordOf,
  recordPartition,
  recordPlaceIn,
  recordWithout,
} from "./record-codec.ts";

const MINUTE_MS = 60_000;
const DEFAULT_PAGE_SIZE = 500;

/** First pages that are read ahead, each of at most 1 MB. */
const READ_AHEAD = 24;

/** A page ends early once its bodies have so many characters, so that memory stays flat whatever their size. */
const MAX_PAGE_CHARACTERS = 4_000_000;

type KeyedRecord = { key: ItemKey; record: EventRecord };

/** The stored events in DynamoDB, by minute and shard. */
export function dynamodbRecords(access: EventTableAccess): EventRecords {
  const { recordShards, bodies } = access;
  const tableName = access.table.name;

  async function itemOf({ key, record }: KeyedRecord): Promise<Item> {
    const bytes = recordBytes(record);
    if (bytes.byteLength <= MAX_RECORD_BYTES) return recordItem(key, record, { e: bytes });
    const b = bodyKeyOf(record.expiresAt, bodyNameOf(key));
    await bodies.put(b, bytes);
    return recordItem(key, record, { b, f: factsText(record) });
  }

  async function recordIn(item: Item): Promise<EventRecord> {
    refuseNewerItem(item);
    const apart = item.b !== undefined;
    const bytes: Read<unknown> = apart ? await bodies.get(String(item.b)) : { ok: true, value: item.e };
    if (!bytes.ok) return recordWithout(item, bytes.problem);
    const record = recordOf(item, bytes.value);
    if (record.ok) return record.value;
    return recordWithout(item, `${apart ? `the body ${item.b}` : `the record ${item.sk}`} ${record.problem}`);
  }

  /** The places that records have, of those that come without one: an item is replaced as a whole. */
  async function withPlaces(records: readonly EventRecord[]): Promise<readonly EventRecord[]> {
    const placeless = records.filter(({ sequence }) => sequence === undefined);
    if (placeless.length === 0) return records;
    const found = await readItems(
      access,
      placeless.map((record) => recordKey(record, recordShards)),
    );
    return records.map((record) => {
      if (record.sequence !== undefined) return record;
      const item = found.get(keyText(recordKey(record, recordShards)));
      return item === undefined ? record : { ...record, ...recordPlaceIn(item) };
    });
  }

  async function* recordsOn(request: QueryCommandInput): AsyncGenerator<Item[]> {
    for await (const page of queryPages(access, request)) yield page.filter(isOfRecord);
  }

  /** A window's part within one minute, in order of time. */
  function itemsOf(minute: Date, window: TimeWindow, pageSize: number): AsyncGenerator<Item> {
    const end = new Date(minute.getTime() + MINUTE_MS);
    // A minute in which the number changes has records of both.
    const shards = mostShardsWithin(recordShards, minute, end);
    const listings = Array.from({ length: shards }, (_, shard) =>
      recordsOn(recordsRequest(tableName, recordPartition(minute, shard), window, pageSize)),
    );
    return inOrder(listings);
  }

  async function* recordsIn(
    { from, to }: TimeWindow,
    now: Date,
    pageSize: number,
    after?: RecordPlace,
  ): AsyncGenerator<EventRecord> {
    // From the cursor's moment on, and not after its key: within a moment the table has another order.
    const window = { from: after !== undefined && after.t0 > from ? after.t0 : from, to };
    const most = mostShardsWithin(recordShards, window.from, window.to);
    const minutes = minutesOf(window);
    const parts = aheadOf(minutes, Math.ceil(READ_AHEAD / most), (minute) => itemsOf(minute, window, pageSize));
    for await (const item of byPlace(parts)) {
      if (after !== undefined && compareRecords(recordPlaceIn(item), after) <= 0) continue;
      // Its record may have been removed with it.
      const expiresAt = expiryIn(item);
      if (expiresAt !== undefined && expiresAt <= now) continue;
      const record = await recordIn(item);
      if (record.expiresAt > now) yield record;
    }
  }

  const store: EventRecords = {
    named: (name, window, now, limits) => namedAmong(store, name, window, now, limits),
    async record(records) {
      const placed = await withPlaces(records);
      const keyed = placed.map((record): KeyedRecord => ({ key: recordKey(record, recordShards), record }));
      const distinct = distinctBy(keyed, ({ key }) => keyText(key));
      // Bodies before what names them: a crash in between leaves a body that expires, and no record without one.
      await writeItems(access, await inParallel(distinct, itemOf));
    },
    async find(keys: readonly RecordKey[]) {
      const itemKeys = keys.map((key) => (mayBeThere(key) ? recordKey(key, recordShards) : undefined));
      const found = await readItems(
        access,
        itemKeys.filter((key) => key !== undefined),
      );
      return inParallel(itemKeys, async (key) => {
        const item = key === undefined ? undefined : found.get(keyText(key));
        return item === undefined ? undefined : recordIn(item);
      });
    },
    async *records(window, now, pageSize = DEFAULT_PAGE_SIZE, after?: RecordPlace) {
      let page: EventRecord[] = [];
      let characters = 0;
      for await (const record of recordsIn(window, now, pageSize, after)) {
        page.push(record);
        characters += record.body.length;
        if (page.length < pageSize && characters < MAX_PAGE_CHARACTERS) continue;
        yield page;
        page = [];
        characters = 0;
      }
      if (page.length > 0) yield page;
    },
  };
  return store;
}

/**
 * Items that come in the order of their sort keys, in that of their places. Both begin with the moment, but a sort key
 * doesn't have the sequence. Holds one moment's items at a time: a millisecond's.
 */
async function* byPlace(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  let moment: { item: Item; place: RecordPlace }[] = [];
  for await (const item of items) {
    const place = recordPlaceIn(item);
    if (moment[0] !== undefined && moment[0].place.t0.getTime() !== place.t0.getTime()) {
      yield* sorted(moment);
      moment = [];
    }
    moment.push({ item, place });
  }
  yield* sorted(moment);
}

function sorted(moment: { item: Item; place: RecordPlace }[]): Item[] {
  return moment.sort((a, b) => compareRecords(a.place, b.place)).map(({ item }) => item);
}

/** The minutes that a window touches; none if it ends before it begins. */
function* minutesOf({ from, to }: TimeWindow): Generator<Date> {
  if (to <= from) return;
  const first = Math.floor(from.getTime() / MINUTE_MS) * MINUTE_MS;
  for (let minute = first; minute < to.getTime(); minute += MINUTE_MS) yield new Date(minute);
}
