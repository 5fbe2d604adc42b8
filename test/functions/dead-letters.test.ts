import type { Context, SQSEvent } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { deadLettersHandler } from "../../functions/dead-letters.ts";
import { redeliveryBody } from "../../shared/domain/deliveries/redelivery.ts";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { aComponent } from "../support/builders.ts";
import { eventually } from "../support/port-calls.ts";
import { aMessage, aRouter, done, failed, putRows } from "../support/router.ts";

const components = ["mailer", "invoice"].map((name) =>
  aComponent({ name, retry: { baseDelayMs: 120_000, maxDelayMs: 120_000 } }),
);
const gaveUp = { status: "dead", error: { type: "QueueGaveUp" } };

/** The handler beside a router that shares its ports. Components named here fail there. */
async function aHandler(...broken: string[]) {
  return aHandlerOf("queue", ...broken);
}

async function aHandlerOf(givenUpBy: "queue" | "rule", ...broken: string[]) {
  const target = async ({ component }: { component: string }) => (broken.includes(component) ? failed : done);
  const router = await aRouter({ components, target });
  const hidden: [receiptHandle: string, visibilityMs: number][] = [];
  const queue = {
    changeVisibility: async (handle: string, ms: number) => void hidden.push([handle, ms]),
  };
  const handler = deadLettersHandler({ ...router.ports, queue }, givenUpBy);
  const handle = (...messages: ReceivedMessage[]) =>
    handler({ Records: messages.map(aRecord) } satisfies SQSEvent, {
      getRemainingTimeInMillis: () => 60_000,
    } as Context);
  const statuses = async () => (await router.ledger()).map(({ component, status }) => [component, status]);
  return { ...router, hidden, handle, statuses };
}

function aRecord({
  messageId,
  receiptHandle,
  body,
  sentAt,
  receiveCount,
}: ReceivedMessage): SQSEvent["Records"][number] {
  const attributes = {
    ApproximateReceiveCount: String(receiveCount),
    SentTimestamp: String(sentAt.getTime()),
    SenderId: "",
    ApproximateFirstReceiveTimestamp: "0",
  };
  const rest = { messageAttributes: {}, md5OfBody: "", eventSource: "aws:sqs", eventSourceARN: "", awsRegion: "" };
  return { messageId, receiptHandle, body, attributes, ...rest };
}

describe("a message that the queue gave up", () => {
  it("has its event recorded and all its deliveries dead, with nothing sent", async () => {
    const { handle, sends, records, ledger, reports } = await aHandler();
    const message = aMessage();
    expect(await handle(message)).toEqual({ batchItemFailures: [] });
    expect(sends).toEqual([]);
    expect(await records()).toMatchObject([{ messageId: "message-1", body: message.body, t0: message.sentAt }]);
    expect(await ledger()).toMatchObject([
      { component: "invoice", ...gaveUp },
      { component: "mailer", ...gaveUp },
    ]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["dead", "dead"]);
  });

  it("a message that the bus's rule gave up is dead for that reason, and a replay can finish it", async () => {
    const { handle, sends, ledger } = await aHandlerOf("rule");
    expect(await handle(aMessage())).toEqual({ batchItemFailures: [] });
    expect(sends).toEqual([]);
    expect(await ledger()).toMatchObject([
      { component: "invoice", status: "dead", error: { type: "RuleGaveUp" } },
      { component: "mailer", status: "dead", error: { type: "RuleGaveUp" } },
    ]);
  });

  it("leaves a delivery that is done as it is, and one that is parked to the sweeper", async () => {
    const { ports, handle, ledger } = await aHandler("invoice");
    await routeBatch(ports, [aMessage()]);
    const before = await ledger();
    expect(before.map(({ component, status }) => [component, status])).toEqual([
      ["invoice", "failed"],
      ["mailer", "done"],
    ]);
    expect(await handle(aMessage({ receiveCount: 2 }))).toEqual({ batchItemFailures: [] });
    expect(await ledger()).toEqual(before);
  });

  it("comes back while a router is at one of its deliveries, which is dead once that router is gone", async () => {
    const { ports, handle, hidden, calls, time, statuses } = await aHandler();
    const stuck = calls.hold("send mailer");
    const batch = routeBatch(ports, [aMessage()]);
    await eventually(stuck.reached);
    await time.pass(250);
    await eventually(async () => (await statuses()).some(([, status]) => status === "done"));

    expect(await handle(aMessage())).toEqual({ batchItemFailures: [{ itemIdentifier: "message-1" }] });
    expect(hidden).toEqual([["message-1:1", 1_000]]);
    await time.pass(35_000);
    expect(await handle(aMessage({ receiveCount: 2 }))).toEqual({ batchItemFailures: [] });
    expect(await statuses()).toEqual([
      ["invoice", "done"],
      ["mailer", "dead"],
    ]);
    stuck.release();
    await batch;
  });

  it("a message that asked for a redelivery makes that delivery dead, and no other", async () => {
    const { ports, handle, ledger, time, statuses } = await aHandler("invoice", "mailer");
    await routeBatch(ports, [aMessage()]);
    const parked = (await ledger()).find(({ component }) => component === "mailer");
    if (parked === undefined) throw new Error("nothing was parked");
    await time.pass(60_000);
    expect(await handle(aMessage({ body: redeliveryBody(parked) }))).toEqual({ batchItemFailures: [] });
    expect(await statuses()).toEqual([
      ["invoice", "failed"],
      ["mailer", "dead"],
    ]);
  });

  it.each(["not json", '{"redelivery":{}}'])(
    "and that can't be read (%s) is stored as it is, as rejected",
    async (body) => {
      const { handle, records, reports } = await aHandler();
      expect(await handle(aMessage({ body }))).toEqual({ batchItemFailures: [] });
      expect(await records()).toMatchObject([{ body, rejected: expect.any(String) }]);
      expect(reports).toMatchObject([{ outcome: "rejected" }]);
    },
  );

  it.each([
    ["which may not even listen to it", "{"],
    ["whose pattern says that it listens", '{"pattern":{"source":[{"exists":true}]}}'],
  ])("waits for a component whose row can't be read, %s", async (_, text) => {
    const { ports, table, damage, handle, ledger, sends, time } = await aHandler();
    damage("component#invoice", text);
    ports.routing = routingCache(table);
    expect(await handle(aMessage())).toMatchObject({ batchItemFailures: [{ itemIdentifier: "message-1" }] });
    expect(await ledger()).toMatchObject([
      { component: "mailer", ...gaveUp },
      { component: "invoice", status: "failed", failures: 0, error: { type: "RowUnreadable" } },
    ]);
    await putRows(table, { "component#invoice": aComponent({ name: "invoice", pattern: { source: ["nobody"] } }) });
    await time.pass(3_600_000);
    expect(await handle(aMessage({ receiveCount: 2 }))).toEqual({ batchItemFailures: [] });
    expect(await ledger()).toMatchObject([{ component: "mailer", ...gaveUp }]);
    expect(sends).toEqual([]);
  });

  it("comes back when it can't be stored", async () => {
    const { handle, calls, hidden, troubles, statuses } = await aHandler();
    calls.fail("record");
    expect(await handle(aMessage())).toEqual({ batchItemFailures: [{ itemIdentifier: "message-1" }] });
    expect(hidden).toEqual([["message-1:1", 1_000]]);
    expect(troubles.map(String)).toEqual(["Error: record failed"]);
    expect(await handle(aMessage({ receiveCount: 2 }))).toEqual({ batchItemFailures: [] });
    expect(await statuses()).toEqual([
      ["invoice", "dead"],
      ["mailer", "dead"],
    ]);
  });
});
