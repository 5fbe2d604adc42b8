import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { onTestFinished } from "vitest";
import type { Revision, RoutingChange, Row, RowKey } from "../../shared/domain/routing/routing-change.ts";
import { itemKeyOf } from "../../shared/routing-table/dynamodb-requests.ts";
import { dynamodbRoutingTable } from "../../shared/routing-table/dynamodb-routing-table.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { createTable, dynamodbClient } from "./dynamodb-local.ts";
import { seededRandom } from "./seeded-random.ts";

/** A routing table on DynamoDB with its client; backoffs are noted instead of waited for. */
export function aRoutingTable(endpoint: string, tableName: string, maxAttempts = 20) {
  const client = dynamodbClient(endpoint);
  onTestFinished(() => client.destroy());
  const delays: number[] = [];
  const table = dynamodbRoutingTable({
    client,
    tableName,
    retry: { maxAttempts, baseDelayMs: 20, maxDelayMs: 1_000 },
    random: seededRandom(tableName.length),
    delay: async (ms) => void delays.push(ms),
  });
  return { table, client, delays };
}

/** A new, empty table and a routing table on it. */
export async function aNewRoutingTable(endpoint: string, maxAttempts?: number) {
  const maker = dynamodbClient(endpoint);
  const tableName = await createTable(maker);
  maker.destroy();
  return { tableName, ...aRoutingTable(endpoint, tableName, maxAttempts) };
}

/** Puts this text in the place of a stored row or log entry, as no commit would. */
export function damageIn(client: DynamoDBDocumentClient, tableName: string) {
  return async (place: RowKey | Revision, text: string): Promise<void> => {
    const isEntry = typeof place === "number";
    const Key = isEntry ? { pk: "log", sk: String(place).padStart(16, "0") } : itemKeyOf(place);
    const ExpressionAttributeNames = { "#text": isEntry ? "entry" : "value" };
    const change = { UpdateExpression: "SET #text = :text", ExpressionAttributeValues: { ":text": text } };
    await client.send(new UpdateCommand({ TableName: tableName, Key, ExpressionAttributeNames, ...change }));
  };
}

export type Rows = { [key in RowKey]?: Row | null };

export function aChange(changeId: string, rows: Rows = {}, about: Partial<RoutingChange> = {}): RoutingChange {
  return {
    changeId,
    at: new Date("2026-11-20T10:00:00.123Z"),
    who: "ada",
    why: "a test",
    command: "test",
    rows: Object.entries(rows).map(([key, after = null]) => ({ key: key as RowKey, before: null, after })),
    ...about,
  };
}

/** Commits rows as the next change; nobody else may be writing. */
export async function putRows(table: RoutingTable, rows: Rows, changeId: string = crypto.randomUUID()): Promise<void> {
  const result = await table.commit(aChange(changeId, rows), await table.head());
  if (!result.committed) throw new Error(`overtaken by revision ${result.winner.revision}`);
}
