import type { Context, SQSEvent } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { printedMetrics } from "../../functions/printed-metrics.ts";
import { routerHandler } from "../../functions/router.ts";
import { sweeperHandler } from "../../functions/sweeper.ts";
import type { ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { deliveryCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import type { Target } from "../../shared/targets/target.ts";
import { aComponent, aPin, aSubjectRow } from "../support/builders.ts";
import { noLaptops } from "../support/no-laptops.ts";
import { again, aMessage, aRouter, done, failed } from "../support/router.ts";

const context = { getRemainingTimeInMillis: () => 60_000 } as Context;

function aRecord({ messageId, receiptHandle, body, receiveCount, sentAt }: ReceivedMessage) {
  const attributes = { ApproximateReceiveCount: `${receiveCount}`, SentTimestamp: `${sentAt.getTime()}` };
  return { messageId, receiptHandle, body, attributes };
}

type Line = Record<string, unknown>;

/** The router's function, which prints what it measures; a component named `broken` fails. */
async function aMeasuredRouter(about: { target?: Target; namespace?: string | undefined } = {}) {
  const { namespace = "prod-turnout" } = about;
  const components = ["mailer", "broken"].map((name) => aComponent({ name, pattern: { "detail-type": [name] } }));
  const rows = { "customer#acme": aSubjectRow({ pins: { mailer: aPin({ alias: "gone" }) } }) };
  const target: Target = async ({ component }) => (component === "broken" ? failed : done);
  const router = await aRouter({ components, rows, target: about.target ?? target });
  const printed: string[] = [];
  const metrics = printedMetrics({
    namespace: "namespace" in about ? about.namespace : namespace,
    now: router.time.now,
    print: (line) => void printed.push(line),
  });
  const { ports, events } = router;
  const counter = deliveryCounter({ ...ports, events, onCounted: metrics.counted });
  const own = { ...ports, counter, report: metrics.reported, onUnrouted: metrics.unrouted };
  const queue = { changeVisibility: async () => {} };
  const handler = routerHandler({ ...own, queue }).use(metrics.ofBatches("router"));
  return {
    ...router,
    metrics,
    /** Routes a batch, and reads what is printed of it: values by what they are told apart by. */
    async handle(...messages: ReceivedMessage[]): Promise<Line[]> {
      printed.length = 0;
      await handler({ Records: messages.map(aRecord) } as SQSEvent, context);
      return printed.map((line) => JSON.parse(line)).map(({ _aws, ...values }) => values);
    },
    printed,
  };
}

describe("what the router prints of a batch", () => {
  it("is a line for itself, and one for each component and version, however many events there are", async () => {
    const { handle, time } = await aMeasuredRouter();
    const sentAt = new Date(time.now().getTime() - 1_500);
    const mails = ["1", "2", "3"].map((id) =>
      aMessage({ messageId: id, id, detailType: "mailer", customer: "acme", sentAt }),
    );
    const bad = aMessage({ messageId: "4", id: "4", detailType: "broken", sentAt });
    expect(await handle(...mails, bad)).toEqual([
      {
        part: "router",
        Received: 4,
        Returned: 1,
        QueueWait: [1_500, 1_500, 1_500, 1_500],
        FirstAttempts: 4,
        FailedFirstAttempts: 1,
        Fallbacks: 3,
      },
      { component: "mailer", component_version: "7", FirstAttempts: 3, Fallbacks: 3, Duration: [5, 5, 5] },
      {
        component: "broken",
        component_version: "unknown",
        FirstAttempts: 1,
        FailedFirstAttempts: 1,
        Duration: [5],
      },
    ]);
  });

  it("tells retries, duplicates and what is refused apart from first attempts", async () => {
    const { handle, time } = await aMeasuredRouter();
    const bad = aMessage({ messageId: "bad", id: "bad", detailType: "broken" });
    const good = aMessage({ messageId: "good", id: "good", detailType: "mailer", customer: "acme" });
    await handle(bad, good);
    await time.pass(10_000);
    const twice = aMessage({ ...good, messageId: "twice" });
    const unreadable = aMessage({ messageId: "unreadable", body: "{" });
    const [own, ...versions] = await handle(again(bad), twice, unreadable);
    expect(own).toMatchObject({ Received: 3, Returned: 1, Retries: 1, Duplicates: 1, Rejected: 1 });
    expect(own).not.toHaveProperty("FirstAttempts");
    expect(versions).toEqual([
      { component: "mailer", component_version: "unknown", Duplicates: 1 },
      { component: "broken", component_version: "unknown", Retries: 1 },
    ]);
  });

  it("says of a batch that could not be routed at all that it comes back whole", async () => {
    const { handle, calls } = await aMeasuredRouter();
    calls.fail("claim");
    const messages = ["1", "2"].map((id) =>
      aMessage({ messageId: id, id, detailType: "mailer", customer: "acme", receiveCount: 2 }),
    );
    expect(await handle(...messages)).toEqual([{ part: "router", Received: 2, Returned: 2, Unrouted: 2 }]);
    expect(await handle(...messages)).toMatchObject([{ Received: 2 }, { FirstAttempts: 2 }]);
  });

  it("is nothing where no namespace is set", async () => {
    const { handle } = await aMeasuredRouter({ namespace: undefined });
    expect(await handle(aMessage({ detailType: "mailer", customer: "acme" }))).toEqual([]);
  });
});

describe("a function that is called every minute", () => {
  it("beats when it has done its work, and not when it has failed", async () => {
    const { metrics, printed, events, time } = await aMeasuredRouter();
    let isDown = false;
    const due = async () => {
      if (isDown) throw new Error("down");
      return [];
    };
    const ports = { events: { ...events, due }, queue: { send: async () => [] }, now: time.now };
    const handler = sweeperHandler({ ...noLaptops, ...ports }).use(metrics.ofBeats("sweeper"));
    await handler({}, context);
    expect(printed.map((line) => JSON.parse(line))).toMatchObject([{ part: "sweeper", Beats: 1 }]);
    isDown = true;
    await expect(handler({}, context)).rejects.toThrow("down");
    expect(printed).toHaveLength(1);
  });
});
