import type { EventRecord, RecordKey, RecordPlace } from "../domain/deliveries/delivery.ts";
import { type ShardSchedule, shardsAt } from "../domain/deliveries/shard-schedule.ts";
import { murmur3, sha256 } from "../domain/hash.ts";
import type { Read } from "../domain/text/schema.ts";
import type { Item, ItemKey } from "../dynamodb/dynamodb-batches.ts";
import { itemLayout } from "../dynamodb/item-layout.ts";
import { compressed, decompressed } from "./compressed-text.ts";

/** A record larger than this, compressed, goes to the body store: an item of DynamoDB has 400 KB at most. */
export const MAX_RECORD_BYTES = 300 * 1_024;

const MINUTE_MS = 60_000;

/** A part of the records of one minute. */
export function recordPartition(minute: Date, shard: number): string {
  return `r#${minute.toISOString().slice(0, 16)}#${shard}`;
}

/** Sorts by time. Any key of that moment is greater. */
export function momentText(at: Date): string {
  return String(at.getTime()).padStart(14, "0");
}

/** One key per moment, event and payload, so that the same record again falls on itself. */
export function recordKey({ t0, eventKey, payloadHash }: RecordKey, schedule: ShardSchedule): ItemKey {
  const minute = new Date(Math.floor(t0.getTime() / MINUTE_MS) * MINUTE_MS);
  const shard = murmur3(eventKey) % shardsAt(schedule, t0);
  return {
    pk: recordPartition(minute, shard),
    sk: `${momentText(t0)}#${shorter(eventKey)}#${shorter(payloadHash)}`,
  };
}

/** False for a key that no record has: somebody else's message may ask for anything. */
export function mayBeThere({ eventKey, payloadHash }: RecordKey): boolean {
  return SHA256.test(eventKey) && SHA256.test(payloadHash);
}

const SHA256 = /^[0-9a-f]{64}$/;

/** 43 characters for the 64 hexadecimal digits of a hash. */
function shorter(hash: string): string {
  if (!SHA256.test(hash)) throw new RangeError(`'${hash}' is not a SHA-256 in hexadecimal`);
  return Buffer.from(hash, "hex").toString("base64url");
}

function hashOf(text: string): string {
  return Buffer.from(text, "base64url").toString("hex");
}

/** What a record says besides its key and body. */
type Facts = [
  messageId: string,
  id: string,
  source: string,
  detailType: string,
  time: string,
  idempotencyKey: string,
  subject: EventRecord["subject"],
  components: string[],
  expiresAt: number,
  rejected?: string,
];

/**
 * Facts and body as bytes, compressed where that makes them fewer. Together, because most facts stand in the body too
 * and then cost next to nothing.
 */
export function recordBytes(record: EventRecord): Uint8Array {
  const plain = Buffer.from(`${factsText(record)}\n${record.body}`);
  const bytes = compressed(plain);
  return bytes.byteLength < plain.byteLength ? bytes : plain;
}

/** The facts alone, for the item of a record whose bytes stand elsewhere: who it is about is known without them. */
export function factsText(record: EventRecord): string {
  const { messageId, id, source, detailType, time, idempotencyKey, subject, components, rejected } = record;
  const facts: Facts = [
    messageId,
    id,
    source,
    detailType,
    time,
    idempotencyKey,
    subject,
    components,
    record.expiresAt.getTime(),
    ...(rejected === undefined ? ([] as const) : ([rejected] as const)),
  ];
  return JSON.stringify(facts);
}

const FACTS_BEGIN = "[".charCodeAt(0);

type StoredPlace = Pick<ItemKey, "sk"> & { q?: unknown };

/** The key that `recordKey` has put into an item, and its place. */
export function recordPlaceIn({ sk, q }: StoredPlace): RecordPlace {
  const [moment = "", event = "", payload = ""] = sk.split("#");
  const key = { t0: new Date(Number(moment)), eventKey: hashOf(event), payloadHash: hashOf(payload) };
  return q === undefined ? key : { ...key, sequence: Number(q) };
}

/** The record of these bytes, the item says what isn't in them; or what is wrong with them. */
export function recordOf(item: StoredPlace, bytes: Uint8Array): Read<EventRecord> {
  // Facts begin with a bracket, and what zstd makes with a magic number of its own.
  const plain: Read<Buffer> = bytes[0] === FACTS_BEGIN ? { ok: true, value: Buffer.from(bytes) } : decompressed(bytes);
  if (!plain.ok) return plain;
  const end = plain.value.indexOf("\n");
  const facts = readFactsText(plain.value.toString("utf8", 0, end));
  if (facts === undefined) return { ok: false, problem: "is damaged: its facts can't be read" };
  const body = plain.value.toString("utf8", end + 1);
  return { ok: true, value: { ...recordPlaceIn(item), ...facts, body } };
}

/** What is known of a record whose bytes can't be had: all but its body, or what its key and expiry say. */
export function recordWithout(item: Item, why: string): EventRecord {
  const known = typeof item.f === "string" ? readFactsText(item.f) : undefined;
  const facts = known ?? { ...NOTHING_KNOWN, expiresAt: new Date(Number(item.expires) * 1_000) };
  const place = recordPlaceIn(item);
  return { ...place, ...facts, ...(known ? {} : { time: place.t0.toISOString() }), body: "", unavailable: why };
}

const NOTHING_KNOWN = {
  messageId: "",
  id: "",
  source: "",
  detailType: "",
  time: "",
  idempotencyKey: "",
  subject: {},
  components: [],
};

function readFactsText(text: string): Omit<EventRecord, keyof RecordPlace | "body"> | undefined {
  try {
    const facts = JSON.parse(text) as Facts;
    const [messageId, id, source, detailType, time, idempotencyKey, subject, components, expiresAt, rejected] = facts;
    if (typeof subject !== "object" || subject === null || !Array.isArray(components)) return undefined;
    const told = { messageId, id, source, detailType, time, idempotencyKey, subject, components };
    return { ...told, ...(rejected === undefined ? {} : { rejected }), expiresAt: new Date(expiresAt) };
  } catch {
    return undefined;
  }
}

/** The name of a record's body in the body store. */
export function bodyNameOf({ pk, sk }: ItemKey): string {
  return sha256(`${pk}\n${sk}`);
}

/**
 * `e`: the record's bytes; or `b`: their key in the body store, and `f`: its facts. `q`: its sequence, left out for 0.
 * `expires` and `v` as in `entry-codec.ts`.
 */
export function recordItem(
  key: ItemKey,
  { expiresAt, sequence = 0 }: Pick<EventRecord, "expiresAt" | "sequence">,
  stored: { e: Uint8Array } | { b: string; f: string },
): Item {
  const q = sequence === 0 ? {} : { q: sequence };
  return { ...key, ...itemLayout, ...stored, ...q, expires: Math.ceil(expiresAt.getTime() / 1_000) };
}
