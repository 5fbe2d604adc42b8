import { InvokeCommand, type InvokeCommandOutput, type LambdaClient } from "@aws-sdk/client-lambda";
import { isThrottlingError } from "@smithy/core/retry";
import { type DeliveryError, SEND_MARGIN_MS } from "../domain/deliveries/delivery.ts";
import { stackOf } from "../domain/deliveries/error-stack.ts";
import { jsonFields } from "../domain/text/schema.ts";
import { leaseTooShort } from "./lease-too-short.ts";
import type { Send, SendResult, Target } from "./target.ts";

/**
 * Largest payloads of a synchronous and an asynchronous invocation: 6 MB and 1 MB (Lambda quotas), the latter less what
 * Lambda puts around it in the record of its outcome, which has to fit into an SQS message.
 */
export const MAX_LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024;
export const MAX_ASYNC_LAMBDA_PAYLOAD_BYTES = (1024 - 16) * 1024;

/**
 * How much longer than the component's timeout the answer is waited for: the way there and back. Half of the margin
 * that every send keeps before its lease ends; the close needs the other half.
 */
const ANSWER_MARGIN_MS = SEND_MARGIN_MS / 2;

export type LambdaTargetOptions = {
  /** Must not retry by itself: an attempt is counted in the ledger, or it isn't made. No socket timeout either. */
  client: Pick<LambdaClient, "send">;
  now: () => Date;
};

