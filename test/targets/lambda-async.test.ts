import { describe, expect, it } from "vitest";
import { lambdaTarget, MAX_ASYNC_LAMBDA_PAYLOAD_BYTES } from "../../shared/targets/lambda-target.ts";
import type { Send } from "../../shared/targets/target.ts";
import { type InvocationAnswer, lambdaClient, lambdaStub } from "../support/lambda-stub.ts";

const NOW = new Date("2026-11-20T10:00:00.000Z");
const ARN = "arn:aws:lambda:eu-west-1:123456789012:function:release-coordinator";

/** Lambda's answer to an event that it has taken: no more than the status. */
const TAKEN: InvocationAnswer = { status: 202, errorType: "" };

async function sendTo(answer: InvocationAnswer, about: Partial<Send> = {}) {
  const stub = await lambdaStub(() => answer);
  const result = await lambdaTarget({ client: lambdaClient(stub.endpoint), now: () => NOW })({
    component: "release-coordinator",
    alias: "beta",
    address: { kind: "lambda", functionArn: ARN },
    invocation: { kind: "async", maxEventAgeMs: 60_000 },
    subject: {},
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    payload: '{"id":"event-1"}',
    idempotencyKey: "key-1",
    lapses: 0,
    requestId: "request-1",
    timeoutMs: 30_000,
    latestStart: NOW,
    ...about,
  });
  return { result, invocations: stub.invocations };
}

describe("an asynchronous Lambda target", () => {
  it("hands the event to the function's alias, byte for byte, and doesn't wait for what becomes of it", async () => {
    const payload = '{"big":12345678901234567890, "text":"é\u{1f600}"}';
    const { result, invocations } = await sendTo(TAKEN, { payload });
    expect(result).toEqual({ outcome: "accepted", durationMs: 0 });
    expect(invocations).toEqual([{ functionArn: ARN, qualifier: "beta", type: "Event", payload }]);
  });

  it("fails without a request on an event of nearly 1 MB or more, which a synchronous one takes", async () => {
    const payload = `"${"é".repeat(MAX_ASYNC_LAMBDA_PAYLOAD_BYTES / 2 - 1)}"`;
    expect(MAX_ASYNC_LAMBDA_PAYLOAD_BYTES).toBe((1024 - 16) * 1024);
    const { result, invocations } = await sendTo(TAKEN, { payload });
    expect(result).toMatchObject({
      outcome: "failed",
      error: { type: "Turnout.PayloadTooLarge", message: expect.stringContaining("fewer than 1032192 asynchronously") },
    });
    expect(invocations).toEqual([]);
    expect((await sendTo(TAKEN, { payload: payload.slice(1) })).result.outcome).toBe("accepted");
    const sync = await sendTo({ executedVersion: "1" }, { payload, invocation: { kind: "sync" } });
    expect(sync.result.outcome).toBe("done");
  });

  it.each([
    [429, "TooManyRequestsException", "throttled"],
    [404, "ResourceNotFoundException", "failed"],
    [500, "ServiceException", "failed"],
  ])("is not accepted after %s %s", async (status, errorType, outcome) => {
    const { result, invocations } = await sendTo({ status, errorType });
    expect(result).toMatchObject({ outcome });
    expect(invocations).toHaveLength(1);
  });

  it("fails when the connection is lost, though Lambda may have taken the event", async () => {
    expect((await sendTo("cut")).result).toMatchObject({ outcome: "failed", error: { type: "ECONNRESET" } });
  });
});
