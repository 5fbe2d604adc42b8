import { PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { describe, expect, test } from "vitest";
import { PUT_EVENTS, tellUnknownBuses } from "../../scripts/embedded/put-events.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { MAX_EVENT_BYTES, readEvent } from "../../shared/domain/events/event.ts";
import { eventBridgeClient, NOW, type OpenDoor, openFrontDoor } from "../support/front-door.ts";

function anEntry(fields: PutEventsRequestEntry = {}): PutEventsRequestEntry {
  return { Source: "shop", DetailType: "Order Placed", Detail: '{"order":1}', ...fields };
}

/** An entry that counts exactly so many bytes. */
function anEntryOf(bytes: number): PutEventsRequestEntry {
  const frame = "shopOrder Placed".length + '{"a":""}'.length;
  return anEntry({ Detail: `{"a":"${"x".repeat(bytes - frame)}"}` });
}

async function post(door: OpenDoor, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(door.url, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": PUT_EVENTS, ...headers },
    body,
  });
  return { status: response.status, body: await response.json() };
}

describe("PutEvents of the AWS SDK", () => {
  test("stores all entries in one send and answers with their ids in order", async () => {
    const sentAt: Date[] = [];
    let accepted = 0;
    const send = async (bodies: readonly string[], now: Date) => {
      sentAt.push(now);
      return bodies.map(String);
    };
    const door = await openFrontDoor({ queue: { send }, onAccepted: () => accepted++ });
    const entries = [anEntry(), anEntry({ Source: "billing" }), anEntry()];
    const output = await eventBridgeClient(door).send(new PutEventsCommand({ Entries: entries }));
    expect(output.FailedEntryCount).toBe(0);
    expect(output.Entries).toEqual([{ EventId: "id-1" }, { EventId: "id-2" }, { EventId: "id-3" }]);
    expect(sentAt).toEqual([NOW]);
    expect(accepted).toBe(1);
  });

  test("publishes everything an entry can say, and the detail byte for byte", async () => {
    const door = await openFrontDoor();
    const Detail = '{"n":12345678901234567890, "b":1,"a":2,"text":"é\\u00e9\\ud83d\\ude00"}';
    const entry = anEntry({
      Detail,
      Time: new Date("2026-01-02T03:04:05.678Z"),
      Resources: ["arn:aws:s3:::bucket"],
      EventBusName: "arn:aws:events:eu-central-1:123456789012:event-bus/turnout",
      TraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
    });
    await eventBridgeClient(door).send(new PutEventsCommand({ Entries: [entry] }));
    const [body = ""] = door.bodies();
    expect(body).toContain(`"detail":${Detail}}`);
    expect(readEvent(body)).toMatchObject({
      ok: true,
      value: { id: "id-1", source: "shop", time: "2026-01-02T03:04:05Z", resources: ["arn:aws:s3:::bucket"] },
    });
  });

  test("answers for each entry, and stores the valid ones", async () => {
    const door = await openFrontDoor();
    const { Source: _, ...nameless } = anEntry();
    const entries = [anEntry({ Detail: "{" }), anEntry(), nameless];
    const output = await eventBridgeClient(door).send(new PutEventsCommand({ Entries: entries }));
    expect(output.FailedEntryCount).toBe(2);
    expect(output.Entries).toEqual([
      { ErrorCode: "MalformedDetail", ErrorMessage: expect.stringMatching(/^Detail is malformed\. /) },
      { EventId: "id-1" },
      {
        ErrorCode: "InvalidArgument",
        ErrorMessage: "Parameter Source is not valid. Reason: Source is a required argument.",
      },
    ]);
    expect(door.bodies()).toHaveLength(1);
  });

  test("drops an entry for a bus that doesn't exist under an id, as EventBridge does, and tells the server", async () => {
    const buses: string[] = [];
    const door = await openFrontDoor({ onUnknownBus: (bus) => void buses.push(bus) });
    const entries = [anEntry({ EventBusName: "orders" }), anEntry(), anEntry({ EventBusName: "orders", Detail: "{" })];
    const output = await eventBridgeClient(door).send(new PutEventsCommand({ Entries: entries }));
    expect(output).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ EventId: "id-1" }, { EventId: "id-2" }, { ErrorCode: "MalformedDetail" }],
    });
    expect(door.bodies().map((body) => JSON.parse(body).id)).toEqual(["id-2"]);
    expect(buses).toEqual(["orders"]);
  });

  test("has the id of its request, also when it is refused", async () => {
    const door = await openFrontDoor();
    const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
    const client = eventBridgeClient(door);
    const first = await client.send(new PutEventsCommand({ Entries: [anEntry()] }));
    const second = await client.send(new PutEventsCommand({ Entries: [anEntry()] }));
    expect(first.$metadata.requestId).toMatch(uuid);
    expect(second.$metadata.requestId).not.toBe(first.$metadata.requestId);
    await expect(client.send(new PutEventsCommand({ Entries: [] }))).rejects.toMatchObject({
      $metadata: { requestId: expect.stringMatching(uuid) },
    });
  });

  test("refuses a day that there isn't, and takes a leap second", async () => {
    const door = await openFrontDoor();
    const body = (time: string) => JSON.stringify({ Entries: [{ ...anEntry(), Time: time }] });
    expect(await post(door, body("2026-02-30T10:00:00Z"))).toMatchObject({
      body: { FailedEntryCount: 1, Entries: [{ ErrorCode: "InvalidArgument" }] },
    });
    expect(await post(door, body("2016-12-31T23:59:60Z"))).toMatchObject({ body: { FailedEntryCount: 0 } });
    expect(door.bodies().map((text) => JSON.parse(text).time)).toEqual(["2017-01-01T00:00:00Z"]);
  });

  test("refuses text in another charset than UTF-8", async () => {
    const door = await openFrontDoor();
    const headers = { "content-type": "application/x-amz-json-1.1; charset=iso-8859-1" };
    expect(await post(door, JSON.stringify({ Entries: [anEntry()] }), headers)).toEqual({
      status: 415,
      body: { error: "Text in charset 'iso-8859-1' isn't taken here. Send it in UTF-8." },
    });
  });

  test("sends nothing to the queue when no entry is valid", async () => {
    const door = await openFrontDoor();
    const output = await eventBridgeClient(door).send(new PutEventsCommand({ Entries: [{}, {}] }));
    expect(output.FailedEntryCount).toBe(2);
    expect(door.sends).toEqual([]);
  });

  test.each([
    [0, /Member must have length greater than or equal to 1$/],
    [11, /Member must have length less than or equal to 10$/],
  ])("refuses %i entries", async (count, message) => {
    const door = await openFrontDoor();
    const command = new PutEventsCommand({ Entries: Array.from({ length: count }, () => anEntry()) });
    await expect(eventBridgeClient(door).send(command)).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringMatching(message),
      $metadata: { httpStatusCode: 400 },
    });
    expect(door.sends).toEqual([]);
  });

  test("takes exactly 1,048,576 bytes of entries and refuses one more", async () => {
    const door = await openFrontDoor();
    const client = eventBridgeClient(door);
    const half = anEntryOf(MAX_EVENT_BYTES / 2);
    const output = await client.send(new PutEventsCommand({ Entries: [half, half] }));
    expect(output.FailedEntryCount).toBe(0);
    const tooMuch = new PutEventsCommand({ Entries: [half, anEntryOf(MAX_EVENT_BYTES / 2 + 1)] });
    await expect(client.send(tooMuch)).rejects.toMatchObject({
      name: "ValidationException",
      message: "Total size of the entries in the request is over the limit.",
    });
    expect(door.bodies()).toHaveLength(2);
  });

  test("sees a refusal, not a broken connection, for a body over 2 MiB", async () => {
    const door = await openFrontDoor();
    const command = new PutEventsCommand({ Entries: [anEntryOf(3 * MAX_EVENT_BYTES)] });
    await expect(eventBridgeClient(door).send(command)).rejects.toMatchObject({
      name: "RequestEntityTooLargeException",
      $metadata: { httpStatusCode: 413 },
    });
  });

  test("is retried when the queue fails, and acknowledged once it has stored the event", async () => {
    const stored: string[] = [];
    let calls = 0;
    const send = async (bodies: readonly string[]) => {
      if (++calls === 1) throw new Error("disk full");
      stored.push(...bodies);
      return bodies.map(String);
    };
    const door = await openFrontDoor({ queue: { send } });
    const output = await eventBridgeClient(door).send(new PutEventsCommand({ Entries: [anEntry()] }));
    expect(output.FailedEntryCount).toBe(0);
    expect(calls).toBe(2);
    expect(stored).toHaveLength(1);
  });
});

