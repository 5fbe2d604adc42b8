import {
  BatchExecuteStatementCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  BatchWriteCommand,
  type BatchWriteCommandInput,
  DynamoDBDocumentClient,
  GetCommand,
  type GetCommandInput,
  BatchExecuteStatementCommand as StatementsCommand,
  type BatchExecuteStatementCommandInput as StatementsCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { anyNumber, documentOf, itemText, valueText, type WireItem } from "./dynamodb-json.ts";
import { type QuickOperation, quickClient, type Send } from "./quick-client.ts";
import type { HttpAnswer } from "./sdk-exchange.ts";

/**
 * A document client that sends by `quickClient` what a router asks of DynamoDB for every batch: the head, claims and
 * closes, records and counts. What that doesn't take, and all other commands, go to the SDK's document client.
 */
export function quickDynamoDB(client: DynamoDBClient): Pick<DynamoDBDocumentClient, "send"> {
  const documents = DynamoDBDocumentClient.from(client, { unmarshallOptions: anyNumber });
  const send = quickClient(client, [getItem, statements, batchWrite], documents.send.bind(documents) as Send);
  return { send: send as DynamoDBDocumentClient["send"] };
}

/** All of an input is in the body. */
const head = () => ({});

const getItem: QuickOperation<GetCommandInput> = {
  command: GetCommand,
  like: new GetItemCommand({ TableName: "", Key: {} }),
  head,
  body: ({ Key = {}, ...input }) => withField(input, "Key", itemText(Key)),
  output(answer) {
    const { Item, ...output } = read(answer) as { Item?: WireItem };
    return { ...output, Item: documentOf(Item) };
  },
};

type WireResponse = { Item?: WireItem; Error?: { Item?: WireItem } };

const statements: QuickOperation<StatementsCommandInput> = {
  command: StatementsCommand,
  like: new BatchExecuteStatementCommand({ Statements: [] }),
  head,
  body({ Statements = [], ...input }) {
    const texts = Statements.map(({ Parameters, ...statement }) =>
      Parameters === undefined
        ? JSON.stringify(statement)
        : withField(statement, "Parameters", `[${Parameters.map(valueText).join()}]`),
    );
    return withField(input, "Statements", `[${texts.join()}]`);
  },
  output(answer) {
    const { Responses, ...output } = read(answer) as { Responses?: WireResponse[] };
    return { ...output, Responses: Responses?.map(responseOf) };
  },
};

/** Nearly all of those to writes say nothing. */
function responseOf({ Item, Error: refusal, ...response }: WireResponse): object {
  return {
    ...response,
    ...(Item && { Item: documentOf(Item) }),
    ...(refusal && { Error: { ...refusal, Item: documentOf(refusal.Item) } }),
  };
}

type Writes = NonNullable<BatchWriteCommandInput["RequestItems"]>[string];
type WireWrite = { PutRequest?: { Item: WireItem }; DeleteRequest?: { Key: WireItem } };

const batchWrite: QuickOperation<BatchWriteCommandInput> = {
  command: BatchWriteCommand,
  like: new BatchWriteItemCommand({ RequestItems: {} }),
  // Its answer would have keys in other places.
  takes: ({ ReturnItemCollectionMetrics }) => ReturnItemCollectionMetrics === undefined,
  head,
  body({ RequestItems = {}, ...input }) {
    const tables = Object.entries(RequestItems).map(
      ([table, writes]) => `${JSON.stringify(table)}:${writesText(writes)}`,
    );
    return withField(input, "RequestItems", `{${tables.join()}}`);
  },
  output(answer) {
    const { UnprocessedItems, ...output } = read(answer) as { UnprocessedItems?: Record<string, WireWrite[]> };
    const left = Object.entries(UnprocessedItems ?? {}).map(([table, writes]) => [table, writes.map(writeOf)]);
    return { ...output, UnprocessedItems: UnprocessedItems && Object.fromEntries(left) };
  },
};

function writesText(writes: Writes): string {
  const texts = writes.map(({ PutRequest, DeleteRequest }) =>
    PutRequest === undefined
      ? `{"DeleteRequest":{"Key":${itemText(DeleteRequest?.Key ?? {})}}}`
      : `{"PutRequest":{"Item":${itemText(PutRequest.Item ?? {})}}}`,
  );
  return `[${texts.join()}]`;
}

function writeOf({ PutRequest, DeleteRequest }: WireWrite): object {
  return {
    ...(PutRequest && { PutRequest: { ...PutRequest, Item: documentOf(PutRequest.Item) } }),
    ...(DeleteRequest && { DeleteRequest: { ...DeleteRequest, Key: documentOf(DeleteRequest.Key) } }),
  };
}

/** An object as JSON with one field more, whose text is there already. */
function withField(object: object, name: string, text: string): string {
  const others = JSON.stringify(object);
  return others === "{}" ? `{"${name}":${text}}` : `${others.slice(0, -1)},"${name}":${text}}`;
}

function read({ body }: HttpAnswer): object {
  return body.byteLength === 0 ? {} : (JSON.parse(body.toString()) as object);
}