/** Invokes the alias of a Lambda function and waits for its answer, or only until Lambda has taken the event. 1 request. */
export function lambdaTarget({ client, now }: LambdaTargetOptions): Target {
  return async (send) => {
    const start = now();
    const refusal = refusalOf(send, start);
    if (refusal !== undefined) return refusal;
    // Less than a quarter of what `AbortSignal.timeout` costs, whose timers stay until their time.
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), send.timeoutMs + ANSWER_MARGIN_MS);
    try {
      const answer = await client.send(invocationOf(send), { abortSignal: patience.signal });
      const durationMs = now().getTime() - start.getTime();
      const { requestId } = answer.$metadata;
      const result = send.invocation.kind === "async" ? accepted(durationMs) : outcomeOf(answer, durationMs);
      return requestId === undefined ? result : { ...result, requestId };
    } catch (error) {
      const durationMs = now().getTime() - start.getTime();
      // Lambda doesn't stop a function because its caller has gone.
      if (patience.signal.aborted) return failed(timeout(send), durationMs);
      return outcomeOfError(error, send, durationMs);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** What is known to fail without a request; undefined when the request may be made. */
function refusalOf(send: Send, start: Date): SendResult | undefined {
  const { address, payload, invocation } = send;
  const { kind } = invocation;
  const late = leaseTooShort(send, start);
  if (late !== undefined) return late;
  if (address.kind !== "lambda") {
    return failed({ type: "WrongTarget", message: `a target of kind '${address.kind}' is not a Lambda function` }, 0);
  }
  const tenant = tenantProblem(send);
  if (tenant !== undefined) return failed({ type: "Turnout.NoTenant", message: tenant }, 0);
  const bytes = Buffer.byteLength(payload);
  const most = kind === "async" ? MAX_ASYNC_LAMBDA_PAYLOAD_BYTES : MAX_LAMBDA_PAYLOAD_BYTES;
  if (bytes < most) return undefined;
  const message = `the event has ${bytes} bytes; Lambda takes fewer than ${most} ${kind}hronously`;
  return failed({ type: "Turnout.PayloadTooLarge", message }, 0);
}

/** Why a function with tenant isolation can't be called for this subject; undefined when it can. */
function tenantProblem({ address, subject }: Send): string | undefined {
  if (address.kind !== "lambda" || address.tenant === undefined) return undefined;
  const id = subject[address.tenant];
  if (id === undefined) return `the function is isolated by ${address.tenant}, and the event has none`;
  return TENANT_ID.test(id) ? undefined : `Lambda doesn't take '${id}' as a tenant's id`;
}

/** As the API reference of `Invoke` has it. */
const TENANT_ID = /^[\w.:/=+\-@ ]{1,256}$/;

function invocationOf({ address, alias, payload, invocation, subject }: Send): InvokeCommand {
  const tenant = address.kind === "lambda" && address.tenant !== undefined ? subject[address.tenant] : undefined;
  return new InvokeCommand({
    ...(tenant === undefined ? {} : { TenantId: tenant }),
    FunctionName: address.kind === "lambda" ? address.functionArn : "",
    Qualifier: alias,
    InvocationType: invocation.kind === "async" ? "Event" : "RequestResponse",
    Payload: payload,
  });
}

function outcomeOf({ FunctionError, ExecutedVersion, Payload }: InvokeCommandOutput, durationMs: number) {
  if (FunctionError === undefined) {
    return { outcome: "done" as const, executedVersion: ExecutedVersion ?? "unknown", durationMs };
  }
  const version = ExecutedVersion === undefined ? {} : { executedVersion: ExecutedVersion };
  return { ...failed(functionError(FunctionError, Payload?.transformToString() ?? ""), durationMs), ...version };
}

/**
 * The error in the function's own words. `Handled`: the function answered with an error; `Unhandled`: its runtime or
 * Lambda ended it. Either may lack a type, and a runtime that was killed may leave no JSON at all.
 */
function functionError(kind: string, payload: string): DeliveryError {
  const said = jsonFields(payload);
  const { errorType, errorMessage } = said;
  return {
    type: typeof errorType === "string" && errorType !== "" ? errorType : `${kind}FunctionError`,
    message: typeof errorMessage === "string" ? errorMessage : payload,
    ...stackOf(said),
  };
}

/** Errors of Lambda, beside throttles, after which nothing has run, and which pass: the function isn't ready yet. */
const NO_ROOM = new Set([
  "ENILimitReachedException",
  "ENINotReadyException",
  "SubnetIPAddressLimitReachedException",
  "ResourceNotReadyException",
  "SnapStartNotReadyException",
  "CodeArtifactUserPendingException",
]);

function outcomeOfError(error: unknown, { component, alias, address }: Send, durationMs: number): SendResult {
  const { name, message } = error instanceof Error ? error : { name: "UnknownError", message: String(error) };
  if (
    NO_ROOM.has(name) ||
    (error instanceof Error && isThrottlingError(error as Parameters<typeof isThrottlingError>[0]))
  )
    return { outcome: "throttled", error: { type: name, message } };
  const arn = address.kind === "lambda" ? address.functionArn : "";
  if (name === "ResourceNotFoundException") {
    const remedy = `Publish a version of ${component} to it, or correct the target's function ARN.`;
    return failed(
      { type: "NoAlias", message: `no alias '${alias}' on ${arn}, or no such function. ${remedy}` },
      durationMs,
    );
  }
  if (name === "AccessDeniedException") {
    const remedy = `Allow the router lambda:InvokeFunction on ${arn}:*.`;
    return failed({ type: name, message: `${arn} may not be invoked. ${remedy} (${message})` }, durationMs);
  }
  // Node's own code says more than the name, which is `TimeoutError` also for a connection that was reset.
  const type = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : name;
  return failed({ type, message }, durationMs);
}

function timeout({ component, alias, timeoutMs }: Send): DeliveryError {
  const message =
    `${component} '${alias}' gave no answer within ${timeoutMs} ms and may still be running. ` +
    "Set the function's own timeout below the component's timeoutMs.";
  return { type: "Timeout", message };
}

function accepted(durationMs: number) {
  return { outcome: "accepted" as const, durationMs };
}

function failed(error: DeliveryError, durationMs: number) {
  return { outcome: "failed" as const, error, durationMs };
}
