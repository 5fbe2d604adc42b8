import { eventKeyOfDelivered } from "../domain/deliveries/delivered-event.ts";
import { sha256 } from "../domain/hash.ts";
import {
  type AskFor,
  askedUntilAnswered,
  type RefusalTable,
  refused,
  resultOfError,
  tooLarge,
  wrongTarget,
} from "./aws-calls.ts";
import { leaseTooShort } from "./lease-too-short.ts";
import type { Send, SendResult, Target } from "./target.ts";

/** Of an execution's input (Step Functions quotas). */
const MAX_BYTES = 262_144;

const REFUSALS: RefusalTable = {
  StateMachineDoesNotExist: {
    verdict: "retry",
    remedy: "Correct the target's stateMachineArn, or publish the version.",
  },
  ResourceNotFound: { verdict: "retry", remedy: "Correct the target's stateMachineArn, or publish the version." },
  AccessDeniedException: {
    verdict: "retry",
    remedy: "Let the router start executions of the state machine (states:StartExecution).",
  },
  StateMachineDeleting: { verdict: "retry" },
  InvalidArn: { verdict: "dead" },
  InvalidExecutionInput: { verdict: "dead" },
  InvalidName: { verdict: "dead" },
  ValidationException: { verdict: "dead" },
  ExecutionLimitExceeded: { verdict: "throttled" },
  KmsThrottlingException: { verdict: "throttled" },
};

export type StepFunctionsTargetOptions = {
  askFor: AskFor;
  now: () => Date;
  delay: (ms: number) => Promise<unknown>;
};

/**
 * Starts an execution with the event as its input. `sync`: it is done once it is started, and a delivery starts one at
 * most, whatever happens, since its name is the delivery's own. `async`: each attempt starts one, and EventBridge tells
 * how it has ended; its name is the attempt's.
 */
export function stepFunctionsTarget({ askFor, now, delay }: StepFunctionsTargetOptions): Target {
  return async (send) => {
    const { address, payload: input, timeoutMs, attemptReference } = send;
    const start = now();
    if (address.kind !== "step-functions") {
      return wrongTarget(`a target of kind '${address.kind}' is not a state machine`);
    }
    const late = leaseTooShort(send, start);
    if (late !== undefined) return late;
    const bytes = Buffer.byteLength(input);
    if (bytes > MAX_BYTES) return tooLarge(bytes, MAX_BYTES, "Step Functions");
    const { stateMachineArn } = address;
    const name = send.invocation.kind === "async" ? attemptReference : executionName(send);
    if (name === undefined) return refused("retry", NO_REFERENCE, 0);
    const signal = AbortSignal.timeout(timeoutMs);
    const ask = () => askFor(stateMachineArn)("StartExecution", { stateMachineArn, name, input }, signal);
    try {
      await askedUntilAnswered(ask, delay);
      return started(send, name, now().getTime() - start.getTime(), versionIn(stateMachineArn));
    } catch (error) {
      const durationMs = now().getTime() - start.getTime();
      // By an attempt before, perhaps of another version, whose answer was lost; nobody else has this name.
      if (error instanceof Error && error.name === "ExecutionAlreadyExists") return started(send, name, durationMs);
      return resultOfError(error, REFUSALS, send, durationMs);
    }
  };
}

const NO_REFERENCE = {
  type: "NoReference",
  message: "an asynchronous attempt needs a reference that its end is told by",
};

function started({ invocation }: Send, requestId: string, durationMs: number, executedVersion = "unknown"): SendResult {
  if (invocation.kind === "async") return { outcome: "accepted", durationMs, requestId };
  return { outcome: "done", executedVersion, durationMs, requestId };
}

/** The event's key, by which it is found, and which of its deliveries it is: 80 characters, as many as there may be. */
function executionName({ component, idempotencyKey }: Send): string {
  const eventKey = eventKeyOfDelivered(idempotencyKey) ?? sha256(idempotencyKey);
  return `${eventKey}-${sha256(`${component}#${idempotencyKey}`).slice(0, 15)}`;
}

/** Which version an alias has stood for, only its end says. */
function versionIn(stateMachineArn: string): string | undefined {
  const [, , , , , , , qualifier = ""] = stateMachineArn.split(":");
  return /^\d+$/.test(qualifier) ? qualifier : undefined;
}
