import type { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { describe, expect, test } from "vitest";
import type { EventNotPublished } from "../../shared/client/event-not-published.ts";
import type { OutgoingEvent } from "../../shared/client/outgoing-event.ts";
import { createPublisher } from "../../shared/client/publisher.ts";
import { readEvent, readFacts } from "../../shared/domain/events/event.ts";
import { eventBridgeClient, openFrontDoor } from "../support/front-door.ts";
import { anEvent, events, idsFrom, publisherOn } from "./publishing.ts";
import { answered, putEventsStub, takeOne } from "./put-events-stub.ts";

/** An interface, as a service would have it. */
interface ShopEvents {
  "order placed": { total: number };
  "order cancelled": { reason: string };
}

describe("a publisher on an embedded server", () => {
  test("publishes events as the router reads them", async () => {
    const door = await openFrontDoor();
    const publisher = createPublisher<ShopEvents>({ source: "shop", endpoint: door.url });
    const results = await publisher.publish([
      {
        detailType: "order placed",
        detail: { total: 12 },
        subject: { customer: "acme" },
        idempotencyKey: "order-1",
        time: new Date("2026-01-02T03:04:05.678Z"),
        resources: ["arn:x"],
      },
    ]);
    expect(results).toEqual([{ eventId: "id-1" }]);
    const event = readEvent(door.bodies()[0] ?? "");
    if (!event.ok) throw new Error(event.problem);
    expect(event.value).toMatchObject({
      id: "id-1",
      source: "shop",
      "detail-type": "order placed",
      time: "2026-01-02T03:04:05Z",
      resources: ["arn:x"],
      detail: { total: 12, metadata: { idempotencyKey: "order-1", customer: "acme" } },
    });
    expect(readFacts(event.value, undefined)).toEqual({
      ok: true,
      value: { idempotencyKey: "order-1", subject: { customer: "acme" } },
    });
  });

  test("draws a key of its own for each event", async () => {
    const door = await openFrontDoor();
    await createPublisher({ source: "shop", endpoint: door.url }).publish([anEvent(1), anEvent(1)]);
    const keys = door.bodies().map((body) => /"idempotencyKey":"([^"]+)"/.exec(body)?.[1]);
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(keys[0]).not.toBe(keys[1]);
  });

  test("takes a client of one's own, and names the bus", async () => {
    const door = await openFrontDoor();
    const client = eventBridgeClient(door);
    const inTurnout = createPublisher({ source: "shop", client, eventBusName: "turnout" });
    expect(await inTurnout.publish(events(1))).toEqual([{ eventId: "id-1" }]);
    const elsewhere = createPublisher({ source: "shop", client, eventBusName: "orders" });
    await elsewhere.publish(events(1));
    expect(door.bodies()).toHaveLength(1);
  });

  test("publishes an event of the largest size", async () => {
    const door = await openFrontDoor();
    const publisher = createPublisher({ source: "shop", endpoint: door.url });
    const large = anEvent(1, "x".repeat(1_048_200));
    // They go in requests of their own, and the server numbers them as they come.
    const answers = await publisher.publish([large, anEvent(2), large]);
    expect(answers).toHaveLength(3);
    expect(answers).toEqual(expect.arrayContaining(idsFrom(1, 3)));
  });

  test("publishes every one of ten events that JSON in JSON makes larger than the server takes at once", async () => {
    const door = await openFrontDoor();
    const publisher = createPublisher({ source: "shop", endpoint: door.url });
    const quotes = Array.from({ length: 10 }, (_, index) => anEvent(index, '"'.repeat(52_000)));
    expect(await publisher.publish(quotes)).toHaveLength(10);
    expect(door.bodies()).toHaveLength(10);
  });
});

describe("flow and trace", () => {
  test("are asked for once per publish", async () => {
    const stub = await putEventsStub();
    let asked = 0;
    const { publisher } = publisherOn(stub.endpoint, { traceparent: () => `trace-${++asked}`, flow: () => undefined });
    await publisher.publish(events(2));
    await publisher.publish(events(1));
    expect(stub.entries.flat().map(({ Detail }) => JSON.parse(Detail ?? "").metadata)).toEqual([
      { idempotencyKey: "key-1", traceparent: "trace-1" },
      { idempotencyKey: "key-2", traceparent: "trace-1" },
      { idempotencyKey: "key-3", traceparent: "trace-2" },
    ]);
  });
});

