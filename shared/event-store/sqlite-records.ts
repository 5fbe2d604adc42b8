import { setImmediate as nextTurn } from "node:timers/promises";
import { type BodyStore, bodyKeyOf } from "../body-store/body-store.ts";
import { compareRecords, type EventRecord, type RecordKey, type RecordPlace } from "../domain/deliveries/delivery.ts";
import { isCalled, isCalledLike } from "../domain/deliveries/record-names.ts";
import { unreadableRecord } from "../domain/deliveries/unreadable-entry.ts";
import { sha256 } from "../domain/hash.ts";
import { type Read, readJson } from "../domain/text/schema.ts";
import type { Database } from "../sqlite/database.ts";
import { compressed, decompressed } from "./compressed-text.ts";
import type { EventRecords } from "./event-store.ts";
import { factsOf, factsText } from "./record-facts.ts";
import { sqliteNamedRecords } from "./sqlite-named-records.ts";

/**
 * A body of up to 4 KB is the text `body`; a longer one `body_zstd`, compressed; one of more than 300 KB, compressed, a
 * file, and `body_key` its name.
 */
const TABLE = `
  CREATE TABLE IF NOT EXISTS event_records (
    id INTEGER PRIMARY KEY,
    t0 INTEGER NOT NULL,
    event_key TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    facts TEXT NOT NULL,
    body TEXT NOT NULL,
    body_zstd BLOB,
    body_key TEXT,
    expires_at INTEGER NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0,
    UNIQUE (t0, event_key, payload_hash)
  ) STRICT;
`;

/** Shorter texts gain little by compression, and can be read in the file by anybody. */
const MAX_TEXT_BYTES = 4_096;

/** Larger rows make every backup, and every checkpoint of the log, a copy of them. */
const MAX_COLUMN_BYTES = 300 * 1_024;

const DEFAULT_PAGE_SIZE = 500;

/** A page ends early once its bodies have so many bytes, so that memory stays flat whatever their size. */
const MAX_PAGE_BYTES = 4_000_000;

const COLUMNS = "t0, event_key, payload_hash, facts, body, body_zstd, body_key, expires_at, sequence";

type Row = Record<string, unknown>;
type StoredBody = { text: string; zstd: Uint8Array | null; key: string | null };

/**
 * The stored events in the state file.
 * @param bodies where large bodies go; without it they stay in the state file
 */
