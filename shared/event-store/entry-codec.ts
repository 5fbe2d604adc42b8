import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Attempt, DeliveryError, DeliveryStatus, LedgerEntry } from "../domain/deliveries/delivery.ts";
import { componentIn, eventKeyIn } from "../domain/deliveries/delivery-key.ts";
import { isWhole, unreadableEntry } from "../domain/deliveries/unreadable-entry.ts";
import { becauseOf } from "../domain/routing/stored-because.ts";
import type { Item, ItemKey } from "../dynamodb/dynamodb-batches.ts";
import { type ItemLayout, itemLayout, refuseNewerItem } from "../dynamodb/item-layout.ts";
import { expiryIn } from "./item-expiry.ts";
import { shortened } from "./shortened-entry.ts";

/** DynamoDB counts writes by the KB: an entry within one costs one write unit for each of its changes. */
export const MAX_ENTRY_BYTES = 1_024;

/**
 * A ledger entry as an item:
 *
 * | attribute | type   | what                                                                                      |
 * |-----------|--------|-------------------------------------------------------------------------------------------|
 * | `pk`      | S      | `d#` and the event key                                                                    |
 * | `sk`      | S      | component, `#`, generation, and for a refused payload `#` and its hash                    |
 * | `s`       | S      | status                                                                                    |
 * | `a`       | N      | attempt                                                                                   |
 * | `o`       | B or S | owner: the 16 bytes of a UUID, or text                                                    |
 * | `h`       | B or S | payload hash: 32 bytes, or text                                                           |
 * | `d`       | N      | `dueAt` in ms since the epoch, while it has one                                           |
 * | `r`       | S      | `replay`, if it has one                                                                   |
 * | `e`       | S or B | all the rest as a JSON array; zstd of it where that is needed to stay within 1 KB         |
 * | `v`       | N      | its layout                                                                                |
 * | `expires` | N      | when DynamoDB may remove it, in whole seconds since the epoch, rounded up                 |
 */
export type EntryAttributes = ItemLayout & {
  s: string;
  a: number;
  o: string | Uint8Array;
  h: string | Uint8Array;
  d?: number;
  r?: string;
  e: string | Uint8Array;
  expires: number;
};

export function entryKey(deliveryKey: string): ItemKey {
  const eventKey = eventKeyIn(deliveryKey);
  const component = componentIn(deliveryKey);
  return {
    pk: eventPartition(eventKey),
    sk: `${component}${deliveryKey.slice(component.length + 1 + eventKey.length)}`,
  };
}

export function eventPartition(eventKey: string): string {
  return `d#${eventKey}`;
}

function deliveryKeyOfItem({ pk, sk }: ItemKey): string {
  const split = sk.indexOf("#");
  return `${sk.slice(0, split)}#${pk.slice(2)}${sk.slice(split)}`;
}

const codes: Record<Attempt["outcome"], string> = {
  done: "d",
  failed: "f",
  dead: "x",
  postponed: "p",
  accepted: "a",
  "lease lapsed": "l",
  "outcome missing": "m",
};
const outcomes = Object.fromEntries(Object.entries(codes).map(([outcome, code]) => [code, outcome]));

/** What is said of an entry in `e`, in this order. Times are in ms after the entry's own `since`. */
type Rest = [
  since: number,
  t0: number,
  leaseUntil: number,
  failures: number,
  lapses: number,
  routingRevision: number,
  alias: string,
  because: string,
  expiresEarlier: number,
  generation: string | 0,
  executedVersion: string | 0,
  nextAttemptAt: number | null,
  closedAt: number | null,
  /** 0: none; 1: the last attempt's. */
  error: [type: string, message: string] | 0 | 1,
  ...attempts: StoredAttempt[],
];

type StoredAttempt = [
  attempt: number,
  at: number,
  outcome: string,
  version?: string | 0,
  durationMs?: number | null,
  type?: string | 0,
  message?: string | 0,
  requestId?: string | 0,
  stack?: string,
];