describe("publish", () => {
  test("answers nothing for nothing, without a request", async () => {
    const stub = await putEventsStub();
    expect(await publisherOn(stub.endpoint).publisher.publish([])).toEqual([]);
    expect(stub.requests).toEqual([]);
  });

  test("sends batches of 10 and answers in the order of the events", async () => {
    const stub = await putEventsStub();
    expect(await publisherOn(stub.endpoint).publisher.publish(events(25))).toEqual(idsFrom(1, 25));
    expect(stub.requests.map(({ length }) => length).sort()).toEqual([10, 10, 5]);
  });

  test("has as many requests on their way as it may, and no more", async () => {
    const door = await openFrontDoor();
    const client = eventBridgeClient(door);
    let [onTheirWay, most] = [0, 0];
    const send = (async (command: PutEventsCommand) => {
      most = Math.max(most, ++onTheirWay);
      return client.send(command).finally(() => onTheirWay--);
    }) as EventBridgeClient["send"];
    const publisher = createPublisher({ source: "shop", client: { send }, concurrency: 3 });
    await publisher.publishOrThrow(events(90));
    expect(most).toBe(3);
    expect(door.bodies()).toHaveLength(90);
  });

  test("tells what is wrong with an event by its index, and publishes the others", async () => {
    const stub = await putEventsStub();
    const wrong = [
      { detail: { n: 2 } },
      { detailType: "counted", detail: "text" },
      { detailType: "counted", detail: { n: 4, text: "x".repeat(1_048_576) } },
      { detailType: "counted", detail: { n: 5 }, subject: { customer: "" } },
    ] as OutgoingEvent[] as ReturnType<typeof events>;
    const results = await publisherOn(stub.endpoint).publisher.publish([anEvent(1), ...wrong, anEvent(6)]);
    const messages = results.map((result) => ("error" in result ? result.error.message : result.eventId));
    expect(messages).toEqual([
      "id-1",
      "Event 1 was not published: InvalidArgument: Parameter DetailType is not valid. Reason: DetailType is a required argument.",
      "Event 2 ('counted') was not published: MalformedDetail: detail: expected an object.",
      expect.stringMatching(
        /^Event 3 \('counted'\) was not published: EventTooLarge: it has \d+ bytes in its envelope, and may have 1048576\.$/,
      ),
      "Event 4 ('counted') was not published: InvalidMetadata: detail.metadata.customer: a subject id can't be empty.",
      "id-6",
    ]);
    expect(errorOf(results[1])).toMatchObject({ index: 1, attempts: 0, retryable: false, idempotencyKey: undefined });
    expect(stub.requests.flat().map(({ n }) => n)).toEqual([1, 6]);
  });
});

describe("publishOrThrow", () => {
  test("returns the ids", async () => {
    const stub = await putEventsStub();
    expect(await publisherOn(stub.endpoint).publisher.publishOrThrow(events(2))).toEqual(["id-1", "id-2"]);
  });

  test("throws what became of those that failed, having published the others", async () => {
    const stub = await putEventsStub((seen) =>
      answered(seen.map((event) => (event.n === 2 ? { ErrorCode: "AccessDeniedException" } : takeOne(event)))),
    );
    const publishing = publisherOn(stub.endpoint).publisher.publishOrThrow(events(3));
    await expect(publishing).rejects.toMatchObject({
      name: "EventsNotPublished",
      message:
        "1 of 3 events failed. " +
        "Event 1 ('counted') was not published after 1 attempt: AccessDeniedException: no reason given.",
      errors: [{ index: 1, code: "AccessDeniedException" }],
    });
    expect(stub.requests).toHaveLength(1);
  });
});

describe("createPublisher", () => {
  test.each([
    [{ source: "" }, /source: .*Source is a required argument/],
    [{ source: "aws.s3" }, /source: Not authorized for the source/],
    [{ concurrency: 0 }, /concurrency: expected a whole number from 1/],
    [{ retry: { maxAttempts: Number.NaN } }, /retry\.maxAttempts: expected a number, not NaN/],
    [{ retry: { maxAttempts: 101 } }, /retry\.maxAttempts: expected at most 100/],
    [{ endpoint: "127.0.0.1:4600" }, /endpoint: expected a URL such as http:\/\/127\.0\.0\.1:4600/],
  ])("refuses %j", (options, message) => {
    expect(() => createPublisher({ source: "shop", ...options })).toThrow(message);
  });

  test("takes only the details that its events have", () => {
    const shop = createPublisher<ShopEvents>({ source: "shop" });
    const publish: (events: Parameters<typeof shop.publish>[0]) => unknown = () => undefined;
    publish([{ detailType: "order cancelled", detail: { reason: "too late" } }]);
    // @ts-expect-error: another type's detail
    publish([{ detailType: "order placed", detail: { reason: "too late" } }]);
    // @ts-expect-error: nobody publishes that
    publish([{ detailType: "order lost", detail: {} }]);
  });
});

function errorOf(result: object | undefined): EventNotPublished | undefined {
  return result !== undefined && "error" in result ? (result.error as EventNotPublished) : undefined;
}
