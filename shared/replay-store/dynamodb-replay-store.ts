import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Replay } from "../domain/replays/replay.ts";
import { ReplayUnreadable, readableReplays, UnreadableReplay } from "../domain/replays/unreadable-replay.ts";
import { writeOnCondition } from "../dynamodb/conditional-write.ts";
import { type Item, queryPages, type TableAccess } from "../dynamodb/dynamodb-batches.ts";
import { retrying } from "../dynamodb/dynamodb-retry.ts";
import { allRequest, getRequest, putRequest, readReplay, requestedAtOf, wasMade } from "./dynamodb-replay-requests.ts";
import type { ReplayStore } from "./replay-store.ts";

export type DynamoDBReplayStoreOptions = Omit<TableAccess, "table"> & {
  /** The event store's table. */
  tableName: string;
  /** Drawn at random per change: by it a repeated request recognises what it did before. */
  newId: () => string;
};

/**
 * The replays in the event store's DynamoDB table, all in one partition: made for some thousands of them.
 *
 * Requests: `create` and `update` 1 UpdateItem, and 1 GetItem more when one whose answer was lost is refused; `get` 1
 * GetItem; `list` and `active` 1 Query, and more past 1 MB of all replays.
 */
export function dynamodbReplayStore(options: DynamoDBReplayStoreOptions): ReplayStore {
  const { tableName, newId, ...retried } = options;
  const access: TableAccess = { ...retried, table: { name: tableName, setting: "TURNOUT_EVENT_TABLE" } };
  const { client, table } = access;

  async function itemOf(name: string): Promise<Item | undefined> {
    const { Item: found } = await client.send(new GetCommand(getRequest(tableName, name)));
    return found as Item | undefined;
  }

  /** Stores a replay at its lock; false when somebody else came first. */
  function put(replay: Replay): Promise<boolean> {
    const changeId = newId();
    const request = putRequest(tableName, replay, changeId);
    return writeOnCondition(
      access,
      () => client.send(new UpdateCommand(request)),
      async () => wasMade(await itemOf(replay.name), replay.lock, changeId),
    );
  }

  /** In order of `requestedAt`, then of the names. */
  async function all(about: { activeOnly: boolean }): Promise<Item[]> {
    const pages = await Array.fromAsync(queryPages(access, allRequest(tableName, about)));
    return pages.flat().sort((a, b) => requestedAtOf(a) - requestedAtOf(b) || (a.sk < b.sk ? -1 : 1));
  }

  return {
    create(replay) {
      return put({ ...replay, lock: 1 });
    },
    async get(name) {
      const item = await retrying(access, table, () => itemOf(name));
      const replay = item === undefined ? undefined : readReplay(item);
      if (replay instanceof UnreadableReplay) throw new ReplayUnreadable(replay);
      return replay;
    },
    async list(limit) {
      const items = await all({ activeOnly: false });
      return items.toReversed().slice(0, limit).map(readReplay);
    },
    async active() {
      return readableReplays((await all({ activeOnly: true })).map(readReplay));
    },
    async update(replay) {
      const next = { ...replay, lock: replay.lock + 1 };
      return (await put(next)) ? next : undefined;
    },
  };
}
