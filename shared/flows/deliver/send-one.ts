import { attemptReference } from "../../domain/deliveries/attempt-reference.ts";
import { deliveredEvent, deliveredKey } from "../../domain/deliveries/delivered-event.ts";
import {
  type Claim,
  type DeliveryError,
  MAX_LAPSES,
  MIN_LAPSING_MS,
  SEND_MARGIN_MS,
} from "../../domain/deliveries/delivery.ts";
import { LIVE } from "../../domain/deliveries/delivery-key.ts";
import { outcomeToken } from "../../domain/deliveries/outcome-token.ts";
import type { AttemptResult } from "../../domain/deliveries/settle-attempt.ts";
import type { RetryPolicy } from "../../domain/retry.ts";
import { aliasOf, type Component } from "../../domain/routing/component.ts";
import { arnBehind, type TargetAddress } from "../../domain/routing/target-address.ts";
import type { AttemptNames } from "./deliver-claimed.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";

/** Hands one claimed delivery to its target. Whatever goes wrong is in the result. */
export async function sendOne(
  ports: Pick<RouterPorts, "target" | "now">,
  { routed, route, request }: Delivery,
  claimed: Claim & { won: true },
  { owner, requestId }: AttemptNames,
): Promise<AttemptResult> {
  const { component, decision, refused, held } = route;
  const { record, facts, subject } = routed;
  if (held !== undefined) return { outcome: "throttled", error: held };
  if (refused !== undefined) return { outcome: "exhausted", error: refused };
  const hopeless = hopelessness(claimed, component.retry, ports.now());
  if (hopeless !== undefined) return { outcome: "exhausted", error: hopeless };
  const entry = aliasOf(component, decision.alias);
  if (entry === undefined) {
    const message = `${component.name} has no alias '${decision.alias}', not even as a fallback`;
    return { outcome: "failed", durationMs: 0, error: { type: "NoAlias", message } };
  }
  const functionArn = arnBehind(component.name, entry.target);
  const scope = { deliveryKey: request.deliveryKey, attempt: claimed.attempt, functionArn };
  const idempotencyKey = deliveredKey(record.eventKey, request.generation);
  const token = isToldLater(component, entry.target) ? outcomeToken(owner, scope) : undefined;
  const payload = deliveredEvent(record.body, {
    component: component.name,
    alias: decision.alias,
    because: decision.because,
    fallback: decision.fallback,
    idempotencyKey,
    publisherKey: record.idempotencyKey,
    generation: request.generation,
    attempt: claimed.attempt,
    outcomeToken: token,
    routingRevision: request.routingRevision,
    subject,
    replay: claimed.replay ?? (request.generation === LIVE ? null : request.generation),
    flow: facts?.flow,
    traceparent: facts?.traceparent,
    causedByReplay: facts?.causedByReplay,
  });
  try {
    return await ports.target({
      component: component.name,
      alias: decision.alias,
      address: entry.target,
      invocation: component.invocation,
      worker: component.worker,
      subject,
      payload,
      idempotencyKey,
      ...(token === undefined
        ? {}
        : { attemptReference: attemptReference({ ...scope, eventKey: record.eventKey, token }) }),
      lapses: claimed.lapses,
      requestId,
      of: { eventId: record.id, attempt: claimed.attempt },
      timeoutMs: component.timeoutMs,
      latestStart: new Date(claimed.leaseUntil.getTime() - component.timeoutMs - SEND_MARGIN_MS),
    });
  } catch (error) {
    // A target never throws; if one does all the same, its neighbours in the batch must not lose their closes.
    const message = error instanceof Error ? error.message : String(error);
    return { outcome: "failed", durationMs: 0, error: { type: "TargetThrew", message } };
  }
}

/** Whether its outcome comes as a message. */
function isToldLater({ invocation }: Component, { kind }: TargetAddress): boolean {
  return invocation.kind === "async" || kind === "laptop";
}

/** Why another attempt makes no sense, for want of an end of those before; undefined when it does. */
function hopelessness(
  { lapses, since }: Claim & { won: true },
  { maxAgeMs }: RetryPolicy,
  now: Date,
): DeliveryError | undefined {
  const ageMs = now.getTime() - since.getTime();
  if (ageMs > maxAgeMs) return { type: "TooOld", message: `not done within the ${maxAgeMs} ms of maxAgeMs` };
  if (lapses < MAX_LAPSES || ageMs < MIN_LAPSING_MS) return undefined;
  return {
    type: "LeaseLapsed",
    message: `gave up: ${lapses} attempts ended without an answer, as if each took its router down`,
  };
}
