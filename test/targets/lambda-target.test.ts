import { describe, expect, it } from "vitest";
import { TargetAddress } from "../../shared/domain/routing/target-address.ts";
import { lambdaTarget, MAX_LAMBDA_PAYLOAD_BYTES } from "../../shared/targets/lambda-target.ts";
import type { Send } from "../../shared/targets/target.ts";
import { type InvocationAnswer, lambdaClient, lambdaStub } from "../support/lambda-stub.ts";

const NOW = new Date("2026-11-20T10:00:00.000Z");
const ARN = "arn:aws:lambda:eu-west-1:123456789012:function:release-coordinator";

function aSend(about: Partial<Send> = {}): Send {
  return {
    component: "release-coordinator",
    alias: "beta",
    address: { kind: "lambda", functionArn: ARN },
    invocation: { kind: "sync" },
    subject: {},
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    payload: '{"id":"event-1"}',
    idempotencyKey: "key-1",
    lapses: 0,
    requestId: "request-1",
    timeoutMs: 30_000,
    latestStart: NOW,
    ...about,
  };
}

/** Sends to a stub that answers so, with a clock that takes 7 ms from the start to the end. */
async function sendTo(answer: InvocationAnswer | (() => Promise<InvocationAnswer>), about: Partial<Send> = {}) {
  const stub = await lambdaStub(typeof answer === "function" ? answer : () => answer);
  let time = NOW.getTime();
  const now = () => {
    const at = new Date(time);
    time += 7;
    return at;
  };
  const result = await lambdaTarget({ client: lambdaClient(stub.endpoint), now })(aSend(about));
  return { result, invocations: stub.invocations };
}

