import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { describe, expect, inject, it } from "vitest";
import { anyNumber } from "../../shared/aws/dynamodb-json.ts";

/** The run's DynamoDB Local; undefined when there is no Java on this machine. */
const endpoint = await findEndpoint();

async function findEndpoint(): Promise<string | undefined> {
  const answer = await fetch(inject("dynamodbLauncher"));
  const text = await answer.text();
  if (answer.status === 501) return undefined;
  if (!answer.ok) throw new Error(text);
  return text;
}

/**
 * Registers tests that need DynamoDB Local. On a machine without Java they can't run: one test in their place says so,
 * and fails where CI=true, so that nobody takes a run without them for a full one.
 */
export function withDynamoDB(name: string, define: (endpoint: string) => void): void {
  if (endpoint !== undefined) {
    describe(name, () => define(endpoint));
    return;
  }
  it(`${name}: NOT RUN, DynamoDB Local needs Java 17 or newer and there is no 'java' on the PATH`, () => {
    console.warn(`\nNot run, for want of Java: the tests of ${name}. Install Java 17 or newer to run them.`);
    expect(process.env.CI, "in CI the DynamoDB tests have to run").not.toBe("true");
  });
}

/** DynamoDB Local keeps apart what comes with different keys, and checks none of them. */
export const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };

/** A client without retries of its own, as the adapters want it. */
export function dynamodbClient(at: string): DynamoDBDocumentClient {
  const client = new DynamoDBClient({ endpoint: at, region: "eu-west-1", credentials, maxAttempts: 1 });
  return DynamoDBDocumentClient.from(client, { unmarshallOptions: anyNumber });
}

let tables = 0;

/** A new, empty table of the layout that all Turnout tables have. Returns its name. */
export async function createTable(client: DynamoDBDocumentClient): Promise<string> {
  tables += 1;
  const TableName = `turnout-${tables}-${crypto.randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const })),
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );
  return TableName;
}

/** Counts what a client sends, by command: `{ GetItem: 1 }`. Requests made before the call aren't counted. */
export function countRequests(client: DynamoDBDocumentClient): () => Record<string, number> {
  const counts: Record<string, number> = {};
  client.middlewareStack.add(
    (next, context) => (args) => {
      const name = String(context.commandName).replace(/Command$/, "");
      counts[name] = (counts[name] ?? 0) + 1;
      return next(args);
    },
    // After the retries, so that every request on the wire counts.
    { step: "deserialize", name: `count-${crypto.randomUUID()}`, priority: "low" },
  );
  return () => ({ ...counts });
}
