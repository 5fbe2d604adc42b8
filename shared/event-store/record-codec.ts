import type { EventRecord, RecordKey, RecordPlace } from "../domain/deliveries/delivery.ts";
import { recordExpiry } from "../domain/deliveries/retention.ts";
import { type ShardSchedule, shardsAt } from "../domain/deliveries/shard-schedule.ts";
import { unreadableRecord } from "../domain/deliveries/unreadable-entry.ts";
import { murmur3, sha256 } from "../domain/hash.ts";
import { type Read, readJson } from "../domain/text/schema.ts";
import type { Item, ItemKey } from "../dynamodb/dynamodb-batches.ts";
import { itemLayout } from "../dynamodb/item-layout.ts";
import { compressed, decompressed } from "./compressed-text.ts";
import { expiryIn } from "./item-expiry.ts";
import { hasFacts, type RecordFacts } from "./record-facts.ts";

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

const SORT_KEY = /^\d{14}#[\w-]{43}#[\w-]{43}$/;

/** False for an item that no record has left here: nobody can say what it stands for. */
export function isOfRecord({ sk }: Pick<ItemKey, "sk">): boolean {
  return SORT_KEY.test(sk);
}

/** The key that `recordKey` has put into an item, and its place. */
export function recordPlaceIn({ sk, q }: StoredPlace): RecordPlace {
  const [moment = "", event = "", payload = ""] = sk.split("#");
  const key = { t0: new Date(Number(moment)), eventKey: hashOf(event), payloadHash: hashOf(payload) };
  return Number.isSafeInteger(q) ? { ...key, sequence: Number(q) } : key;
}

/** The record of these bytes, the item says what isn't in them; or what is wrong with them. */
export function recordOf(item: Item, bytes: unknown): Read<EventRecord> {
  if (!(bytes instanceof Uint8Array)) return { ok: false, problem: "is damaged: its bytes are missing" };
  // Facts begin with a bracket, and what zstd makes with a magic number of its own.
  const plain: Read<Buffer> = bytes[0] === FACTS_BEGIN ? { ok: true, value: Buffer.from(bytes) } : decompressed(bytes);
  if (!plain.ok) return plain;
  const end = plain.value.indexOf("\n");
  if (end < 0) return { ok: false, problem: "is damaged: it was cut off" };
  const facts = readFactsText(plain.value.toString("utf8", 0, end));
  const body = plain.value.toString("utf8", end + 1);
  if (facts !== undefined) return { ok: true, value: { ...recordPlaceIn(item), ...facts, body } };
  return { ok: true, value: { ...unreadableRecord(recordKnownBy(item), FACTS_UNREADABLE), body } };
}

/** What is known of a record whose bytes can't be had: all but its body, or what its key and expiry say. */
export function recordWithout(item: Item, why: string): EventRecord {
  const facts = typeof item.f === "string" ? readFactsText(item.f) : undefined;
  const known = facts === undefined ? unreadableRecord(recordKnownBy(item), why) : { ...recordPlaceIn(item), ...facts };
  return { ...known, body: "", unavailable: why };
}

const FACTS_UNREADABLE = "what is stored of it can't be read: something is missing";

/** Place and expiry: what an item says of its record beside its bytes. */
function recordKnownBy(item: Item): RecordPlace & Pick<EventRecord, "expiresAt"> {
  const place = recordPlaceIn(item);
  return { ...place, expiresAt: expiryIn(item) ?? recordExpiry(undefined, "", place.t0) };
}

function readFactsText(text: string): (RecordFacts & Pick<EventRecord, "expiresAt">) | undefined {
  const json = readJson(text);
  if (!json.ok || !Array.isArray(json.value)) return undefined;
  const [messageId, id, source, detailType, time, idempotencyKey, subject, components, expires, rejected] =
    json.value as Facts;
  const told = { messageId, id, source, detailType, time, idempotencyKey, subject, components };
  const facts = rejected === undefined ? told : { ...told, rejected };
  const expiresAt = new Date(typeof expires === "number" ? expires : Number.NaN);
  return hasFacts(facts) && !Number.isNaN(expiresAt.getTime()) ? { ...facts, expiresAt } : undefined;
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
