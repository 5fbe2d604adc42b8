import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type BatchExecuteStatementCommandOutput,
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandOutput,
  type WriteRequest,
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
import { marshall, NumberValueImpl, unmarshall } from "@aws-sdk/util-dynamodb";
import { quickClient, type SendOptions } from "./quick-client.ts";

/**
 * A number beyond what JavaScript has exactly comes as it is written. The SDK would throw, and one such attribute of one
 * damaged item would cost the whole answer.
 */
export const anyNumber = {
  wrapNumbers: (text: string): unknown =>
    Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER ? Number(text) : NumberValueImpl.from(text),
};

type Sending = (command: unknown, options?: SendOptions) => Promise<unknown>;

/** A command on attribute values, and how its answer reads as documents. */
type Translated = { command: object; documents: (answer: unknown) => object };

/**
 * A document client that sends by `quickClient` what a router asks of DynamoDB for every batch: the head, claims and
 * closes, records and counts. What that doesn't take, and all other commands, go to the SDK's document client.
 */
export function quickDynamoDB(client: DynamoDBClient): Pick<DynamoDBDocumentClient, "send"> {
  const hot = [GetItemCommand, BatchExecuteStatementCommand, BatchWriteItemCommand];
  // DynamoDB's own JSON. The client's protocol walks its schemas for it, and makes bytes, which go out by themselves after
  // the request's head; a text goes along with it.
  const sendHot = quickClient(client, hot, JSON.stringify).send as Sending;
  const documents = DynamoDBDocumentClient.from(client, { unmarshallOptions: anyNumber });
  const sendOther = documents.send.bind(documents) as Sending;

  async function send(command: unknown, options?: SendOptions): Promise<unknown> {
    const translated = translate(command);
    if (translated === undefined) return sendOther(command, options);
    return translated.documents(await sendHot(translated.command, options));
  }
  return { send: send as DynamoDBDocumentClient["send"] };
}

function translate(command: unknown): Translated | undefined {
  if (command instanceof GetCommand) return getItem(command.input);
  if (command instanceof StatementsCommand) return executeStatements(command.input);
  if (command instanceof BatchWriteCommand) return batchWrite(command.input);
  return undefined;
}

function getItem({ Key, ...input }: GetCommandInput): Translated {
  return {
    command: new GetItemCommand({ ...input, Key: attributesOf(Key) }),
    documents(answer) {
      const { Item, ...output } = answer as GetItemCommandOutput;
      return { ...output, Item: documentOf(Item) };
    },
  };
}

function executeStatements({ Statements, ...input }: StatementsCommandInput): Translated {
  const marshalled = Statements?.map(({ Parameters, ...statement }) =>
    Parameters === undefined ? statement : { ...statement, Parameters: Parameters.map(attributeOf) },
  );
  return {
    command: new BatchExecuteStatementCommand({ ...input, Statements: marshalled }),
    documents(answer) {
      const { Responses, ...output } = answer as BatchExecuteStatementCommandOutput;
      return {
        ...output,
        Responses: Responses?.map(({ Item, Error: refusal, ...response }) => ({
          ...response,
          Item: documentOf(Item),
          Error: refusal && { ...refusal, Item: documentOf(refusal.Item) },
        })),
      };
    },
  };
}

function batchWrite({ RequestItems, ...input }: BatchWriteCommandInput): Translated | undefined {
  // Its answer would have keys in other places.
  if (input.ReturnItemCollectionMetrics !== undefined) return undefined;
  const marshalled = byTable(
    RequestItems,
    ({ PutRequest, DeleteRequest, ...write }): WriteRequest => ({
      ...write,
      ...(PutRequest && { PutRequest: { ...PutRequest, Item: attributesOf(PutRequest.Item) } }),
      ...(DeleteRequest && { DeleteRequest: { ...DeleteRequest, Key: attributesOf(DeleteRequest.Key) } }),
    }),
  );
  return {
    command: new BatchWriteItemCommand({ ...input, RequestItems: marshalled }),
    documents(answer) {
      const { UnprocessedItems, ...output } = answer as BatchWriteItemCommandOutput;
      const left = byTable(UnprocessedItems, ({ PutRequest, DeleteRequest }) => ({
        ...(PutRequest && { PutRequest: { ...PutRequest, Item: documentOf(PutRequest.Item) } }),
        ...(DeleteRequest && { DeleteRequest: { ...DeleteRequest, Key: documentOf(DeleteRequest.Key) } }),
      }));
      return { ...output, UnprocessedItems: left };
    },
  };
}

type Document = Record<string, unknown>;
type Attributes = Record<string, AttributeValue>;

function attributesOf(document: Document | undefined): Attributes | undefined {
  return document && mapped(document, attributeOf);
}

/** As the document client does it by default; quicker for what our items are made of. */
function attributeOf(value: unknown): AttributeValue {
  if (typeof value === "string") return { S: value };
  if (typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return { N: String(value) };
  if (value instanceof Uint8Array) return { B: writableBytes(value) };
  // Left out of an item, and among parameters for DynamoDB to refuse.
  if (value === undefined) return value as never;
  return writable(marshall(value as never, { convertTopLevelContainer: true }) as unknown as AttributeValue);
}

function writable(value: AttributeValue): AttributeValue {
  if (value.B !== undefined) return { B: writableBytes(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(writableBytes) };
  if (value.L !== undefined) return { L: value.L.map(writable) };
  if (value.M !== undefined) return { M: mapped(value.M, writable) };
  return value;
}

/** Bytes that JSON has in base64, as DynamoDB's protocol wants them. */
class WritableBytes extends Uint8Array<ArrayBufferLike> {
  toJSON(): string {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString("base64");
  }
}

function writableBytes({ buffer, byteOffset, byteLength }: Uint8Array): WritableBytes {
  return new WritableBytes(buffer, byteOffset, byteLength);
}

function documentOf(attributes: Attributes | undefined): Document | undefined {
  return (
    attributes &&
    mapped(attributes, (value) => unmarshall(value as never, { convertWithoutMapWrapper: true, ...anyNumber }))
  );
}

function byTable<A, B>(tables: Record<string, A[]> | undefined, each: (one: A) => B): Record<string, B[]> | undefined {
  return tables && mapped(tables, (all) => all.map(each));
}

function mapped<A, B>(record: Record<string, A>, each: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, each(value)]));
}
