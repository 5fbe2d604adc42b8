import * as z from "zod/mini";
import { type Read, read } from "../text/schema.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import { readAttemptReference, readTaskStarter, SHORT_TOKEN_CHARS } from "./attempt-reference.ts";

const EXECUTION = "Step Functions Execution Status Change";
const TASK = "ECS Task State Change";

/** A version's name is counted by, beside others': one that no store takes would cost them their counts. */
const MAX_VERSION_CHARS = 128;

const MAX_MESSAGE_CHARS = 1_000;

const optionalText = z.optional(z.catch(z.nullable(z.string()), null));

/** What EventBridge tells of an execution (Step Functions developer guide, "EventBridge payloads"). */
const ExecutionChange = z.looseObject({
  detail: z.looseObject({
    name: z.string(),
    stateMachineArn: z.string(),
    stateMachineVersionArn: optionalText,
    status: z.string(),
    startDate: z.catch(z.nullable(z.number()), null),
    stopDate: z.catch(z.nullable(z.number()), null),
    error: optionalText,
    cause: optionalText,
  }),
});

/** What EventBridge tells of a task (ECS developer guide, "Task state change events"). */
const TaskChange = z.looseObject({
  detail: z.looseObject({
    lastStatus: z.string(),
    startedBy: optionalText,
    taskArn: z.catch(z.string(), ""),
    taskDefinitionArn: z.string(),
    startedAt: optionalText,
    stoppedAt: optionalText,
    stopCode: optionalText,
    stoppedReason: optionalText,
    containers: z.array(
      z.looseObject({ name: z.string(), exitCode: z.optional(z.nullable(z.int())), reason: optionalText }),
    ),
  }),
});

/** Undefined where there is none. */
export function countableVersion(version: string | undefined): string | undefined {
  return version?.slice(0, MAX_VERSION_CHARS).toWellFormed();
}

/** An event of EventBridge's own envelope that tells of an execution or a task. */
export function isEndOfWork(value: unknown): boolean {
  const { "detail-type": type } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return type === EXECUTION || type === TASK;
}

/** Undefined when it isn't the end, or of nothing that was handed over here. */
export function readEndOfWork(value: unknown): Read<AttemptOutcome | undefined> {
  const isExecution = (value as Record<string, unknown>)["detail-type"] === EXECUTION;
  return isExecution ? readExecution(value) : readTask(value);
}

function readExecution(value: unknown): Read<AttemptOutcome | undefined> {
  const change = read(ExecutionChange, value);
  if (!change.ok) return change;
  const { name, status, stateMachineArn, stateMachineVersionArn, startDate, stopDate, error, cause } =
    change.value.detail;
  const reference = readAttemptReference(name);
  if (reference === undefined || status === "RUNNING") return { ok: true, value: undefined };
  const version = countableVersion(stateMachineVersionArn?.split(":")[7]) ?? "unknown";
  const about = {
    executedVersion: version,
    ...(startDate !== null && stopDate !== null && { durationMs: Math.max(0, stopDate - startDate) }),
  };
  const functionArn = stateMachineArn.split(":", 7).join(":");
  const base = { ...reference, tokenChars: SHORT_TOKEN_CHARS, requestId: name, functionArn };
  if (status === "SUCCEEDED") return { ok: true, value: { ...base, result: { outcome: "done", ...about } } };
  const failure = {
    type: shortened(error) ?? `StepFunctions.${status}`,
    message: shortened(cause) ?? `the execution has ended as ${status}`,
  };
  return { ok: true, value: { ...base, result: { outcome: "failed", error: failure, ...about } } };
}

function readTask(value: unknown): Read<AttemptOutcome | undefined> {
  const change = read(TaskChange, value);
  if (!change.ok) return change;
  const {
    lastStatus,
    startedBy,
    taskArn,
    taskDefinitionArn,
    startedAt,
    stoppedAt,
    stopCode,
    stoppedReason,
    containers,
  } = change.value.detail;
  const starter = readTaskStarter(startedBy ?? "");
  if (starter === undefined || lastStatus !== "STOPPED") return { ok: true, value: undefined };
  const { container, ...reference } = starter;
  const durationMs = Date.parse(stoppedAt ?? "") - Date.parse(startedAt ?? "");
  const about = {
    executedVersion: countableVersion(taskDefinitionArn.split("/")[1]) ?? "unknown",
    ...(durationMs >= 0 && { durationMs }),
  };
  const functionArn = taskDefinitionArn.replace(/:\d+$/, "");
  const requestId = taskArn.split("/").at(-1)?.slice(0, 64) ?? "";
  const base = { ...reference, tokenChars: SHORT_TOKEN_CHARS, requestId, functionArn };
  const worker = containers.find(({ name }) => name === container);
  if (worker?.exitCode === 0) return { ok: true, value: { ...base, result: { outcome: "done", ...about } } };
  const exitCode = worker?.exitCode ?? undefined;
  const failure = {
    type: exitCode === undefined ? `Ecs.${shortened(stopCode) ?? "NotRun"}` : `Ecs.Exit.${exitCode}`,
    message: [exitCode === undefined ? "the container has no exit code" : `the container ended with ${exitCode}`]
      .concat(shortened(worker?.reason) ?? [], shortened(stoppedReason) ?? [])
      .join("; "),
  };
  return { ok: true, value: { ...base, result: { outcome: "failed", error: failure, ...about } } };
}

function shortened(text: string | null | undefined): string | undefined {
  return text ? text.slice(0, MAX_MESSAGE_CHARS).toWellFormed() : undefined;
}
