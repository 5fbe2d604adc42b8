import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { expect, it, onTestFinished } from "vitest";
import { deadLettersHandler } from "../../functions/dead-letters.ts";
import { outcomesHandler } from "../../functions/outcomes.ts";
import { routerHandler } from "../../functions/router.ts";
import { sweeperHandler } from "../../functions/sweeper.ts";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import type { EventQueue, ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { sqsEventQueue } from "../../shared/event-queue/sqs-event-queue.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { lambdaTarget } from "../../shared/targets/lambda-target.ts";
import { type AboutComponent, aComponent, anEvent, bodyOf } from "../support/builders.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { dynamodbProxy, refused } from "../support/dynamodb-proxy.ts";
import { aNewRoutingTable } from "../support/dynamodb-routing.ts";
import { type Invocation, type InvocationAnswer, lambdaClient, lambdaStub } from "../support/lambda-stub.ts";
import { noLaptops } from "../support/no-laptops.ts";
import { sqsClient, sqsStub } from "../support/sqs-stub.ts";

const START = new Date("2026-11-20T10:00:00.000Z");
const VISIBILITY_MS = 5_400_000;

const FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:mailer";

type Handler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

withDynamoDB("deliveries on DynamoDB, SQS and Lambda", (endpoint) => {
  /** Every handler on the real SDK clients, with a clock in the test's hand. The function answers as `answer` says. */
  async function anInstallation(
    about: AboutComponent,
    answer: (sent: Invocation) => InvocationAnswer,
    eventsAt: { endpoint: string; maxAttempts?: number } = { endpoint },
  ) {
    const [{ table }, { store: events }, live, other] = await Promise.all([
      aNewRoutingTable(endpoint),
      aNewEventStore(eventsAt.endpoint, eventsAt),
      sqsStub(3),
      sqsStub(),
    ]);
    const lambda = await lambdaStub(answer);
    const aliases = { stable: { target: { kind: "lambda" as const, functionArn: FUNCTION_ARN } } };
    const component = aComponent({ name: "mailer", aliases, ...about });
    const meta = { changeId: "1", at: START, who: "ada", why: "a test", command: "test" };
    await changeRoutes(table, { edit: { kind: "apply component", component }, ...meta });

    let now = START;
    const troubles: string[] = [];
    const pass = (ms: number) => {
      now = new Date(now.getTime() + ms);
      live.setNow(now);
      other.setNow(now);
    };
    pass(0);
    const [sqs, otherSqs] = [sqsClient(live.endpoint), sqsClient(other.endpoint)];
    const queue = sqsEventQueue({ client: sqs, queueUrl: live.queueUrl });
    const dead = sqsEventQueue({ client: sqs, queueUrl: live.deadLetterQueueUrl });
    const outcomes = sqsEventQueue({ client: otherSqs, queueUrl: other.queueUrl });
    const ports = withCounter({
      routing: routingCache(table),
      events,
      target: lambdaTarget({ client: lambdaClient(lambda.endpoint), now: () => now }),
      now: () => now,
      random: () => 0.999,
      newId: () => crypto.randomUUID(),
      // Closes wait for their neighbours alone, but for what is tried again after a failure.
      delay: eventsAt.endpoint === endpoint ? () => new Promise<void>(() => {}) : async (ms: number) => pass(ms),
      report: () => {},
      onError: (error: unknown) => void troubles.push(String(error)),
    });
    onTestFinished(() => expect(troubles.splice(0)).toEqual([]));
    /** Lambda's event source mapping: hands over all that is visible, and deletes what succeeded. */
    const drain = async (from: EventQueue, handler: Handler) => {
      for (;;) {
        const messages = await from.receive(10, VISIBILITY_MS, now);
        if (messages.length === 0) return;
        const end = now.getTime() + 60_000;
        const { batchItemFailures } = await handler({ Records: messages.map(recordOf) }, {
          getRemainingTimeInMillis: () => end - now.getTime(),
        } as Context);
        const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        await from.delete(messages.filter(({ messageId }) => !failed.has(messageId)).map((done) => done.receiptHandle));
      }
    };
    const context = { getRemainingTimeInMillis: () => 60_000 } as Context;
    return {
      events,
      queue,
      invocations: lambda.invocations,
      troubles,
      now: () => now,
      pass,
      publish: (...ids: string[]) =>
        queue.send(
          ids.map((id) => bodyOf(anEvent({ id }))),
          now,
        ),
      tell: (record: object) => outcomes.send([JSON.stringify(record)], now),
      route: () => drain(queue, routerHandler({ ...ports, queue })),
      sweep: () => sweeperHandler({ ...noLaptops, events, queue, now: () => now })({}, context),
      takeOutcomes: () => drain(outcomes, outcomesHandler({ ...ports, queue: outcomes })),
      bury: () => drain(dead, deadLettersHandler({ ...ports, queue: dead })),
      entry: async (id: string): Promise<LedgerEntry | undefined> => {
        const key = eventKeyOf("shop", "order placed", id);
        return (await events.deliveriesOf([key])).get(key)?.[0];
      },
    };
  }

  const broken: InvocationAnswer = { functionError: "Unhandled", payload: { errorType: "Down", errorMessage: "no" } };

  it("come back from the queue after a short backoff, and are done once", async () => {
    let tries = 0;
    const { publish, route, pass, entry, invocations, queue } = await anInstallation({}, () =>
      ++tries === 1 ? broken : { executedVersion: "7" },
    );
    await publish("e");
    await route();
    expect(await entry("e")).toMatchObject({ status: "failed", failures: 1, error: { type: "Down", message: "no" } });
    pass(1_000);
    await route();
    expect(await entry("e")).toMatchObject({ status: "done", attempt: 2, executedVersion: "7" });
    await publish("e");
    await route();
    expect(invocations).toHaveLength(2);
    expect(await queue.depth(START)).toMatchObject({ visible: 0, inFlight: 0 });
  });

  it("are closed as soon as a store that throttles closes takes them again, and are neither lost nor run twice", async () => {
    const proxy = await dynamodbProxy(endpoint);
    const throttled = refused("ProvisionedThroughputExceededException");
    const trouble = { endpoint: proxy.endpoint, maxAttempts: 2 };
    const { publish, route, entry, invocations, queue } = await anInstallation(
      {},
      () => {
        // From the first send on, so that claims are made, and closes refused: all tries of the store, seven times over.
        if (invocations.length === 1)
          proxy.faults("BatchExecuteStatement", ...Array.from({ length: 14 }, () => throttled));
        return { executedVersion: "7" };
      },
      trouble,
    );
    const ids = ["a", "b", "c"];
    await publish(...ids);
    await route();
    for (const id of ids) expect(await entry(id)).toMatchObject({ status: "done", attempt: 1, executedVersion: "7" });
    expect(invocations).toHaveLength(ids.length);
    // A claim, fourteen refusals, and what was taken then.
    expect(proxy.counts().BatchExecuteStatement).toBeGreaterThan(15);
    expect(await queue.depth(START)).toMatchObject({ visible: 0, inFlight: 0 });
  });

  it("come back within seconds when closes are throttled for longer than the invocation lasts, and are done then", async () => {
    const proxy = await dynamodbProxy(endpoint);
    const throttled = refused("ProvisionedThroughputExceededException");
    const trouble = { endpoint: proxy.endpoint, maxAttempts: 2 };
    const installation = await anInstallation(
      {},
      ({ payload }) => {
        const first = JSON.parse(payload).turnout.attempt === 1;
        if (first) proxy.faults("BatchExecuteStatement", ...Array.from({ length: 400 }, () => throttled));
        return { executedVersion: "7" };
      },
      trouble,
    );
    const { publish, route, entry, queue, troubles, pass, now, invocations } = installation;
    await publish("a");
    await route();
    expect(troubles.splice(0).join()).toContain("ProvisionedThroughputExceeded");
    // Neither lost nor hidden for the 90 minutes of its visibility.
    expect(await entry("a")).toMatchObject({ status: "claimed", attempt: 1 });
    expect((await queue.depth(now())).inFlight + (await queue.depth(now())).visible).toBe(1);
    proxy.clear();
    const ended = now().getTime();
    while ((await entry("a"))?.status !== "done" && now().getTime() - ended < 120_000) {
      pass(1_000);
      await route();
    }
    expect(await entry("a")).toMatchObject({ status: "done", attempt: 2, lapses: 1 });
    expect(invocations).toHaveLength(2);
    // The rest of the lease, and the message's own backoff.
    expect(now().getTime() - ended).toBeLessThanOrEqual(60_000);
  });

  it("leave the queue for a long backoff, are brought back by the sweeper, and end dead with all that was tried", async () => {
    const retry = { maxAttempts: 3, baseDelayMs: 60_000, maxDelayMs: 600_000 };
    const { publish, route, pass, sweep, entry, invocations, queue } = await anInstallation({ retry }, () => broken);
    await publish("e");
    await route();
    expect(await queue.depth(START)).toMatchObject({ visible: 0, inFlight: 0 });
    expect(await sweep()).toEqual({ redelivered: 0, expired: 0 });
    for (const ms of [60_000, 120_000]) {
      pass(ms);
      expect(await sweep()).toEqual({ redelivered: 1, expired: 0 });
      expect(await sweep()).toEqual({ redelivered: 0, expired: 0 });
      await route();
    }
    const dead = await entry("e");
    expect(dead).toMatchObject({ status: "dead", failures: 3, error: { type: "Down" } });
    expect(dead?.attempts.map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual([
      "1 failed",
      "2 failed",
      "3 dead",
    ]);
    pass(3_600_000);
    expect(await sweep()).toEqual({ redelivered: 0, expired: 0 });
    expect(invocations).toHaveLength(3);
  });

  it("deliveries that are asynchronous are accepted, and closed by what Lambda's destinations tell", async () => {
    const invocation = { kind: "async", maxEventAgeMs: 60_000 } as const;
    const about = { invocation, timeoutMs: 10_000, retry: { maxAttempts: 3, baseDelayMs: 1_000 } };
    const { publish, route, pass, sweep, takeOutcomes, tell, entry, invocations } = await anInstallation(about, () => ({
      status: 202,
      payload: "",
    }));
    const outcome = (index: number, condition: string, responseContext: object | null) => ({
      version: "1.0",
      timestamp: START.toISOString(),
      requestContext: { requestId: "r", functionArn: `${FUNCTION_ARN}:stable`, condition, approximateInvokeCount: 1 },
      requestPayload: JSON.parse(invocations[index]?.payload ?? "{}"),
      responseContext,
      responsePayload: null,
    });
    await publish("e", "silent");
    await route();
    expect(invocations.map(({ type }) => type)).toEqual(["Event", "Event"]);
    expect(await entry("e")).toMatchObject({ status: "accepted", attempt: 1 });

    await tell(outcome(0, "RetriesExhausted", { statusCode: 200, executedVersion: "7", functionError: "Unhandled" }));
    await takeOutcomes();
    expect(await entry("e")).toMatchObject({ status: "failed", failures: 1, executedVersion: "7" });
    pass(1_000);
    await sweep();
    await route();
    expect(await entry("e")).toMatchObject({ status: "accepted", attempt: 2 });
    await tell(outcome(2, "Success", { statusCode: 200, executedVersion: "8" }));
    await tell(outcome(0, "Success", { statusCode: 200, executedVersion: "7" }));
    await takeOutcomes();
    expect(await entry("e")).toMatchObject({ status: "done", attempt: 2, executedVersion: "8" });

    pass(75_000);
    await sweep();
    await route();
    const again = await entry("silent");
    expect(again).toMatchObject({ status: "accepted", attempt: 2, lapses: 1, failures: 0 });
    expect(again?.attempts[0]).toMatchObject({ attempt: 1, outcome: "outcome missing" });
  });

  it("that are asynchronous stay open whatever another component says of them, and take their own outcome after it", async () => {
    const invocation = { kind: "async", maxEventAgeMs: 60_000 } as const;
    const accepts = () => ({ status: 202, payload: "" });
    const { publish, route, pass, takeOutcomes, tell, entry, invocations, troubles } = await anInstallation(
      { invocation, timeoutMs: 10_000 },
      accepts,
    );
    await publish("e", "of-evil");
    await route();
    const payloads = invocations.map(({ payload }) => JSON.parse(payload));
    const [victim, evil] = ["e", "of-evil"].map((id) => payloads.find((payload) => payload.id === id));
    const record = (requestPayload: object, functionArn = FUNCTION_ARN) => ({
      requestContext: { functionArn: `${functionArn}:stable`, condition: "Success" },
      requestPayload,
      responseContext: { statusCode: 200, executedVersion: "666" },
    });
    const { outcomeToken } = evil.turnout;
    await tell(record({ ...victim, turnout: { ...victim.turnout, outcomeToken } }));
    await tell(record(victim, FUNCTION_ARN.replace("mailer", "evil")));
    const before = await entry("e");
    await takeOutcomes();
    expect(await entry("e")).toEqual(before);
    expect(before).toMatchObject({ status: "accepted", attempt: 1 });
    expect(troubles.splice(0)).toEqual([
      expect.stringMatching(/is refused/),
      expect.stringMatching(/evil.*is refused|is refused.*evil/),
    ]);

    await tell(record(victim));
    await takeOutcomes();
    expect(await entry("e")).toMatchObject({ status: "done", attempt: 1 });
    // The forged ones come back until the queue gives them up, though the attempt is over.
    pass(30_000);
    await takeOutcomes();
    expect(troubles.splice(0)).toHaveLength(2);
  });

  it("deliveries whose routers die again and again are given up by the queue, stored, and closed as dead", async () => {
    const { publish, pass, route, bury, entry, events, queue, invocations } = await anInstallation({}, () => ({}));
    await publish("e");
    for (let receive = 1; receive <= 3; receive++) {
      expect(await queue.receive(10, VISIBILITY_MS, START)).toHaveLength(1);
      pass(VISIBILITY_MS);
    }
    await route();
    expect(await entry("e")).toBeUndefined();
    await bury();
    expect(await entry("e")).toMatchObject({ status: "dead", error: { type: "QueueGaveUp" } });
    const window = { from: START, to: new Date(START.getTime() + 1) };
    expect((await Array.fromAsync(events.records(window, START))).flat()).toMatchObject([{ id: "e" }]);
    expect(invocations).toEqual([]);
  });
});

function recordOf({ messageId, receiptHandle, body, sentAt, receiveCount }: ReceivedMessage) {
  const attributes = { SentTimestamp: String(sentAt.getTime()), ApproximateReceiveCount: String(receiveCount) };
  return { messageId, receiptHandle, body, attributes } as SQSEvent["Records"][number];
}