export function sqliteRecords(
  database: Database,
  bodies: BodyStore | undefined,
  expiryTime: (now: Date) => Date,
): EventRecords & {
  /** Puts large bodies where they belong, and answers what stores each of the records then, inside of a write. */
  recording(records: readonly EventRecord[]): Promise<(() => void)[]>;
  /** Inside of a write. */
  remove(record: RecordKey): void;
} {
  const { connection } = database;
  connection.exec(TABLE);
  const insertRecord = connection.prepare(
    `INSERT INTO event_records (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET facts = excluded.facts, body = excluded.body, body_zstd = excluded.body_zstd,
       body_key = excluded.body_key, expires_at = excluded.expires_at, sequence = max(sequence, excluded.sequence)`,
  );
  const deleteRecord = connection.prepare(
    "DELETE FROM event_records WHERE t0 = ? AND event_key = ? AND payload_hash = ?",
  );
  // Ordered by everything that is unique, so that a page can begin where the last one ended. The index has the moments in
  // order, and the places within one are sorted as they are read: an index of them as well would cost every event. The
  // bodies are read apart, lest they be sorted too. What a file holds isn't known here, but it was too much for a column.
  const selectPlaces = connection.prepare(
    `SELECT id, t0, sequence, event_key, payload_hash, CASE WHEN body_key IS NULL
       THEN octet_length(body) + coalesce(octet_length(body_zstd), 0) ELSE ${MAX_COLUMN_BYTES} END AS bytes
     FROM event_records
     WHERE t0 >= ?1 AND t0 < ?5 AND (t0 > ?1 OR (sequence, event_key, payload_hash) > (?2, ?3, ?4))
     ORDER BY t0, sequence, event_key, payload_hash LIMIT ?6`,
  );
  // Many at once: a statement for each costs more than what it reads.
  const selectRows = connection.prepare(
    `SELECT id, ${COLUMNS} FROM event_records WHERE id IN (SELECT value FROM json_each(?))`,
  );
  const selectRecords = connection.prepare(
    `SELECT key AS n, ${COLUMNS} FROM json_each(?) CROSS JOIN event_records
     WHERE t0 = value ->> 0 AND event_key = value ->> 1 AND payload_hash = value ->> 2`,
  );

  const idsNamed = sqliteNamedRecords(connection);

  async function stored(record: EventRecord): Promise<StoredBody> {
    const { body } = record;
    if (body.length <= MAX_TEXT_BYTES && Buffer.byteLength(body) <= MAX_TEXT_BYTES) return asText(body);
    const zstd = compressed(Buffer.from(body));
    if (bodies === undefined || zstd.byteLength <= MAX_COLUMN_BYTES) return { text: "", zstd, key: null };
    const key = bodyKeyOf(record.expiresAt, nameOf(record));
    await bodies.put(key, zstd);
    return { text: "", zstd: null, key };
  }

  async function recordIn(row: Row): Promise<EventRecord> {
    const body = await bodyIn(row);
    return { ...decodeRecord(row), ...(body.ok ? { body: body.value } : { body: "", unavailable: body.problem }) };
  }

  async function bodyIn({ body, body_zstd: zstd, body_key: key }: Row): Promise<Read<string>> {
    if (key !== null) {
      if (bodies === undefined)
        return { ok: false, problem: `the body ${key} is a file, and there are none beside it` };
      const bytes = await bodies.get(String(key));
      return bytes.ok ? text(bytes.value, `the body in the file ${key}`) : bytes;
    }
    return zstd === null ? { ok: true, value: String(body) } : text(zstd as Uint8Array, "the body in the state file");
  }

  /** The rows after a place, as many as make a page; where they end, if there are more. */
  function rowsAfter(after: RecordPlace, to: Date, limit: number): { rows: Row[]; upTo?: RecordPlace } {
    const { t0, sequence = 0, eventKey, payloadHash } = after;
    const places = selectPlaces.all(t0.getTime(), sequence, eventKey, payloadHash, to.getTime(), limit);
    let bytes = 0;
    const full = places.findIndex((place) => {
      bytes += Number(place.bytes);
      return bytes >= MAX_PAGE_BYTES;
    });
    const page = full === -1 ? places : places.slice(0, full + 1);
    const byId = new Map(selectRows.all(JSON.stringify(page.map(({ id }) => id))).map((row) => [row.id, row]));
    // Another process may have removed what has expired.
    const rows = page.map(({ id }) => byId.get(id)).filter((row) => row !== undefined);
    const last = page.at(-1);
    const isEnd = last === undefined || (full === -1 && places.length < limit);
    return isEnd ? { rows } : { rows, upTo: placeIn(last) };
  }

  async function recording(records: readonly EventRecord[]): Promise<(() => void)[]> {
    // Large bodies before the rows that name them: a crash in between leaves a file that expires.
    const kept = await Promise.all(records.map(stored));
    return records.map((record, index) => () => {
      const { t0, eventKey, payloadHash, expiresAt, sequence = 0 } = record;
      const { text: body, zstd, key } = kept[index] ?? asText(record.body);
      const place = [t0.getTime(), eventKey, payloadHash] as const;
      insertRecord.run(...place, factsText(record), body, zstd, key, expiresAt.getTime(), sequence);
    });
  }

  return {
    recording,
    async record(records) {
      const recorded = await recording(records);
      await database.write(() => {
        for (const record of recorded) record();
      });
    },
    remove: ({ t0, eventKey, payloadHash }) => void deleteRecord.run(t0.getTime(), eventKey, payloadHash),
    find(keys) {
      const asked = JSON.stringify(keys.map(({ t0, eventKey, payloadHash }) => [t0.getTime(), eventKey, payloadHash]));
      const rows = new Map(selectRecords.all(asked).map((row) => [row.n, row]));
      return Promise.all(
        keys.map(async (_, n) => {
          const row = rows.get(n);
          return row === undefined ? undefined : recordIn(row);
        }),
      );
    },
    async named(name, window, now, limits) {
      const { ids, from } = idsNamed(name, window, expiryTime(now), limits);
      const rows = new Map(selectRows.all(JSON.stringify(ids)).map((row) => [row.id, row]));
      const records = await Promise.all(
        ids
          .map((id) => rows.get(id))
          .filter((row) => row !== undefined)
          .map(recordIn),
      );
      // The text that it was looked for in may be damaged, and nobody's name.
      const called = records.filter((record) => isCalled(record, name));
      return { records: called.length > 0 ? called : records.filter((record) => isCalledLike(record, name)), from };
    },
    async *records(window, now, pageSize = DEFAULT_PAGE_SIZE, cursor?: RecordPlace) {
      const start = { t0: window.from, eventKey: "", payloadHash: "" };
      const expired = expiryTime(now).getTime();
      let after: RecordPlace = cursor !== undefined && compareRecords(cursor, start) > 0 ? cursor : start;
      for (;;) {
        const { rows, upTo } = rowsAfter(after, window.to, pageSize);
        const kept = await Promise.all(rows.filter((row) => Number(row.expires_at) > expired).map(recordIn));
        if (kept.length > 0) yield kept;
        if (upTo === undefined) return;
        after = upTo;
        // Nothing above waits for the disk or a timer: without this a long window would be read in one turn of the event
        // loop, and requests and the queue would stand still meanwhile.
        await nextTurn();
      }
    },
  };
}

function asText(text: string): StoredBody {
  return { text, zstd: null, key: null };
}

function text(zstd: Uint8Array, where: string): Read<string> {
  const plain = decompressed(zstd);
  return plain.ok ? { ok: true, value: plain.value.toString() } : { ok: false, problem: `${where} ${plain.problem}` };
}

function nameOf({ t0, eventKey, payloadHash }: RecordKey): string {
  return sha256(`${t0.getTime()}\n${eventKey}\n${payloadHash}`);
}

function decodeRecord(row: Row): Omit<EventRecord, "body"> {
  const apart = { ...placeIn(row), expiresAt: new Date(Number(row.expires_at)) };
  const read = readJson(String(row.facts));
  const facts = read.ok ? factsOf(read.value) : undefined;
  if (facts !== undefined) return { ...facts, ...apart };
  const problem = read.ok ? "something is missing" : read.problem;
  return unreadableRecord(apart, `what is stored of it can't be read: ${problem}`);
}

function placeIn(row: Row): RecordPlace {
  const key = { t0: new Date(Number(row.t0)), eventKey: String(row.event_key), payloadHash: String(row.payload_hash) };
  return row.sequence === 0 ? key : { ...key, sequence: Number(row.sequence) };
}