describe("a Lambda target", () => {
  it("invokes the function's alias with the event, byte for byte, and tells the version that ran", async () => {
    const payload = '{"big":12345678901234567890, "text":"é\u{1f600}"}';
    const { result, invocations } = await sendTo({ executedVersion: "23", payload: { ok: true } }, { payload });
    expect(result).toEqual({ outcome: "done", executedVersion: "23", durationMs: 7 });
    expect(invocations).toEqual([{ functionArn: ARN, qualifier: "beta", type: "RequestResponse", payload }]);
  });

  it("tells what the function's own log calls the attempt, and where it failed", async () => {
    const requestId = "79a4b3c1-0000-4000-8000-000000000001";
    const of = { executedVersion: "23", requestId };
    expect((await sendTo(of)).result).toMatchObject({ outcome: "done", requestId });
    const trace = ["TypeError: no", "    at handler (/var/task/index.mjs:3:9)\n"];
    const node = { errorType: "TypeError", errorMessage: "no", trace };
    const failed = await sendTo({ ...of, functionError: "Unhandled", payload: node });
    expect(failed.result).toMatchObject({ requestId, error: { stack: trace.join("\n").trimEnd() } });
    const python = { errorType: "KeyError", errorMessage: "no", stackTrace: ['  File "/var/task/a.py", line 3\n', 7] };
    const other = await sendTo({ ...of, functionError: "Unhandled", payload: python });
    expect(other.result).toMatchObject({ error: { type: "KeyError", stack: '  File "/var/task/a.py", line 3' } });
  });

  it("passes the subject's id on as the tenant's, to a function that is isolated by it", async () => {
    const address = { kind: "lambda", functionArn: ARN, tenant: "customer" } as const;
    const { invocations } = await sendTo({ executedVersion: "23" }, { address, subject: { customer: "acme" } });
    expect(invocations).toMatchObject([{ tenantId: "acme" }]);
  });

  it.each([
    [{}, "the function is isolated by customer, and the event has none"],
    [{ customer: "acme#1" }, "Lambda doesn't take 'acme#1' as a tenant's id"],
  ])("doesn't call an isolated function for %j", async (subject, message) => {
    const address = { kind: "lambda", functionArn: ARN, tenant: "customer" } as const;
    const { result, invocations } = await sendTo({ executedVersion: "23" }, { address, subject });
    expect(result).toMatchObject({ outcome: "failed", error: { type: "Turnout.NoTenant", message } });
    expect(invocations).toEqual([]);
  });

  it.each<[string, InvocationAnswer, { type: string; message: string }]>([
    [
      "an error that the handler threw",
      { functionError: "Unhandled", payload: { errorType: "TypeError", errorMessage: "x is undefined", trace: [] } },
      { type: "TypeError", message: "x is undefined" },
    ],
    [
      "an error that the handler answered with",
      { functionError: "Handled", payload: { errorType: "OutOfStock", errorMessage: "none left" } },
      { type: "OutOfStock", message: "none left" },
    ],
    [
      "the function's own timeout, which has no type",
      { functionError: "Unhandled", payload: { errorMessage: "Task timed out after 3.00 seconds" } },
      { type: "UnhandledFunctionError", message: "Task timed out after 3.00 seconds" },
    ],
    [
      "a handled error that is a text",
      { functionError: "Handled", text: '"no"' },
      { type: "HandledFunctionError", message: '"no"' },
    ],
    [
      "a runtime that left no JSON",
      { functionError: "Unhandled", text: "killed" },
      { type: "UnhandledFunctionError", message: "killed" },
    ],
    [
      "a runtime that left nothing",
      { functionError: "Unhandled", text: "" },
      { type: "UnhandledFunctionError", message: "" },
    ],
  ])("fails with the function's own words after %s", async (_, answer, error) => {
    const { result } = await sendTo({ ...(answer as object), executedVersion: "23" });
    expect(result).toEqual({ outcome: "failed", error, executedVersion: "23", durationMs: 7 });
  });

  it.each([
    [429, "TooManyRequestsException"],
    [502, "EC2ThrottledException"],
    [502, "ENILimitReachedException"],
    [409, "ResourceNotReadyException"],
    [409, "SnapStartNotReadyException"],
    [400, "ThrottlingException"],
  ])("is throttled, and nothing has run, after %s %s", async (status, errorType) => {
    const { result, invocations } = await sendTo({ status, errorType, message: "Rate exceeded" });
    expect(result).toMatchObject({ outcome: "throttled", error: { type: errorType } });
    expect(invocations).toHaveLength(1);
  });

  it.each([
    [404, "ResourceNotFoundException", "NoAlias", /no alias 'beta' on arn:.*Publish a version of release-coordinator/],
    [403, "AccessDeniedException", "AccessDeniedException", /Allow the router lambda:InvokeFunction on arn:.*:\*/],
    [500, "ServiceException", "ServiceException", /injected/],
    [413, "RequestTooLargeException", "RequestTooLargeException", /injected/],
  ])("fails once, without trying again, after %s %s", async (status, errorType, type, message) => {
    const { result, invocations } = await sendTo({ status, errorType });
    expect(result).toMatchObject({
      outcome: "failed",
      durationMs: 7,
      error: { type, message: expect.stringMatching(message) },
    });
    expect(invocations).toHaveLength(1);
  });

  it("fails when the connection is lost, for the function may have run", async () => {
    const { result, invocations } = await sendTo("cut");
    expect(result).toMatchObject({ outcome: "failed", error: { type: "ECONNRESET" } });
    expect(invocations).toHaveLength(1);
  });

  it("fails when nobody is there", async () => {
    const target = lambdaTarget({ client: lambdaClient("http://127.0.0.1:1"), now: () => NOW });
    expect(await target(aSend())).toMatchObject({ outcome: "failed", error: { type: "ECONNREFUSED" } });
  });

  it("waits a second longer than the component may take, then fails and says what may still be going on", async () => {
    const silence = new Promise<InvocationAnswer>(() => {});
    const start = performance.now();
    const { result } = await sendTo(() => silence, { timeoutMs: 1 });
    expect(performance.now() - start).toBeGreaterThanOrEqual(1_000);
    expect(result).toMatchObject({
      outcome: "failed",
      error: { type: "Timeout", message: expect.stringMatching(/within 1 ms and may still be running.*timeoutMs/) },
    });
  });

  it("doesn't begin when the lease would end before the answer", async () => {
    const { result, invocations } = await sendTo({}, { latestStart: new Date(NOW.getTime() - 1) });
    expect(result).toMatchObject({ outcome: "throttled", error: { type: "LeaseTooShort" } });
    expect(invocations).toEqual([]);
  });

  it("fails without a request on an event that Lambda doesn't take", async () => {
    const payload = `"${"é".repeat(MAX_LAMBDA_PAYLOAD_BYTES / 2 - 1)}"`;
    const { result, invocations } = await sendTo({}, { payload });
    expect(result).toMatchObject({ outcome: "failed", durationMs: 0, error: { type: "Turnout.PayloadTooLarge" } });
    expect(invocations).toEqual([]);
    expect((await sendTo({}, { payload: payload.slice(1) })).result.outcome).toBe("done");
  });

  it("fails on an address of another kind", async () => {
    const { result } = await sendTo({}, { address: { kind: "worker" } });
    expect(result).toMatchObject({ outcome: "failed", error: { type: "WrongTarget" } });
  });
});

describe("a Lambda address", () => {
  it.each([
    ARN,
    "arn:aws-cn:lambda:cn-north-1:123456789012:function:a",
    "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:A_b-9",
  ])("takes %s", (functionArn) => {
    expect(TargetAddress.safeParse({ kind: "lambda", functionArn }).success).toBe(true);
  });

  it.each([
    `${ARN}:beta`,
    `${ARN}:23`,
    `${ARN}\n`,
    "release-coordinator",
    "arn:aws:lambda:eu-west-1:123456789012:layer:a",
    "arn:aws:lambda:eu-west-1:12345678901:function:a",
    `arn:aws:lambda:eu-west-1:123456789012:function:${"a".repeat(65)}`,
  ])("refuses %j", (functionArn) => {
    expect(TargetAddress.safeParse({ kind: "lambda", functionArn }).success).toBe(false);
  });
});
