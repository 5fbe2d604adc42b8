import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { GetCommandInput, QueryCommandInput, UpdateCommandInput } from "@aws-sdk/lib-dynamodb";
import { isEnded, type Replay } from "../domain/replays/replay.ts";
import type { UnreadableReplay } from "../domain/replays/unreadable-replay.ts";
import type { Read } from "../domain/text/schema.ts";
import type { Item, ItemKey } from "../dynamodb/dynamodb-batches.ts";
import { itemLayout, refuseNewerItem } from "../dynamodb/item-layout.ts";
import { encodeReplay, storedReplay } from "./replay-codec.ts";

/*
 * A replay as an item, under the key that the table in `dynamodb-event-requests.ts` gives it:
 *
 * | attribute     | type | what                                                                       |
 * |---------------|------|----------------------------------------------------------------------------|
 * | `revision`    | N    | lock                                                                       |
 * | `requestedAt` | N    | `requestedAt` in ms since the epoch                                        |
 * | `ended`       | BOOL | whether it has ended                                                       |
 * | `text`        | B    | the replay as JSON, compressed where that makes it shorter                 |
 * | `v`           | N    | its layout                                                                 |
 * | `c0` to `c7`  | S    | the id of the change that made lock n, under n modulo 8                           |
 */

const PARTITION = "replays";

/** So many of the last changes are known by their ids. */
const CHANGES_KNOWN = 8;

function replayKey(name: string): ItemKey {
  return { pk: PARTITION, sk: name };
}

/** Where the change that made a lock leaves its id. */
function changeName(lock: number): string {
  return `c${lock % CHANGES_KNOWN}`;
}

/**
 * Stores a replay at its lock: the first if there is none of the name, and any later one in the place of the one
 * before it. 1 WRU per KB.
 */
export function putRequest(tableName: string, replay: Replay, changeId: string): UpdateCommandInput {
  const { name, lock, requestedAt } = replay;
  const isFirst = lock === 1;
  return {
    TableName: tableName,
    Key: replayKey(name),
    UpdateExpression:
      "SET #revision = :revision, #requestedAt = :requestedAt, #ended = :ended, #text = :text, #layout = :layout, #change = :change",
    ConditionExpression: isFirst ? "attribute_not_exists(pk)" : "#revision = :before",
    ExpressionAttributeNames: {
      "#revision": "revision",
      "#requestedAt": "requestedAt",
      "#ended": "ended",
      "#text": "text",
      "#layout": "v",
      "#change": changeName(lock),
    },
    ExpressionAttributeValues: {
      ":revision": lock,
      ":requestedAt": requestedAt.getTime(),
      ":ended": isEnded(replay),
      ":text": packed(encodeReplay(replay)),
      ":layout": itemLayout.v,
      ":change": changeId,
      ...(isFirst ? {} : { ":before": lock - 1 }),
    },
  };
}

/** True when this lock was made by the change with this id, as far as it is still known. */
export function wasMade(item: Item | undefined, lock: number, changeId: string): boolean {
  return item?.[changeName(lock)] === changeId;
}

export function getRequest(tableName: string, name: string): GetCommandInput {
  return { TableName: tableName, Key: replayKey(name), ConsistentRead: true };
}

/** All replays, or those that haven't ended. 1 RRU per 4 KB of all of them either way. */
export function allRequest(tableName: string, about: { activeOnly: boolean }): QueryCommandInput {
  return {
    TableName: tableName,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :replays",
    ...(about.activeOnly ? { FilterExpression: "#ended = :no", ExpressionAttributeNames: { "#ended": "ended" } } : {}),
    ExpressionAttributeValues: { ":replays": PARTITION, ...(about.activeOnly ? { ":no": false } : {}) },
  };
}

/** @throws NewerLayout when a newer Turnout has written it */
export function readReplay(item: Item): Replay | UnreadableReplay {
  refuseNewerItem(item);
  return storedReplay({ name: item.sk, requestedAt: new Date(requestedAtOf(item)) }, unpacked(item.text));
}

/** In ms since the epoch; 0 where it isn't known. */
export function requestedAtOf({ requestedAt }: Item): number {
  const at = typeof requestedAt === "number" ? new Date(requestedAt).getTime() : 0;
  return Number.isNaN(at) ? 0 : at;
}

/** A JSON object begins with a brace, and what zstd makes with a magic number of its own. */
const OBJECT_BEGINS = "{".charCodeAt(0);

function packed(text: string): Uint8Array {
  const plain = Buffer.from(text);
  // With a checksum: a flipped bit is noticed.
  const compressed = zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  return compressed.byteLength < plain.byteLength ? compressed : plain;
}

function unpacked(bytes: unknown): Read<string> {
  if (!(bytes instanceof Uint8Array)) return { ok: false, problem: "its text is missing" };
  try {
    const plain = bytes[0] === OBJECT_BEGINS ? Buffer.from(bytes) : zstdDecompressSync(bytes);
    return { ok: true, value: plain.toString() };
  } catch (error) {
    return { ok: false, problem: `its text is damaged: ${error instanceof Error ? error.message : error}` };
  }
}
