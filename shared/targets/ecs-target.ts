import { taskStarter } from "../domain/deliveries/attempt-reference.ts";
import { sha256 } from "../domain/hash.ts";
import { type EcsAddress, taskDefinitionArn } from "../domain/routing/target-address.ts";
import {
  type AskFor,
  askedUntilAnswered,
  type RefusalTable,
  refused,
  resultOfError,
  type Verdict,
  wrongTarget,
} from "./aws-calls.ts";
import { leaseTooShort } from "./lease-too-short.ts";
import type { Send, SendResult, Target } from "./target.ts";

/** ECS takes overrides of 8,192 characters; how it counts what isn't ASCII it doesn't say. */
const MAX_OVERRIDE_BYTES = 8_192;

const REFUSALS: RefusalTable = {
  ClusterNotFoundException: { verdict: "retry", remedy: "Correct the target's clusterArn." },
  // What was registered a moment ago may not be known everywhere yet.
  ClientException: { verdict: "retry" },
  AccessDeniedException: {
    verdict: "retry",
    remedy: "Let the router run the task definition (ecs:RunTask) and pass its roles (iam:PassRole).",
  },
  InvalidParameterException: { verdict: "dead" },
  UnsupportedFeatureException: { verdict: "dead" },
  PlatformUnknownException: { verdict: "dead" },
  PlatformTaskDefinitionIncompatibilityException: { verdict: "dead" },
};

/** Why no task was placed (ECS developer guide, "API failures event messages"). What isn't there is tried again. */
const FAILURES: readonly [reason: RegExp, verdict: Verdict][] = [
  [/^RESOURCE/, "throttled"],
  [/^AGENT$/, "throttled"],
  [/capacity/i, "throttled"],
  [/no container instances/i, "throttled"],
  [/^ATTRIBUTE$/, "dead"],
  [/^LOCATION$/, "dead"],
];

export type EcsTargetOptions = {
  askFor: AskFor;
  /** Keeps an event that is too large for a task's environment, and tells where: `s3://bucket/key`. */
  keep: (key: string, payload: string) => Promise<string>;
  now: () => Date;
  delay: (ms: number) => Promise<unknown>;
};

/**
 * Runs a task with the event in its environment: as `TURNOUT_EVENT`, or, where that is too long for ECS, in S3, which
 * `TURNOUT_EVENT_S3` says. How it has ended EventBridge tells. However often the request is made, an attempt runs one task.
 */
export function ecsTarget({ askFor, keep, now, delay }: EcsTargetOptions): Target {
  return async (send) => {
    const { address, timeoutMs, attemptReference } = send;
    const start = now();
    if (address.kind !== "ecs") return wrongTarget(`a target of kind '${address.kind}' is not a task definition`);
    const late = leaseTooShort(send, start);
    if (late !== undefined) return late;
    if (attemptReference === undefined) return refused("retry", SYNC, 0);
    const signal = AbortSignal.timeout(timeoutMs);
    const spent = () => now().getTime() - start.getTime();
    try {
      const token = sha256(attemptReference);
      const overrides = await overridesOf(send, address, () => keep(`${send.component}/${token}.json`, send.payload));
      const request = requestOf(address, attemptReference, token, overrides);
      const answer = await askedUntilAnswered(() => askFor(address.clusterArn)("RunTask", request, signal), delay);
      return resultOf(answer, spent());
    } catch (error) {
      return resultOfError(error, REFUSALS, send, spent());
    }
  };
}

const SYNC = {
  type: "WrongInvocation",
  message: "tasks say later how they have ended: the invocation has to be async",
};

async function overridesOf({ payload }: Send, { container: name }: EcsAddress, kept: () => Promise<string>) {
  const withVariable = (variable: string, value: string) => ({
    containerOverrides: [{ name, environment: [{ name: variable, value }] }],
  });
  const whole = withVariable("TURNOUT_EVENT", payload);
  if (Buffer.byteLength(JSON.stringify(whole)) <= MAX_OVERRIDE_BYTES) return whole;
  return withVariable("TURNOUT_EVENT_S3", await kept());
}

function requestOf(address: EcsAddress, reference: string, clientToken: string, overrides: object): object {
  const { clusterArn: cluster, container, launchType, network } = address;
  return {
    cluster,
    taskDefinition: taskDefinitionArn(address),
    count: 1,
    clientToken,
    startedBy: taskStarter(reference, container),
    overrides,
    ...(launchType !== undefined && { launchType }),
    ...(network !== undefined && {
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: network.subnets,
          ...(network.securityGroups !== undefined && { securityGroups: network.securityGroups }),
          assignPublicIp: network.publicIp === true ? "ENABLED" : "DISABLED",
        },
      },
    }),
  };
}

function resultOf({ tasks, failures }: Record<string, unknown>, durationMs: number): SendResult {
  const [task] = Array.isArray(tasks) ? (tasks as { taskArn?: unknown }[]) : [];
  if (typeof task?.taskArn === "string") {
    return { outcome: "accepted", durationMs, requestId: task.taskArn.split("/").at(-1) ?? "" };
  }
  const [failure] = Array.isArray(failures) ? (failures as { reason?: unknown; detail?: unknown }[]) : [];
  const reason = typeof failure?.reason === "string" ? failure.reason : "no reason was given";
  const detail = typeof failure?.detail === "string" ? ` (${failure.detail})` : "";
  const verdict = FAILURES.find(([pattern]) => pattern.test(reason))?.[1] ?? "retry";
  return refused(verdict, { type: "Ecs.NotPlaced", message: `no task was placed: ${reason}${detail}` }, durationMs);
}
