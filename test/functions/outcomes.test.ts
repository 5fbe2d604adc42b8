import type { Context, SQSEvent } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { outcomesHandler } from "../../functions/outcomes.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import type { SendResult } from "../../shared/targets/target.ts";
import { asyncInvocations } from "../../shared/targets/worker/async-invocations.ts";
import { aComponent } from "../support/builders.ts";
import { eventually } from "../support/port-calls.ts";
import { aMessage, aRouter, done, failed } from "../support/router.ts";

const invocation = { kind: "async", maxEventAgeMs: 60_000 } as const;

/** The handler, after a router has handed one event to a component that runs it in the background. */
async function aHandler(result: SendResult = done) {
  const router = await aRouter({ components: [aComponent({ invocation })] });
  const { ports, time, calls } = router;
  const told: string[] = [];
  const tell = async (record: string) => void told.push(record);
  const { delay, onError } = ports;
  const background = { run: async () => result, tell, now: time.now, delay, onError };
  ports.target = asyncInvocations(background);
  expect(await routeBatch(ports, [aMessage()])).toEqual([]);
  await eventually(() => told.length === 1);
  const hidden: [receiptHandle: string, visibilityMs: number][] = [];
  const queue = { changeVisibility: async (handle: string, ms: number) => void hidden.push([handle, ms]) };
  const events = { ...router.events, close: ports.events.close };
  const handler = outcomesHandler({ ...ports, events, queue });
  const handle = (...bodies: string[]) =>
    handler({ Records: bodies.map(aRecord) }, { getRemainingTimeInMillis: () => 0 } as Context);
  return { ...router, calls, hidden, handle, record: told[0] ?? "" };
}

function aRecord(body: string, index: number): SQSEvent["Records"][number] {
  const attributes = {
    ApproximateReceiveCount: "3",
    SentTimestamp: "0",
    SenderId: "",
    ApproximateFirstReceiveTimestamp: "0",
  };
  const rest = { messageAttributes: {}, md5OfBody: "", eventSource: "aws:sqs", eventSourceARN: "", awsRegion: "" };
  return { messageId: `o-${index}`, receiptHandle: `handle-${index}`, body, attributes, ...rest };
}

describe("the handler of the outcomes queue", () => {
  it.each([
    ["done", done, "done"],
    ["failed", failed, "failed"],
  ] as const)(
    "closes the attempt that the background run of the event has told to be %s",
    async (_, result, status) => {
      const { handle, record, ledger } = await aHandler(result);
      expect(await ledger()).toMatchObject([{ status: "accepted" }]);
      expect(await handle(record)).toEqual({ batchItemFailures: [] });
      expect(await ledger()).toMatchObject([{ status, attempt: 1 }]);
    },
  );

  it("gives a message that is no outcome back for 30 s, until the queue gives it up", async () => {
    const { handle, record, hidden, troubles, ledger } = await aHandler();
    expect(await handle(record, "hello")).toEqual({ batchItemFailures: [{ itemIdentifier: "o-1" }] });
    expect(hidden).toEqual([["handle-1", 30_000]]);
    expect(troubles).toHaveLength(1);
    expect(await ledger()).toMatchObject([{ status: "done" }]);
  });

  it("gives the whole batch back after a backoff when the store fails", async () => {
    const { handle, record, calls, hidden, troubles } = await aHandler();
    calls.fail("close");
    expect(await handle(record, "hello")).toEqual({
      batchItemFailures: [{ itemIdentifier: "o-0" }, { itemIdentifier: "o-1" }],
    });
    expect(hidden).toEqual([
      ["handle-0", 4_000],
      ["handle-1", 4_000],
    ]);
    expect(troubles.map(String)).toContain("Error: close failed");
  });
});
