import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPublisher, type PublishResult } from "../../shared/client/publisher.ts";
import { openFrontDoor } from "../support/front-door.ts";
import { anEvent, events, idsFrom, publisherOn } from "./publishing.ts";
import { answered, putEventsStub, type Reply, refused, type Seen, takeAll, takeOne } from "./put-events-stub.ts";

const throttle = { ErrorCode: "ThrottlingException", ErrorMessage: "slow down" };

/** Who was sent in each request. */
function sent(requests: readonly Seen[][]): number[][] {
  return requests.map((seen) => seen.map(({ n }) => n));
}

function codes(results: readonly PublishResult[]): string[] {
  return results.map((result) => ("error" in result ? result.error.code : result.eventId));
}

describe("entries that fail", () => {
  test("are sent again alone, with the keys that they had", async () => {
    const stub = await putEventsStub((seen, request) =>
      request === 1
        ? answered(seen.map((event) => (event.n % 2 === 0 ? throttle : takeOne(event))))
        : answered(
            seen.map((event) => (event.n === 4 && request === 2 ? { ErrorCode: "InternalFailure" } : takeOne(event))),
          ),
    );
    expect(await publisherOn(stub.endpoint).publisher.publish(events(5))).toEqual(idsFrom(1, 5));
    expect(sent(stub.requests)).toEqual([[1, 2, 3, 4, 5], [2, 4], [4]]);
    expect(stub.requests.map((seen) => seen.find(({ n }) => n === 4)?.key)).toEqual(["key-4", "key-4", "key-4"]);
  });

  test("aren't sent again when they were refused for good", async () => {
    const refusals = ["AccessDeniedException", "InvalidArgument", "NotAuthorizedForSourceException", "Unheard"];
    const stub = await putEventsStub((seen) => answered(seen.map(({ n }) => ({ ErrorCode: refusals[n - 1] ?? "" }))));
    const { publisher, machine } = publisherOn(stub.endpoint);
    const results = await publisher.publish(events(4));
    expect(codes(results)).toEqual(refusals);
    expect(results).toMatchObject(
      [1, 2, 3, 4].map((n) => ({
        error: { attempts: 1, retryable: false, idempotencyKey: `key-${n}` },
      })),
    );
    expect(stub.requests).toHaveLength(1);
    expect(machine.delays).toEqual([]);
  });

  test("are given up after five attempts, with growing delays between them", async () => {
    const stub = await putEventsStub((seen) => answered(seen.map(() => throttle)));
    const { publisher, machine } = publisherOn(stub.endpoint);
    const [result] = await publisher.publish(events(1));
    expect(stub.requests).toHaveLength(5);
    expect(machine.delays).toEqual([50, 100, 200, 400]);
    expect(result).toMatchObject({
      error: {
        code: "ThrottlingException",
        attempts: 5,
        retryable: true,
        message:
          "Event 0 ('counted') isn't known to be published after 5 attempts: ThrottlingException: slow down. " +
          "Publish it again with idempotencyKey 'key-1', so that it runs once.",
      },
    });
  });

  test("wait from nothing to the bound, by chance", async () => {
    const stub = await putEventsStub((seen) => answered(seen.map(() => throttle)));
    const random = [0, 0.999, 0.999, 0.999];
    const { publisher, machine } = publisherOn(stub.endpoint, {
      retry: { baseDelayMs: 1_000, maxDelayMs: 3_000 },
      machine: { random: () => random.shift() ?? 0 },
    });
    await publisher.publish(events(1));
    expect(machine.delays).toEqual([0, 1_998, 2_997, 2_997]);
  });
});

