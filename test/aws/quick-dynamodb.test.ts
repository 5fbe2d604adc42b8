import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchExecuteStatementCommand,
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { quickDynamoDB } from "../../shared/aws/quick-dynamodb.ts";
import { type Answer, awsRecorder } from "../support/aws-recorder.ts";

const Key = { pk: "head", sk: "head" };
const TableName = "events";

/** The SDK's document client and a quick one that has learned. */
async function clients() {
  const { requests, answers, endpoint } = await awsRecorder();
  const credentials = { accessKeyId: "AKID", secretAccessKey: "secret" };
  const base = { endpoint, region: "eu-west-1", credentials, maxAttempts: 1 };
  const under = [new DynamoDBClient(base), new DynamoDBClient(base)] as const;
  onTestFinished(() => {
    for (const client of under) client.destroy();
  });
  const [sdk, quick] = [DynamoDBDocumentClient.from(under[0]), quickDynamoDB(under[1])];
  await quick.send(new GetCommand({ TableName, Key }));
  requests.splice(0);

  /** Sends a command by both, and returns what was sent and what came back. */
  async function both(command: object, answer: Answer = {}) {
    const given = command as GetCommand;
    requests.splice(0);
    answers(answer, answer);
    const outcomes = [await outcomeOf(sdk.send(given)), await outcomeOf(quick.send(given))];
    const sent = requests.map(({ body, headers }) => ({
      operation: headers["x-amz-target"],
      type: headers["content-type"],
      body: JSON.parse(body.toString()) as unknown,
    }));
    return { outcomes, sent, quick: requests.at(-1)?.quick };
  }
  return { both };
}

/** Without the fields of the SDK's retries. */
async function outcomeOf(sending: Promise<object>) {
  try {
    const { $metadata: _, ...output } = (await sending) as { $metadata?: unknown };
    return output;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { class: error.constructor.name, name: error.name, message: error.message.split("\n")[0] };
  }
}

const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.string({ unit: "grapheme" }),
    fc.constant("half a pair: \ud83d"),
    fc.integer(),
    fc.double({ noDefaultInfinity: true, noNaN: true, min: -9e15, max: 9e15 }),
    fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 20 }),
    fc.uniqueArray(fc.string(), { minLength: 1 }).map((all) => new Set(all)),
    fc.uniqueArray(fc.integer(), { minLength: 1 }).map((all) => new Set(all)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie("value"), { maxKeys: 3 }),
  ),
})).value;
const anyItem = fc.dictionary(
  fc.stringMatching(/^[#:a-z]{1,5}$/),
  fc.oneof({ weight: 9, arbitrary: anyValue }, { weight: 1, arbitrary: fc.constant(undefined) }),
);
const anyCommand = fc.oneof(
  anyItem.map((some) => new GetCommand({ TableName, Key: some, ConsistentRead: true })),
  fc
    .array(fc.array(anyValue, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
    .map((all) => all.map((Parameters) => ({ Statement: 'DELETE FROM "events" WHERE pk=?', Parameters })))
    .map((Statements) => new BatchExecuteStatementCommand({ Statements })),
  fc.array(anyItem, { minLength: 1, maxLength: 3 }).map((items) => {
    const writes = items.map((Item) => ({ PutRequest: { Item } }));
    return new BatchWriteCommand({ RequestItems: { events: writes, others: [{ DeleteRequest: { Key } }] } });
  }),
);

/** On the wire: of each type one. */
const STORED = {
  pk: { S: "r#1" },
  n: { N: "12.5" },
  b: { B: "AAEC" },
  yes: { BOOL: true },
  none: { NULL: true },
  list: { L: [{ S: "a" }, { M: { x: { N: "1" } } }] },
  names: { SS: ["a", "b"] },
  bytes: { BS: ["AAEC"] },
};

describe("a quick client of DynamoDB", () => {
  it("sends the same as the document client, whatever the values", async () => {
    const { both } = await clients();
    const property = fc.asyncProperty(anyCommand, async (command) => {
      const { sent, quick } = await both(command);
      expect(quick).toBe(true);
      expect(sent).toHaveLength(2);
      expect(sent[1]).toEqual(sent[0]);
    });
    await fc.assert(property, { numRuns: 300 });
  });

  const statements = new BatchExecuteStatementCommand({ Statements: [{ Statement: "SELECT", Parameters: [1] }] });
  const writes = new BatchWriteCommand({ RequestItems: { events: [{ PutRequest: { Item: Key } }] } });
  const refusal = { Code: "ConditionalCheckFailed", Message: "no", Item: STORED };

  it.each([
    ["an item", new GetCommand({ TableName, Key }), { Item: STORED, ConsumedCapacity: { CapacityUnits: 1 } }],
    ["no item", new GetCommand({ TableName, Key }), {}],
    ["statements' results", statements, { Responses: [{}, { Item: STORED }, { TableName, Error: refusal }] }],
    ["writes that are left", writes, { UnprocessedItems: { events: [{ PutRequest: { Item: STORED } }] } }],
    ["removals that are left", writes, { UnprocessedItems: { events: [{ DeleteRequest: { Key: STORED } }] } }],
    ["no writes left", writes, { UnprocessedItems: {} }],
  ])("reads %s as the document client does", async (_, command, answer) => {
    const { both } = await clients();
    const { outcomes, quick } = await both(command, { body: JSON.stringify(answer) });
    expect(quick).toBe(true);
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  const service = "com.amazonaws.dynamodb.v20120810";
  it.each<[string, Answer]>([
    ["throttling", { status: 400, body: `{"__type":"${service}#ThrottlingException","message":"slow down"}` }],
    [
      "a table that isn't there",
      { status: 400, body: `{"__type":"${service}#ResourceNotFoundException","message":"no such table"}` },
    ],
    ["an error of the server", { status: 500, body: `{"__type":"${service}#InternalServerError"}` }],
    ["an unnamed error", { status: 503, body: "" }],
    ["no JSON", { status: 200, body: '{"Item": {"pk"' }],
    ["a page of a proxy", { status: 502, body: "<html>" }],
  ])("fails as the document client does after %s", async (_, answer) => {
    const { both } = await clients();
    const { outcomes, quick } = await both(statements, answer);
    expect(quick).toBe(true);
    expect(outcomes[1]).toHaveProperty("name");
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  const query = { TableName, KeyConditionExpression: "pk = :p", ExpressionAttributeValues: { ":p": "a" } };
  it.each([
    ["other commands", new QueryCommand(query)],
    ["updates", new UpdateCommand({ TableName, Key, UpdateExpression: "ADD #a :a" })],
    ["metrics", new BatchWriteCommand({ ...writes.input, ReturnItemCollectionMetrics: "SIZE" })],
  ])("leaves %s to the document client", async (_, command) => {
    const { both } = await clients();
    const { sent, quick } = await both(command);
    expect(quick).toBe(false);
    expect(sent[1]).toEqual(sent[0]);
  });
});