describe("PutEvents over plain HTTP", () => {
  test("says what to do about trouble of the store that it knows", async () => {
    const error = new TurnoutError("failed", "The disk is full.", { remedies: ["free some space"] });
    const door = await openFrontDoor({ queue: { send: () => Promise.reject(error) } });
    expect(await post(door, JSON.stringify({ Entries: [anEntry()] }))).toMatchObject({
      body: { message: "The events could not be stored: The disk is full. Free some space." },
    });
  });

  test("fails with the queue's words when it can't store, and acknowledges nothing", async () => {
    let accepted = 0;
    const queue = { send: () => Promise.reject(new Error("disk full")) };
    const door = await openFrontDoor({ queue, onAccepted: () => accepted++ });
    expect(await post(door, JSON.stringify({ Entries: [anEntry()] }))).toEqual({
      status: 500,
      body: {
        __type: "InternalException",
        message: "The events could not be stored: disk full. Ask 'turnout doctor' what is wrong.",
      },
    });
    expect(accepted).toBe(0);
  });

  test.each([
    ["what isn't JSON", "{", /^not JSON: /],
    ["a list as the request", "[]", /expected an object/],
    ["text as Entries", '{"Entries":"x"}', /^Entries: expected a list/],
    ["a number as Source", '{"Entries":[{"Source":5}]}', /^Entries\.0\.Source: expected text/],
  ])("refuses %s", async (_what, body, message) => {
    const door = await openFrontDoor();
    expect(await post(door, body)).toEqual({
      status: 400,
      body: { __type: "SerializationException", message: expect.stringMatching(message) },
    });
  });

  test("refuses a request without Entries", async () => {
    const door = await openFrontDoor();
    expect(await post(door, "{}")).toMatchObject({ status: 400, body: { __type: "ValidationException" } });
  });

  test("refuses bytes that aren't UTF-8", async () => {
    const door = await openFrontDoor();
    const body = Uint8Array.from(Buffer.from('{"Entries":[{"Source":"caf\xe9"}]}', "latin1"));
    expect(await post(door, body)).toMatchObject({ status: 400, body: { __type: "SerializationException" } });
  });

  test("refuses other operations by naming the one there is", async () => {
    const door = await openFrontDoor();
    expect(await post(door, "{}", { "x-amz-target": "AWSEvents.PutRule" })).toEqual({
      status: 400,
      body: {
        __type: "UnknownOperationException",
        message: "Operation AWSEvents.PutRule isn't supported, only AWSEvents.PutEvents is.",
      },
    });
  });

  test("refuses another content type", async () => {
    const door = await openFrontDoor();
    expect(await post(door, "{}", { "content-type": "application/json" })).toMatchObject({ status: 415 });
  });
});

test("a bus that doesn't exist is told of once", () => {
  const told: string[] = [];
  const tell = tellUnknownBuses(({ message }) => void told.push(message));
  for (const bus of ["orders", "orders", "arn:aws:events:eu-central-1:1:event-bus/bills"]) tell(bus);
  expect(told).toEqual([
    expect.stringMatching(/the bus 'orders', which doesn't exist\..*Publish to 'default'/),
    expect.stringContaining("event-bus/bills"),
  ]);
  for (let n = 0; n < 1_000; n++) tell(`bus-${n}`);
  expect(told).toHaveLength(100);
});