describe("requests that fail", () => {
  const passing: [string, Reply][] = [
    ["a 500", refused(500, "InternalException")],
    ["a 503 without a body", { status: 503, body: "" }],
    ["a throttle", refused(400, "ThrottlingException")],
    ["a 429", refused(429, "TooManyRequestsException")],
    ["a lost connection", "hangs up"],
    ["a web page", { status: 200, body: "<html>welcome</html>" }],
    ["half an answer", { status: 200, body: '{"FailedEntryCount":0,"Entr' }],
    ["no entries", { status: 200, body: "{}" }],
    ["entries that are none", { status: 200, body: '{"Entries":"all of them"}' }],
    ["too few entries", answered([{ EventId: "id-9" }])],
    ["too many entries", answered([{ EventId: "id-9" }, { EventId: "id-9" }, { EventId: "id-9" }])],
    ["entries that say nothing", answered([{}, {}])],
    ["a clock that is wrong", refused(400, "InvalidSignatureException")],
  ];

  test.each(passing)("requests that fail by %s are sent again with the same keys", async (_, reply) => {
    const stub = await putEventsStub((seen, request) => (request === 1 ? reply : takeAll(seen)));
    const { publisher } = publisherOn(stub.endpoint);
    expect(await publisher.publish(events(2))).toEqual(idsFrom(1, 2));
    expect(stub.requests).toHaveLength(2);
    expect(stub.requests[1]).toEqual(stub.requests[0]);
  });

  test("wait for their answer for a bounded time", async () => {
    const stub = await putEventsStub(() => "says nothing");
    const { publisher, machine } = publisherOn(stub.endpoint, { requestTimeoutMs: 20 });
    const results = await publisher.publish(events(1));
    expect(results).toMatchObject([{ error: { code: "TimeoutError", attempts: 5, retryable: true } }]);
    expect(results).toMatchObject([{ error: { message: expect.stringContaining("no answer within 20 ms") } }]);
    expect(machine.delays).toHaveLength(4);
  });

  test("are given up after five attempts when nobody listens", async () => {
    const door = await openFrontDoor();
    await door.stop(0);
    const { publisher, machine } = publisherOn(door.url);
    const results = await publisher.publish(events(2));
    expect(codes(results)).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
    expect(results).toMatchObject([0, 1].map((index) => ({ error: { index, attempts: 5, retryable: true } })));
    expect(machine.delays).toHaveLength(4);
  });

  test("aren't sent again when they were refused for good", async () => {
    const stub = await putEventsStub(() =>
      refused(403, "AccessDeniedException", "not authorized to perform: events:PutEvents"),
    );
    const results = await publisherOn(stub.endpoint).publisher.publish(events(3));
    expect(codes(results)).toEqual(Array(3).fill("AccessDeniedException"));
    expect(stub.requests).toHaveLength(1);
  });

  test.each([
    [400, "ValidationException"],
    [413, "ContentTooLarge"],
  ])("requests that fail by a %i take down only the event for which they are refused", async (status, type) => {
    const stub = await putEventsStub((seen) => (seen.some(({ n }) => n === 7) ? refused(status, type) : takeAll(seen)));
    const results = await publisherOn(stub.endpoint).publisher.publish(events(10));
    expect(codes(results)).toEqual([...idsFrom(1, 6), { eventId: type }, ...idsFrom(8, 10)].map((id) => id.eventId));
    expect(sent(stub.requests)).toEqual([
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
      [6, 7, 8],
      [6, 7],
      [6],
      [7],
      [8],
      [9, 10],
    ]);
  });

  test("end the whole publish when nothing comes back for a minute", async () => {
    const stub = await putEventsStub(() => refused(500, "InternalException"));
    const { publisher, machine } = publisherOn(stub.endpoint, {
      concurrency: 1,
      retry: { baseDelayMs: 40_000, maxDelayMs: 40_000 },
    });
    const results = await publisher.publish(events(1_000));
    expect(machine.delays).toEqual([20_000, 20_000, 20_000]);
    expect(stub.requests).toHaveLength(3);
    expect(new Set(codes(results))).toEqual(new Set(["GaveUp"]));
    expect(results[0]).toMatchObject({ error: { attempts: 3, retryable: true } });
    expect(results[999]).toMatchObject({ error: { attempts: 0, retryable: true, idempotencyKey: "key-1000" } });
  });

  test("don't end a publish that gets on", async () => {
    const stub = await putEventsStub((seen, request) => (request % 2 === 1 ? "hangs up" : takeAll(seen)));
    const { publisher, machine } = publisherOn(stub.endpoint, {
      concurrency: 1,
      retry: { baseDelayMs: 80_000, maxDelayMs: 80_000 },
    });
    expect(await publisher.publish(events(50))).toEqual(idsFrom(1, 50));
    expect(machine.nowMs).toBe(200_000);
  });
});