/** The attributes of an entry but for its key: within 1 KB whatever its attempts have said. */
export function encodeEntry(entry: LedgerEntry): EntryAttributes {
  const attributes: Omit<EntryAttributes, "e"> = {
    ...itemLayout,
    s: entry.status,
    a: entry.attempt,
    o: packed(entry.owner, UUID),
    h: packed(entry.payloadHash, SHA256),
    ...(entry.dueAt === undefined ? {} : { d: entry.dueAt.getTime() }),
    ...(entry.replay === undefined ? {} : { r: entry.replay }),
    expires: Math.ceil(entry.expiresAt.getTime() / 1_000),
  };
  const room = MAX_ENTRY_BYTES - itemBytes(entryKey(entry.deliveryKey)) - itemBytes(attributes) - "e".length;
  const text = JSON.stringify(restOf(entry));
  if (Buffer.byteLength(text) <= room) return { ...attributes, e: text };
  for (const shorter of shortened(entry)) {
    const e = zstdCompressSync(JSON.stringify(restOf(shorter)));
    if (e.byteLength <= room) return { ...attributes, e };
  }
  throw new RangeError(`the ledger entry ${entry.deliveryKey} doesn't fit in ${MAX_ENTRY_BYTES} bytes`);
}

/**
 * The entry of an item; where it can't be read, what stands in for it.
 * @throws NewerLayout when a newer Turnout has written it
 */
export function decodeEntry(item: Item): LedgerEntry {
  refuseNewerItem(item);
  const expiresAt = expiryIn(item) ?? new Date(0);
  try {
    const entry = decoded(item);
    return isWhole(entry) ? entry : unreadableEntry(deliveryKeyOfItem(item), "it is not whole", expiresAt);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return unreadableEntry(deliveryKeyOfItem(item), problem, expiresAt);
  }
}

function decoded(item: Item): LedgerEntry {
  const { s, a, o, h, d, r, e, expires } = item;
  const text = typeof e === "string" ? e : zstdDecompressSync(e as Uint8Array).toString();
  const [since, t0, leaseUntil, failures, lapses, routingRevision, alias, because, earlier, ...more] = JSON.parse(
    text,
  ) as Rest;
  const [generation, version, next, closed, error, ...stored] = more;
  const after = (ms: number) => new Date(since + ms);
  const attempts = stored.map((one) => decodeAttempt(one, after));
  const known = error === 0 ? undefined : error === 1 ? lastError(attempts) : { type: error[0], message: error[1] };
  return {
    deliveryKey: deliveryKeyOfItem(item),
    component: item.sk.slice(0, item.sk.indexOf("#")),
    eventKey: item.pk.slice(2),
    generation: generation === 0 ? generationIn(item.sk) : generation,
    status: s as DeliveryStatus,
    attempt: Number(a),
    failures,
    lapses,
    since: after(0),
    owner: unpacked(o, UUID),
    leaseUntil: after(leaseUntil),
    payloadHash: unpacked(h, SHA256),
    t0: after(t0),
    alias,
    because: becauseOf(because),
    routingRevision,
    ...(r === undefined ? {} : { replay: String(r) }),
    ...(version === 0 ? {} : { executedVersion: version }),
    ...(next === null ? {} : { nextAttemptAt: after(next) }),
    ...(d === undefined ? {} : { dueAt: new Date(Number(d)) }),
    ...(closed === null ? {} : { closedAt: after(closed) }),
    ...(known === undefined ? {} : { error: known }),
    attempts,
    expiresAt: new Date(Number(expires) * 1_000 - earlier),
  };
}

