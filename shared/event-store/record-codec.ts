import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { EventRecord, RecordKey } from "../domain/delivery.ts";
import { sha256 } from "../domain/delivery-key.ts";
import { murmur3 } from "../domain/rollout.ts";
import { type ShardSchedule, shardsAt } from "../domain/shard-schedule.ts";
import type { Item, ItemKey } from "../dynamodb/dynamodb-batches.ts";
import { itemLayout } from "../dynamodb/item-layout.ts";

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
  const plain = Buffer.from(`${JSON.stringify(facts)}\n${record.body}`);
  // By default 16 KB are set aside for each record, and kept until it is sent.
  const chunkSize = Math.max(MIN_CHUNK_BYTES, Math.min(MAX_CHUNK_BYTES, plain.byteLength));
  const compressed = zstdCompressSync(plain, { chunkSize });
  return compressed.byteLength < plain.byteLength ? compressed : plain;
}

/** What zlib takes at least, and by default, for the parts of its output. */
const MIN_CHUNK_BYTES = 64;
const MAX_CHUNK_BYTES = 16_384;

const FACTS_BEGIN = "[".charCodeAt(0);

/** The key that `recordKey` has put into an item. */
export function recordKeyIn({ sk }: Pick<ItemKey, "sk">): RecordKey {
  const [moment = "", event = "", payload = ""] = sk.split("#");
  return { t0: new Date(Number(moment)), eventKey: hashOf(event), payloadHash: hashOf(payload) };
}

/** The record of these bytes; the key says what isn't in them. */
export function recordOf(key: Pick<ItemKey, "sk">, bytes: Uint8Array): EventRecord {
  // Facts begin with a bracket, and what zstd makes with a magic number of its own.
  const plain = bytes[0] === FACTS_BEGIN ? Buffer.from(bytes) : zstdDecompressSync(bytes);
  const end = plain.indexOf("\n");
  const facts = JSON.parse(plain.toString("utf8", 0, end)) as Facts;
  const [messageId, id, source, detailType, time, idempotencyKey, subject, components, expiresAt, rejected] = facts;
  return {
    ...recordKeyIn(key),
    messageId,
    id,
    source,
    detailType,
    time,
    idempotencyKey,
    subject,
    components,
    body: plain.toString("utf8", end + 1),
    ...(rejected === undefined ? {} : { rejected }),
    expiresAt: new Date(expiresAt),
  };
}

/** The name of a record's body in the body store. */
export function bodyNameOf({ pk, sk }: ItemKey): string {
  return sha256(`${pk}\n${sk}`);
}

/** `e`: the record's bytes; `b`: their key in the body store instead. `expires` and `v` as in `entry-codec.ts`. */
export function recordItem(key: ItemKey, expiresAt: Date, stored: { e: Uint8Array } | { b: string }): Item {
  return { ...key, ...itemLayout, ...stored, expires: Math.ceil(expiresAt.getTime() / 1_000) };
}
