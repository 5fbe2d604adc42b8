import type { Context, SQSEvent } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { routerHandler } from "../../functions/router.ts";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { aComponent } from "../support/builders.ts";
import { aMessage, aRouter, done, failed } from "../support/router.ts";

const aRecord = (message: ReceivedMessage): SQSEvent["Records"][number] => ({
  messageId: message.messageId,
  receiptHandle: message.receiptHandle,
  body: message.body,
  attributes: {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAt.getTime()),
    SenderId: "a service",
    ApproximateFirstReceiveTimestamp: "0",
  },
  messageAttributes: {},
  md5OfBody: "",
  eventSource: "aws:sqs",
  eventSourceARN: "arn:aws:sqs:eu-central-1:000000000000:live",
  awsRegion: "eu-central-1",
});

/** A handler and the visibility changes it asked for. Components named `broken` fail. */
async function aHandler() {
  const components = ["mailer", "broken"].map((name) => aComponent({ name, pattern: { "detail-type": [name] } }));
  const target = async ({ component }: { component: string }) => (component === "broken" ? failed : done);
  const router = await aRouter({ components, target });
  const hidden: [receiptHandle: string, visibilityMs: number, now: Date][] = [];
  const queue = { changeVisibility: async (...change: (typeof hidden)[number]) => void hidden.push(change) };
  const handler = routerHandler({ ...router.ports, queue });
  const handle = (...messages: ReceivedMessage[]) =>
    handler({ Records: messages.map(aRecord) }, { getRemainingTimeInMillis: () => 60_000 } as Context);
  return { ...router, queue, hidden, handle };
}

describe("the router's handler", () => {
  it("reports no failures for messages that are at rest", async () => {
    const { handle, hidden, records } = await aHandler();
    const message = aMessage({ messageId: "m-1", detailType: "mailer" });
    expect(await handle(message)).toEqual({ batchItemFailures: [] });
    expect(hidden).toEqual([]);
    expect(await records()).toMatchObject([{ messageId: "m-1", t0: message.sentAt }]);
  });

  it("reports only the messages that have to come back, each hidden for its own backoff", async () => {
    const { handle, hidden, time } = await aHandler();
    const good = aMessage({ messageId: "good", detailType: "mailer" });
    const bad = aMessage({ messageId: "bad", detailType: "broken", id: "1" });
    const worse = aMessage({ messageId: "worse", detailType: "broken", id: "2", receiveCount: 3 });
    expect(await handle(good, bad, worse)).toEqual({
      batchItemFailures: [{ itemIdentifier: "bad" }, { itemIdentifier: "worse" }],
    });
    expect(hidden).toEqual([
      ["bad:1", 250, time.now()],
      ["worse:3", 250, time.now()],
    ]);
  });

  it("reads how often a message was received, so that it waits ever longer for somebody else's delivery", async () => {
    const { handle, hidden, calls, time } = await aHandler();
    const stuck = calls.hold("send mailer");
    const first = handle(aMessage({ detailType: "mailer" }));
    await handle(aMessage({ messageId: "m-2", detailType: "mailer", receiveCount: 4 }));
    expect(hidden).toEqual([["m-2:4", 8_000, time.now()]]);
    stuck.release();
    await first;
  });
});