function restOf(entry: LedgerEntry): Rest {
  const since = entry.since.getTime();
  const ms = (at: Date) => at.getTime() - since;
  const { error, attempts, expiresAt } = entry;
  const last = attempts.at(-1)?.error;
  const same = error !== undefined && error.type === last?.type && error.message === last.message;
  return [
    since,
    ms(entry.t0),
    ms(entry.leaseUntil),
    entry.failures,
    entry.lapses,
    entry.routingRevision,
    entry.alias,
    entry.because,
    Math.ceil(expiresAt.getTime() / 1_000) * 1_000 - expiresAt.getTime(),
    entry.generation === generationIn(entryKey(entry.deliveryKey).sk) ? 0 : entry.generation,
    entry.executedVersion ?? 0,
    entry.nextAttemptAt === undefined ? null : ms(entry.nextAttemptAt),
    entry.closedAt === undefined ? null : ms(entry.closedAt),
    error === undefined ? 0 : same ? 1 : [error.type, error.message],
    ...attempts.map((attempt) => encodeAttempt(attempt, ms)),
  ];
}

/** In the entry an error has no stack: that is the attempt's. */
function lastError(attempts: readonly Attempt[]): DeliveryError | undefined {
  const error = attempts.at(-1)?.error;
  return error && { type: error.type, message: error.message };
}

function encodeAttempt(attempt: Attempt, ms: (at: Date) => number): StoredAttempt {
  const { version, durationMs, error, requestId } = attempt;
  const stored: StoredAttempt = [attempt.attempt, ms(attempt.at), codes[attempt.outcome]];
  if (requestId !== undefined || error?.stack !== undefined) {
    stored.push(version ?? 0, durationMs ?? null, error?.type ?? 0, error?.message ?? 0, requestId ?? 0);
    if (error?.stack !== undefined) stored.push(error.stack);
    return stored;
  }
  if (version !== undefined || durationMs !== undefined || error !== undefined) stored.push(version ?? 0);
  if (durationMs !== undefined || error !== undefined) stored.push(durationMs ?? null);
  if (error !== undefined) stored.push(error.type, error.message);
  return stored;
}

function decodeAttempt(stored: StoredAttempt, after: (ms: number) => Date): Attempt {
  const [attempt, at, code, version = 0, durationMs = null, type = 0, message = 0, ...more] = stored;
  const [requestId = 0, stack] = more;
  return {
    attempt,
    at: after(at),
    outcome: outcomes[code] as Attempt["outcome"],
    ...(version === 0 ? {} : { version }),
    ...(durationMs === null ? {} : { durationMs }),
    ...(requestId === 0 ? {} : { requestId }),
    ...(type === 0 || message === 0 ? {} : { error: { type, message, ...(stack !== undefined && { stack }) } }),
  };
}

/** What follows the component in a sort key, up to the hash of a refused payload. */
function generationIn(sk: string): string {
  return sk.split("#", 3)[1] ?? "";
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** The bytes that a text of hexadecimal digits stands for; any other text as it is. */
function packed(text: string, form: RegExp): string | Uint8Array {
  return form.test(text) ? Buffer.from(text.replaceAll("-", ""), "hex") : text;
}

function unpacked(value: unknown, form: RegExp): string {
  if (!(value instanceof Uint8Array)) return String(value);
  const digits = Buffer.from(value).toString("hex");
  if (form === SHA256) return digits;
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
    "-",
  );
}

/** The owner as the item has it, for conditions. */
export function ownerOf({ owner }: Pick<LedgerEntry, "owner">): string | Uint8Array {
  return packed(owner, UUID);
}

/**
 * What DynamoDB counts as an item's size: names and values in UTF-8, bytes as they are, numbers by half a byte per
 * digit and two (Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats").
 */
export function itemBytes(item: Record<string, unknown>): number {
  let sum = 0;
  for (const name in item) {
    const value = item[name];
    sum += Buffer.byteLength(name);
    if (value instanceof Uint8Array) sum += value.byteLength;
    else if (typeof value === "number") sum += Math.ceil(`${value}`.length / 2) + 2;
    else sum += Buffer.byteLength(String(value));
  }
  return sum;
}
