import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactGetCommand,
  TransactWriteCommand,
} from "@aws-sdk/lib-dynamodb";
import { TurnoutError } from "../domain/errors.ts";
import { LAYOUT, NewerLayout } from "../domain/layout.ts";
import {
  type ChangeLogEntry,
  type CommitResult,
  type Revision,
  type RoutingChange,
  type RowKey,
  settingsKeys,
} from "../domain/routing/routing-change.ts";
import { rowMap } from "../domain/routing/row-map.ts";
import { storedRow } from "../domain/routing/stored-row.ts";
import type { SubjectRow } from "../domain/routing/subject-rows.ts";
import type { UnreadableRow } from "../domain/routing/unreadable-row.ts";
import { type SubjectLevel, subjectLevels } from "../domain/subject.ts";
import {
  answerTooLarge,
  conditionFailed,
  GaveUp,
  ReadAgain,
  type Retrying,
  retrying,
} from "../dynamodb/dynamodb-retry.ts";
import {
  commitRequest,
  componentKeysIn,
  fateKeys,
  headRequest,
  type ItemKey,
  itemKeyOf,
  logRequest,
  MAX_KEYS_PER_READ,
  NAMES,
  sourceKeysIn,
  subjectShards,
  subjectsRequest,
  togetherRequest,
  usersHaveRowsIn,
} from "./dynamodb-requests.ts";
import { componentSnapshot, decodeChange } from "./routing-codec.ts";
import type { RoutingTable, RowSnapshot } from "./routing-table.ts";

export type DynamoDBRoutingTableOptions = Retrying & {
  /** Should not retry by itself: what is tried again, and how, is decided here. */
  client: Pick<DynamoDBDocumentClient, "send">;
  tableName: string;
};

type Item = Record<string, unknown>;

type KeyedSubject = { id: string; row: SubjectRow | UnreadableRow };

/** Items in the order of the keys asked for, all as of `revision`. */
type Together = { revision: Revision; items: (Item | undefined)[] };

/**
 * The routing table in one DynamoDB table; its layout stands in `dynamodb-requests.ts`.
 *
 * Requests: `head` 1 GetItem; `rows` 1 TransactGetItems per 99 keys; `components` 2 TransactGetItems up to 98
 * components; `changesAfter` 1 Query per MB, and 1 GetItem when there are fewer than asked for; `subjects` 8 Queries
 * and 1 more per further MB; `allRows` those of all levels, and 1 TransactGetItems per 99 other rows and 1 more; `commit` 1 TransactWriteItems, and 1 TransactGetItems when it lost.
 */