describe("a client that can't send", () => {
  test("a client that can't send for want of credentials, says so for each event", async () => {
    const credentials = () => Promise.reject(new Error("The session has expired"));
    const client = new EventBridgeClient({ region: "eu-central-1", credentials, maxAttempts: 1 });
    const publisher = createPublisher({ source: "shop", client, retry: { maxAttempts: 1 } });
    expect(await publisher.publish(events(2))).toMatchObject([
      { error: { index: 0, message: expect.stringContaining("The session has expired") } },
      { error: { index: 1, message: expect.stringContaining("The session has expired") } },
    ]);
  });
});

describe("whatever the answers are", () => {
  type Fate = { request: "answered" | "lost" | "failed" | "invalid"; entries: string[] };

  const entry = fc.constantFrom("taken", "taken", "taken", "throttled", "refused", "silent");
  const fate: fc.Arbitrary<Fate> = fc.record({
    request: fc.constantFrom("answered", "answered", "answered", "answered", "lost", "failed", "invalid"),
    entries: fc.array(entry, { minLength: 10, maxLength: 10 }),
  });
  const event = fc.record({
    isWrong: fc.integer({ min: 0, max: 5 }).map((chance) => chance === 0),
    length: fc.constantFrom(...Array<number>(12).fill(0), 600_000),
  });

  test("every event is answered once, in its place, and by what became of it", async () => {
    let fates: Fate[] = [];
    let taken: Seen[] = [];
    const stub = await putEventsStub((seen) => {
      const { request, entries } = fates.shift() ?? { request: "answered", entries: [] };
      if (request === "failed") return refused(500, "InternalException");
      if (request === "invalid") return refused(400, "ValidationException");
      const results = seen.map((one, index) => {
        if (entries[index] === "throttled") return throttle;
        if (entries[index] === "refused") return { ErrorCode: "InvalidArgument" };
        taken.push(one);
        return entries[index] === "silent" ? {} : takeOne(one);
      });
      return request === "lost" ? "hangs up" : answered(results);
    });
    const { publisher } = publisherOn(stub.endpoint, { retry: { maxAttempts: 3 } });

    const publishAll = async (wanted: { isWrong: boolean; length: number }[], drawn: Fate[]) => {
      [fates, taken, stub.requests.length, stub.entries.length] = [[...drawn], [], 0, 0];
      const results = await publisher.publish(
        wanted.map(({ isWrong, length }, n) => (isWrong ? (null as never) : anEvent(n, "x".repeat(length)))),
      );
      expect(results).toHaveLength(wanted.length);
      for (const [n, result] of Array.from(results).entries()) {
        const sightings = stub.requests.flat().filter((one) => one.n === n);
        const [key] = new Set(sightings.map((one) => one.key));
        expect(sightings).toEqual(sightings.map(() => ({ n, key })));
        if (wanted[n]?.isWrong) {
          expect(result).toMatchObject({ error: { index: n, attempts: 0 } });
          expect(sightings).toEqual([]);
        } else if ("eventId" in result) {
          expect(result.eventId).toBe(`id-${n}`);
          expect(taken).toContainEqual({ n, key });
        } else {
          expect(result.error).toMatchObject({ index: n, idempotencyKey: key });
          // A request that was refused as a whole starts anew with its halves.
          expect(result.error.attempts).toBeLessThanOrEqual(Math.min(3, sightings.length));
        }
      }
    };
    const property = fc.asyncProperty(
      fc.array(event, { maxLength: 30 }),
      fc.array(fate, { maxLength: 12 }),
      publishAll,
    );
    await fc.assert(property);
  });
});
