import { join } from "node:path";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { NumberValueImpl } from "@aws-sdk/util-dynamodb";
import { onTestFinished } from "vitest";
import { fileBodyStore } from "../../shared/body-store/file-body-store.ts";
import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { ONE_SHARD } from "../../shared/domain/deliveries/shard-schedule.ts";
import { recordKey } from "../../shared/event-store/record-codec.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeDamagedRecords } from "./damaged-records.contract.ts";

const columns: Record<string, string> = {
  "the facts are no JSON": "facts = '{'",
  "the facts are of something else": "facts = '7'",
  "the facts are missing": "facts = '{}'",
  "the facts name a subject that is none": `facts = json_set(facts, '$.subject', json('{"project": 7}'))`,
  "the facts have another kind of time": "facts = json_set(facts, '$.time', json('[]'))",
  "the body's bytes are damaged": "body_zstd = x'28b52ffd00'",
  "the body's name is none": "body_key = ''",
};

/** @param path the state file, or `:memory:` */
const onSqlite = (path: () => string) => async () => {
  const at = path();
  const database = openDatabase(at);
  onTestFinished(() => database.close());
  const store = sqliteEventStore(database, at === ":memory:" ? undefined : fileBodyStore(`${at}-bodies`));
  const change = (columns: string) => async (record: EventRecord) => {
    const where = "WHERE event_key = ?";
    database.connection.prepare(`UPDATE event_records SET ${columns} ${where}`).run(record.eventKey);
  };
  return { store, damages: Object.fromEntries(Object.entries(columns).map(([what, to]) => [what, change(to)])) };
};

describeDamagedRecords(
  "SQLite in memory",
  onSqlite(() => ":memory:"),
  Object.keys(columns),
);
describeDamagedRecords(
  "SQLite on disk",
  onSqlite(() => join(temporaryFolder(), "state.db")),
  ["the facts are no JSON", "the body's bytes are damaged", "the body's name is none"],
);

const bytes = (text: string) => Buffer.from(text);

/** Attributes of the item as they are set, or removed. */
const attributes: Record<string, { set?: Record<string, unknown>; remove?: string[] }> = {
  "the bytes are missing": { remove: ["e"] },
  "nothing is left but the key": { remove: ["e", "q", "expires", "v"] },
  "the bytes are a number": { set: { e: 7 } },
  "the bytes are a number beyond all": {
    set: { e: NumberValueImpl.from("1e30"), expires: NumberValueImpl.from("1e30") },
  },
  "the bytes are a text": { set: { e: "[" } },
  "the bytes are nothing": { set: { e: null } },
  "the bytes are no bytes of ours": { set: { e: bytes("damaged") } },
  "the bytes were cut off": { set: { e: bytes("[") } },
  "the facts are of something else": { set: { e: bytes("[1,2]\n{}") } },
  "the facts have another kind of time": {
    set: { e: bytes(`["m","e","shop","order placed",[],"k",{},["release-coordinator"],1795946398000]\n{}`) },
  },
  "the facts name a subject that is none": {
    set: {
      e: bytes(`["m","e","shop","order placed","t","k",{"project":7},["release-coordinator"],1795946398000]\n{}`),
    },
  },
  "the facts don't say when they expire": {
    set: { e: bytes(`["m","e","shop","order placed","t","k",{},["release-coordinator"],"then"]\n{}`), expires: "then" },
  },
  "the body's name is none": { set: { b: [], f: "{" }, remove: ["e"] },
  "the facts beside the body are none": { set: { b: "gone", f: 7 }, remove: ["e"] },
};

withDynamoDB("damaged records on DynamoDB", (endpoint) => {
  describeDamagedRecords(
    "DynamoDB Local",
    async () => {
      const { store, client, tableName } = await aNewEventStore(endpoint);
      const change =
        ({ set = {}, remove = [] }: (typeof attributes)[string]) =>
        async (record: EventRecord) => {
          const names = [...Object.keys(set), ...remove];
          const sets = Object.keys(set).map((name) => `#${name} = :${name}`);
          await client.send(
            new UpdateCommand({
              TableName: tableName,
              Key: recordKey(record, ONE_SHARD),
              UpdateExpression: [
                ...(sets.length === 0 ? [] : [`SET ${sets.join(", ")}`]),
                ...(remove.length === 0 ? [] : [`REMOVE ${remove.map((name) => `#${name}`).join(", ")}`]),
              ].join(" "),
              ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
              ...(sets.length > 0 && {
                ExpressionAttributeValues: Object.fromEntries(
                  Object.entries(set).map(([name, value]) => [`:${name}`, value]),
                ),
              }),
            }),
          );
        };
      const known = Object.entries(attributes).map(([what, to]) => [what, change(to)] as const);
      return { store, damages: Object.fromEntries(known) };
    },
    Object.keys(attributes),
  );
});
