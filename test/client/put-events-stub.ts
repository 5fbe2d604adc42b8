import type { IncomingMessage, ServerResponse } from "node:http";
import { MAX_EVENT_BYTES } from "../../shared/domain/events/event.ts";
import { entryBytes, type PutEventsEntry } from "../../shared/domain/events/event-entry.ts";
import { stubServer } from "../support/stub-server.ts";

export type Result = { EventId: string } | { ErrorCode: string; ErrorMessage?: string };

/** What the stub does with a request: an answer, or it closes the connection, or leaves it without a word. */
export type Reply = { status: number; body: string } | "hangs up" | "says nothing";

/** An event's `n`, which the tests tell events by, and the key that it came with. */
export type Seen = { n: number; key: string };

export type PutEventsStub = {
  endpoint: string;
  /** The events of each request, in order. */
  requests: Seen[][];
  /** Each request's Entries as they came. */
  entries: PutEventsEntry[][];
};

export function answered(results: readonly (Result | object)[]): Reply {
  const FailedEntryCount = results.filter((result) => "ErrorCode" in result).length;
  return { status: 200, body: JSON.stringify({ FailedEntryCount, Entries: results }) };
}

export function refused(status: number, type: string, message = "injected"): Reply {
  return { status, body: JSON.stringify({ __type: type, message }) };
}

/** Takes every event; its id is made of its `n`. */
export function takeAll(events: readonly Seen[]): Reply {
  return answered(events.map(takeOne));
}

export function takeOne({ n }: Seen): Result {
  return { EventId: `id-${n}` };
}

/**
 * A server that speaks PutEvents. It has EventBridge's limits on requests, and for the rest does as `reply` says: by
 * default it takes everything.
 *
 * @param reply is told the request's number, from 1
 */
export async function putEventsStub(
  reply: (events: readonly Seen[], request: number) => Reply | Promise<Reply> = takeAll,
): Promise<PutEventsStub> {
  const stub: PutEventsStub = { endpoint: "", requests: [], entries: [] };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { Entries } = JSON.parse(await textOf(request)) as { Entries: PutEventsEntry[] };
    const seen = Entries.map(({ Detail }) => {
      const { n, metadata } = JSON.parse(Detail ?? "") as { n: number; metadata: { idempotencyKey: string } };
      return { n, key: metadata.idempotencyKey };
    });
    stub.entries.push(Entries);
    const isTooMuch =
      Entries.length > 10 || Entries.reduce((bytes, entry) => bytes + entryBytes(entry), 0) >= MAX_EVENT_BYTES;
    const number = stub.requests.push(seen);
    const said = isTooMuch ? refused(400, "ValidationException") : await reply(seen, number);
    if (said === "hangs up") response.destroy();
    else if (said !== "says nothing") {
      response.writeHead(said.status, { "content-type": "application/x-amz-json-1.1" }).end(said.body);
    }
  }

  stub.endpoint = await stubServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  return stub;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
