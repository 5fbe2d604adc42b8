import { describe, expect, it } from "vitest";
import { stepFunctionsTarget } from "../../shared/targets/step-functions-target.ts";
import type { Send } from "../../shared/targets/target.ts";
import { type AwsAnswer, askingOf, awsJsonStub } from "../support/aws-json-stub.ts";
import { anOrdersKey } from "../support/builders.ts";
import { aSend } from "./aws-sends.ts";

const stateMachineArn = "arn:aws:states:eu-west-1:123456789012:stateMachine:fulfil";
const address = { kind: "step-functions", stateMachineArn: `${stateMachineArn}:7` } as const;
const later = { invocation: { kind: "async", maxEventAgeMs: 60_000 }, attemptReference: "attempt-1" } as const;

async function aStateMachine(...answers: AwsAnswer[]) {
  const { endpoint, asked } = await awsJsonStub(() => answers.shift() ?? { executionArn: "arn", startDate: 1 });
  const askFor = askingOf({ name: "states", target: "AWSStepFunctions", version: "1.0" }, endpoint);
  const pauses: number[] = [];
  const target = stepFunctionsTarget({ askFor, now: () => new Date(), delay: async (ms) => void pauses.push(ms) });
  return { send: (about: Partial<Send> = {}) => target(aSend({ address, ...about })), asked, pauses };
}

describe("a target of kind step-functions", () => {
  it("starts an execution that is named after the delivery, the same in every attempt and no other's", async () => {
    const { send, asked } = await aStateMachine();
    expect(await send()).toMatchObject({ outcome: "done", executedVersion: "7" });
    await send({ requestId: "request-2" });
    await send({ component: "other" });
    await send({ idempotencyKey: anOrdersKey("order-1", "replay-7") });
    const names = asked.map(({ input }) => String(input.name));
    expect(names[0]).toMatch(/^[0-9a-f]{64}-[0-9a-f]{15}$/);
    expect(names[0]?.slice(0, 64)).toBe(anOrdersKey("order-1").slice(0, 64));
    expect(names[1]).toBe(names[0]);
    expect(new Set(names).size).toBe(3);
    expect(asked[0]).toMatchObject({
      operation: "StartExecution",
      input: { stateMachineArn: address.stateMachineArn },
    });
  });

  it("says nothing of a version that an alias stands for", async () => {
    const { send } = await aStateMachine();
    const live = { ...address, stateMachineArn: `${stateMachineArn}:live` };
    expect(await send({ address: live })).toMatchObject({ outcome: "done", executedVersion: "unknown" });
  });

  it("has accepted what ends later, by the attempt's own name", async () => {
    const { send, asked } = await aStateMachine();
    expect(await send(later)).toMatchObject({ outcome: "accepted", requestId: "attempt-1" });
    expect(asked[0]?.input.name).toBe("attempt-1");
    expect(await send({ invocation: later.invocation })).toMatchObject({ outcome: "failed" });
  });

  it.each([
    [{}, { outcome: "done", executedVersion: "unknown" }],
    [later, { outcome: "accepted" }],
  ])("takes an execution that is there already for its own (%j)", async (about, result) => {
    const { send } = await aStateMachine({ refusal: "ExecutionAlreadyExists" });
    expect(await send(about)).toMatchObject(result);
  });

  it("asks again under the same name where an answer was lost, and not for ever", async () => {
    const once = await aStateMachine("cut", { refusal: "ServiceUnavailable", status: 503 });
    expect(await once.send(later)).toMatchObject({ outcome: "accepted" });
    expect(new Set(once.asked.map(({ input }) => input.name))).toEqual(new Set(["attempt-1"]));
    expect(once.pauses).toEqual([100, 400]);
    const never = await aStateMachine("cut", "cut", "cut", "cut");
    expect(await never.send(later)).toMatchObject({ outcome: "failed" });
    expect(never.asked).toHaveLength(3);
  });

  it.each<[string, object]>([
    ["ThrottlingException", { outcome: "throttled" }],
    ["ExecutionLimitExceeded", { outcome: "throttled" }],
    ["InvalidExecutionInput", { outcome: "failed", isFinal: true }],
    ["ValidationException", { outcome: "failed", isFinal: true }],
    ["StateMachineDoesNotExist", { outcome: "failed", error: { message: expect.stringContaining("stateMachineArn") } }],
    [
      "AccessDeniedException",
      { outcome: "failed", error: { message: expect.stringContaining("states:StartExecution") } },
    ],
    ["SomethingNew", { outcome: "failed", error: { type: "SomethingNew" } }],
  ])("%s is asked once, and is what the table says", async (refusal, result) => {
    const { send, asked } = await aStateMachine({ refusal });
    const ended = await send();
    expect(ended).toMatchObject(result);
    expect("isFinal" in ended).toBe("isFinal" in result);
    expect(asked).toHaveLength(1);
  });

  it("refuses for good an event of more than 256 KiB, and asks nobody", async () => {
    const { send, asked } = await aStateMachine();
    const most = `"${"é".repeat(131_071)}"`;
    expect(await send({ payload: most })).toMatchObject({ outcome: "done" });
    expect(await send({ payload: `${most} ` })).toMatchObject({
      outcome: "failed",
      error: { type: "Turnout.PayloadTooLarge" },
      isFinal: true,
    });
    expect(asked).toHaveLength(1);
  });
});