export function dynamodbRoutingTable(options: DynamoDBRoutingTableOptions): RoutingTable {
  const { client, tableName } = options;
  const named = { name: tableName, setting: "TURNOUT_ROUTING_TABLE" };
  const patiently = <T>(work: () => Promise<T>) => retrying(options, named, work);

  /** Every batch and every command reads the head: a table that a newer Turnout has taken over is refused at once. */
  function headIn(head: Item | undefined): Revision {
    const layout = Number(head?.layout ?? 0);
    if (layout > LAYOUT) throw new NewerLayout(`The routing table '${tableName}'`, layout);
    return revisionIn(head);
  }

  async function readHead(): Promise<Revision> {
    return headIn((await client.send(new GetCommand(headRequest(tableName)))).Item);
  }

  /** One transaction's worth: at most 99 keys. */
  async function readOnce(keys: readonly ItemKey[]): Promise<Together> {
    const { Responses } = await client.send(new TransactGetCommand(togetherRequest(tableName, keys)));
    const [head, ...items] = (Responses ?? []).map(({ Item }) => Item);
    return { revision: headIn(head), items };
  }

  /** Any number of keys: several transactions are one snapshot if all of them saw the same head. */
  async function readTogether(keys: readonly ItemKey[]): Promise<Together> {
    let perRead = MAX_KEYS_PER_READ;
    for (;;) {
      try {
        return await patiently(async () => {
          const parts = await Promise.all(chunks(keys, perRead).map(readOnce));
          const revision = parts[0]?.revision ?? 0;
          if (parts.some((part) => part.revision !== revision)) throw new ReadAgain("the table changed between reads");
          return { revision, items: parts.flatMap(({ items }) => items) };
        });
      } catch (error) {
        // Large rows, more than 4 MB together: the same in smaller parts.
        if (!answerTooLarge(error) || perRead === 1) throw error;
        perRead = Math.ceil(perRead / 4);
      }
    }
  }

  async function* pages(request: QueryCommandInput): AsyncGenerator<Item[]> {
    let ExclusiveStartKey: Item | undefined;
    do {
      const page = await patiently(() =>
        client.send(new QueryCommand(ExclusiveStartKey === undefined ? request : { ...request, ExclusiveStartKey })),
      );
      yield page.Items ?? [];
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }

  async function entriesAfter(revision: Revision, limit: number): Promise<ChangeLogEntry[]> {
    const entries: ChangeLogEntry[] = [];
    for await (const page of pages(logRequest(tableName, revision, limit))) {
      for (const item of page) entries.push(decodeItem(item));
      if (entries.length >= limit) break;
    }
    return entries.slice(0, limit);
  }

  async function readRows(keys: readonly RowKey[]): Promise<RowSnapshot> {
    const distinct = [...new Set(keys)];
    const { revision, items } = await readTogether(distinct.map(itemKeyOf));
    const rows = rowMap();
    distinct.forEach((key, index) => {
      const item = items[index];
      if (item !== undefined) rows.set(key, storedRow(key, String(item.value)));
    });
    return { revision, rows };
  }

  const subjects = (level: SubjectLevel, beginning = "") =>
    inOrder(subjectShards.map((shard) => subjectsIn(level, shard, beginning)));

  async function* subjectsIn(level: SubjectLevel, shard: string, beginning: string): AsyncGenerator<KeyedSubject> {
    for await (const page of pages(subjectsRequest(tableName, level, shard, beginning))) {
      for (const { sk, value } of page) {
        yield { id: String(sk), row: storedRow(`${level}#${sk}`, String(value)) };
      }
    }
  }

  /** What became of a commit that wasn't plainly answered; undefined when nothing of it is there and it may be made. */
  async function fateOf({ changeId }: RoutingChange, expected: Revision): Promise<CommitResult | undefined> {
    const { revision: head, items } = await readOnce(fateKeys(changeId, expected));
    const [winner, mark] = items;
    if (mark !== undefined) return { committed: true, revision: revisionIn(mark) };
    if (head < expected) throw new RangeError(`revision ${expected} is past the head, ${head}`);
    if (head === expected) return undefined;
    if (winner === undefined) {
      throw damaged(tableName, `its head is ${head}, but the change log has no revision ${expected + 1}`);
    }
    return { committed: false, head, winner: decodeItem(winner) };
  }

  return {
    head: () => patiently(readHead),
    async changesAfter(revision, limit) {
      if (limit <= 0) return [];
      let head: Revision | undefined;
      return patiently(async () => {
        const entries = await entriesAfter(revision, limit);
        if (entries.some((entry, index) => entry.revision !== revision + 1 + index)) {
          throw new ReadAgain(`the change log has a gap after revision ${revision}`);
        }
        if (entries.length === limit) return entries;
        // The end of the log, or of what a Query shows yet of a change that the head has been told about.
        head ??= await readHead();
        if (revision + entries.length < Math.min(head, revision + limit)) {
          throw new ReadAgain(`the change log ends before revision ${head}`);
        }
        return entries;
      });
    },
    rows: readRows,
    async components() {
      const list = await readTogether([NAMES]);
      let keys = componentKeysIn(list.items[0]);
      if (keys.length === 0) return componentSnapshot(list.revision, [], usersHaveRowsIn(list.items[0]));
      return patiently(async () => {
        const { revision, items } = await readTogether([NAMES, ...keys.map(itemKeyOf)]);
        const [names, ...found] = items;
        const listed = componentKeysIn(names);
        if (listed.join() !== keys.join()) {
          keys = listed;
          throw new ReadAgain("a component came or went between reads");
        }
        const texts = found.map((item) => String(item?.value ?? "there is no such row"));
        return componentSnapshot(
          revision,
          listed.map((key, index) => ({ key, text: texts[index] ?? "" })),
          usersHaveRowsIn(names),
        );
      });
    },
    subjects,
    async *allRows() {
      const { items } = await readTogether([NAMES]);
      const single: RowKey[] = [...settingsKeys, ...componentKeysIn(items[0]), ...sourceKeysIn(items[0])];
      for (const keys of chunks(single, MAX_KEYS_PER_READ)) {
        const { rows } = await readRows(keys);
        for (const [key, row] of rows) yield { key, row };
      }
      for (const level of subjectLevels.toReversed()) {
        for await (const { id, row } of subjects(level)) yield { key: `${level}#${id}`, row };
      }
    },
    async commit(change, expected) {
      const request = commitRequest(tableName, change, expected);
      try {
        return await patiently(async (): Promise<CommitResult> => {
          try {
            await client.send(new TransactWriteCommand(request));
            return { committed: true, revision: expected + 1 };
          } catch (error) {
            if (!conditionFailed(error)) throw error;
          }
          // Somebody came first. It may have been this very change: its answer was lost, and the request came again.
          const fate = await fateOf(change, expected);
          if (fate === undefined) throw damaged(tableName, `its change log goes beyond its head, ${expected}`);
          return fate;
        });
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
        // The last answer may have been lost after the change was made.
        const fate = await patiently(() => fateOf(change, expected)).catch((unanswered: unknown) => {
          throw unanswered instanceof GaveUp ? fateUnknown(tableName, error) : unanswered;
        });
        if (fate === undefined) throw error;
        return fate;
      }
    },
  };
}

/** Merges listings that are each in the order of their ids' UTF-8 bytes, as both DynamoDB and SQLite sort them. */
async function* inOrder<T extends { id: string }>(listings: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const next = async (listing: AsyncGenerator<T>) => {
    const { value, done } = await listing.next();
    return done === true ? undefined : { value, bytes: Buffer.from(value.id), listing };
  };
  let heads = await Promise.all(listings.map(next));
  for (;;) {
    const waiting = heads.filter((head) => head !== undefined);
    const [first, ...others] = waiting;
    if (first === undefined) return;
    const least = others.reduce((best, head) => (Buffer.compare(head.bytes, best.bytes) < 0 ? head : best), first);
    yield least.value;
    const after = await next(least.listing);
    heads = waiting.map((head) => (head === least ? after : head));
  }
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  const parts = Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
  return parts.length === 0 ? [[]] : parts;
}

function revisionIn(item: Item | undefined): Revision {
  return Number(item?.revision ?? 0);
}

function decodeItem({ sk, entry }: Item): ChangeLogEntry {
  return decodeChange(String(entry), Number(sk));
}

function damaged(tableName: string, how: string): TurnoutError {
  return new TurnoutError(
    "failed",
    `The DynamoDB table '${tableName}' is damaged: ${how}. Restore the table to a point in time before that.`,
  );
}

function fateUnknown(tableName: string, cause: GaveUp): TurnoutError {
  return new TurnoutError(
    "failed",
    `It is not known whether the change was made: the DynamoDB table '${tableName}' stopped answering. ` +
      "Look at the change log before you make it again.",
    { cause },
  );
}
