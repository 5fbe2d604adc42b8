import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptReference, deliveryMark, taskStarter } from "../../../shared/domain/deliveries/attempt-reference.ts";
import { deliveryKeyOf, eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import { readOutcome } from "../../../shared/domain/deliveries/outcome-message.ts";
import { anExecutionChange, aTaskChange } from "../../support/ends-of-work.ts";

const eventKey = eventKeyOf("shop", "order placed", "order-1");
const deliveryKey = deliveryKeyOf("mailer", eventKey, "live");
const token = "t".repeat(43);
const name = attemptReference({ eventKey, deliveryKey, attempt: 3, token });
const startedBy = taskStarter(name, "build");
const named = { eventKey, mark: deliveryMark(deliveryKey), attempt: 3, token: "t".repeat(22), tokenChars: 22 };

describe("the end of an execution", () => {
  const execution = (detail: object = {}) => readOutcome(anExecutionChange({ name, ...detail }));
  const functionArn = "arn:aws:states:eu-west-1:123456789012:stateMachine:fulfil";

  it("an execution's end names its attempt, the version that ran, and how long it took", () => {
    expect(execution({ stateMachineVersionArn: `${functionArn}:7` })).toEqual({
      ok: true,
      value: {
        ...named,
        functionArn,
        requestId: name,
        result: { outcome: "done", executedVersion: "7", durationMs: 5_000 },
      },
    });
  });

  it.each([
    [
      { status: "FAILED", error: "OutOfStock", cause: "none left" },
      { type: "OutOfStock", message: "none left" },
    ],
    [{ status: "TIMED_OUT" }, { type: "StepFunctions.TIMED_OUT", message: "the execution has ended as TIMED_OUT" }],
    [{ status: "ABORTED" }, { type: "StepFunctions.ABORTED", message: "the execution has ended as ABORTED" }],
  ])("%j is a failure in the execution's own words", (detail, error) => {
    expect(execution(detail)).toMatchObject({ ok: true, value: { result: { outcome: "failed", error } } });
  });

  it("took no time where the clock was set back, and an unknown time where it isn't said", () => {
    const resultOf = (detail: object) => {
      const read = execution(detail);
      return read.ok ? read.value?.result : undefined;
    };
    expect(resultOf({ startDate: 5, stopDate: 4 })).toMatchObject({ durationMs: 0 });
    expect(resultOf({ startDate: null })).toEqual({ outcome: "done", executedVersion: "unknown" });
    expect(resultOf({ stopDate: "late" })).toEqual({ outcome: "done", executedVersion: "unknown" });
  });

  it("an execution is of its state machine, whichever version or alias of it was asked for", () => {
    expect(execution({ stateMachineArn: `${functionArn}:PROD` })).toMatchObject({ value: { functionArn } });
  });

  it("its words are cut at 1,000 characters, and its version's at 128", () => {
    const long = "x".repeat(2_000);
    expect(
      execution({ status: "FAILED", error: long, cause: long, stateMachineVersionArn: `${functionArn}:${long}` }),
    ).toMatchObject({
      value: {
        result: {
          error: { type: "x".repeat(1_000), message: "x".repeat(1_000) },
          executedVersion: "x".repeat(128),
        },
      },
    });
  });

  it.each([{ status: "RUNNING" }, { name: "started-by-hand" }])("%j is nobody's end", (detail) => {
    expect(execution(detail)).toEqual({ ok: true, value: undefined });
  });
});

describe("the end of a task", () => {
  const task = (detail: object = {}) => readOutcome(aTaskChange({ startedBy, ...detail }));

  it("a task's end names its attempt, its definition's revision, and how long it took", () => {
    expect(task()).toEqual({
      ok: true,
      value: {
        ...named,
        functionArn: "arn:aws:ecs:eu-west-1:123456789012:task-definition/builder",
        requestId: "7f4a4b2d",
        result: { outcome: "done", executedVersion: "builder:7", durationMs: 5_000 },
      },
    });
  });

  it.each([
    [
      { containers: [{ name: "build", exitCode: 2, reason: "OutOfMemoryError" }] },
      {
        type: "Ecs.Exit.2",
        message: "the container ended with 2; OutOfMemoryError; Essential container in task exited",
      },
    ],
    [
      { containers: [{ name: "build" }], stopCode: "TaskFailedToStart", stoppedReason: "CannotPullContainerError: no" },
      { type: "Ecs.TaskFailedToStart", message: "the container has no exit code; CannotPullContainerError: no" },
    ],
    [
      { containers: [{ name: "logs", exitCode: 0 }], stopCode: null, stoppedReason: null },
      { type: "Ecs.NotRun", message: "the container has no exit code" },
    ],
  ])("%j is a failure", (detail, error) => {
    expect(task(detail)).toMatchObject({
      ok: true,
      value: { result: { outcome: "failed", executedVersion: "builder:7", error } },
    });
  });

  it("took no time where it was over at once, and an unknown time where that can't be told", () => {
    const resultOf = (detail: object) => {
      const read = task(detail);
      return read.ok ? read.value?.result : undefined;
    };
    const at = "2026-11-20T10:00:00Z";
    expect(resultOf({ startedAt: at, stoppedAt: at })).toMatchObject({ durationMs: 0 });
    for (const odd of [
      { startedAt: null },
      { stoppedAt: null },
      { startedAt: at, stoppedAt: "2026-11-20T09:00:00Z" },
    ]) {
      expect(resultOf(odd)).toEqual({ outcome: "done", executedVersion: "builder:7" });
    }
  });

  it("is called in its log by at most 64 characters of its own name", () => {
    expect(task({ taskArn: `arn:aws:ecs:eu-west-1:1:task/builds/${"x".repeat(99)}` })).toMatchObject({
      value: { requestId: "x".repeat(64) },
    });
    expect(task({ taskArn: 7 })).toMatchObject({ value: { requestId: "" } });
    expect(task({ taskDefinitionArn: "builder" })).toMatchObject({ value: { result: { executedVersion: "unknown" } } });
  });

  it.each([
    { lastStatus: "RUNNING" },
    { startedBy: "ecs-svc/1234567890" },
    { startedBy: null },
    { startedBy: `turnout/${name}` },
  ])("%j is nobody's end", (detail) => {
    expect(task(detail)).toEqual({ ok: true, value: undefined });
  });
});

it("whatever stands in what EventBridge tells, it is an outcome, none, or a problem that is said", () => {
  const types = fc.constantFrom("Step Functions Execution Status Change", "ECS Task State Change");
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(name, startedBy, "STOPPED", "FAILED", -1));
  const fields = ["name", "status", "stateMachineArn", "startedBy", "lastStatus", "taskDefinitionArn", "containers"];
  const detail = fc.dictionary(fc.constantFrom(...fields, "startDate", "stopDate", "taskArn", "stoppedAt"), value);
  fc.assert(
    fc.property(types, detail, (type, about) => {
      const read = readOutcome(JSON.stringify({ "detail-type": type, detail: about }));
      if (!read.ok) expect(read.problem).toMatch(/^detail/);
    }),
  );
});
