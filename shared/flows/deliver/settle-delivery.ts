import type { Claim, ClaimRequest, Close, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { LIVE } from "../../domain/deliveries/delivery-key.ts";
import type { DeliveryReport } from "../../domain/deliveries/delivery-report.ts";
import { netBelow } from "../../domain/deliveries/ledger-rules.ts";
import {
  type AttemptResult,
  type BroughtBackBy,
  closeOf,
  MAX_MESSAGE_BACKOFF_MS,
} from "../../domain/deliveries/settle-attempt.ts";
import type { CountedDelivery } from "../../domain/health/delivery-tally.ts";
import { aliasOf } from "../../domain/routing/component.ts";
import { arnBehind } from "../../domain/routing/target-address.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { WriteClose } from "./close-buffer.ts";
import { type Counting, countedAttempt, countedOutcome } from "./counted-attempt.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";

/** What a delivery hands its outcome to. */
export type Settling = {
  close: WriteClose;
  count: (counted: CountedDelivery) => void;
};

/** What became of a delivery that was to be made. */
export type Settled = {
  /** How its attempt was closed; `superseded`: somebody has taken over. Undefined when the claim wasn't won. */
  outcome?: Close["outcome"] | "superseded";
  executedVersion?: string;
  /** When its message has to come back; undefined when nothing is left to do for it. */
  comesBackAt?: Date;
};

/** Shortest wait for a delivery that somebody else is making. */
const LOOK_AGAIN_MS = 1_000;

/** As if it had never been claimed: it was held until it was known that its component doesn't want it. */
export async function forgetUnwanted(
  { events }: { events: Pick<DeliveryLedger, "release"> },
  { request }: Delivery,
  owner: string,
): Promise<Settled> {
  await events.release([request.deliveryKey], owner);
  return {};
}

/** An attempt that has come to its end. */
export type Attempted = { result: AttemptResult; requestId: string; broughtBackBy: BroughtBackBy };

/** Closes an attempt. */
export async function settle(
  ports: Pick<RouterPorts, "now" | "random" | "report">,
  delivery: Delivery,
  claimed: Claim & { won: true },
  { result, requestId, broughtBackBy }: Attempted,
  { close, count }: Settling,
): Promise<Settled> {
  const { component } = delivery.route;
  const { attempt, failures, lapses, since } = claimed;
  const { deliveryKey } = delivery.request;
  const settled = { deliveryKey, component, attempt, failures, lapses, since, broughtBackBy };
  const closing = closeOf(settled, result, ports.now(), ports.random());
  count(countedAttempt(countingOf(delivery), claimed, closing));
  const comesBackAt = backByMessage(closing);
  // A message that was received before may be gone by then: whoever had it takes it along with what it has settled.
  const isShared = delivery.routed.message.receiveCount > 1;
  const kept = comesBackAt !== undefined && isShared ? { ...closing, dueAt: netBelow(comesBackAt) } : closing;
  // What has lapsed may have ended its router: those that wait behind it go on once this is stored.
  const taken = await close(kept, claimed.leaseUntil, lapses > 0);
  const outcome = taken ? closing.outcome : "superseded";
  const { executedVersion, durationMs } = closing;
  const told = reportOf(ports, delivery, outcome);
  told.attempt = attempt;
  told.requestId = closing.requestId ?? requestId;
  if (executedVersion !== undefined) told.executedVersion = executedVersion;
  if (durationMs !== undefined) told.durationMs = durationMs;
  if ("error" in closing) told.error = closing.error;
  ports.report(told);
  // Whoever has taken over settles the delivery; this message looks again, and finds it done.
  if (!taken) return { outcome: "superseded", comesBackAt: new Date(ports.now().getTime() + LOOK_AGAIN_MS) };
  const after: Settled = { outcome: closing.outcome };
  if (executedVersion !== undefined) after.executedVersion = executedVersion;
  if (comesBackAt !== undefined) after.comesBackAt = comesBackAt;
  return after;
}

/** When its message brings it back, if that is who does. */
function backByMessage(closing: Close): Date | undefined {
  const isTriedAgain = closing.outcome === "failed" || closing.outcome === "postponed";
  return isTriedAgain && closing.dueAt === undefined ? closing.nextAttemptAt : undefined;
}

/** A claim that wasn't won: either somebody has finished with it, or the message looks again later. */
export async function passOver(
  ports: Pick<RouterPorts, "now" | "report"> & { events: Pick<DeliveryLedger, "reject"> },
  delivery: Delivery,
  answer: Claim & { won: false },
  owner: string,
  { count }: Settling,
): Promise<Settled> {
  const { request, routed } = delivery;
  const now = ports.now();
  const outcome = routed.stored || routed.message.receiveCount > 1 ? "redelivered" : "duplicate";
  switch (answer.why) {
    case "claimed by another": {
      const leaseLeftMs = answer.retryAt.getTime() - now.getTime();
      return { comesBackAt: new Date(now.getTime() + lookAgainMs(leaseLeftMs, routed.message.receiveCount)) };
    }
    case "not due":
      return { comesBackAt: answer.retryAt };
    case "accepted":
    case "parked": {
      // The sweeper's clock may be ahead of this one. It would look again, but only when its message must be lost.
      const early = answer.retryAt.getTime() - now.getTime();
      if (routed.stored && early <= MAX_MESSAGE_BACKOFF_MS) return { comesBackAt: answer.retryAt };
      break;
    }
    case "payload differs": {
      const error = {
        type: "PayloadDiffers",
        message: `the idempotency key was used before with another payload: ${request.payloadHash} now, ${answer.payloadHash} then`,
      };
      await ports.events.reject([rejection(request, error, owner, now)]);
      count(countedOutcome(countingOf(delivery), "rejected"));
      ports.report({ ...reportOf(ports, delivery, "rejected"), error });
      return {};
    }
  }
  count(countedOutcome(countingOf(delivery), outcome));
  ports.report(reportOf(ports, delivery, outcome));
  return {};
}

function countingOf({ routed, route, request }: Delivery): Counting {
  const { deliveryKey, component, generation, alias, because } = request;
  const { id: eventId, detailType: type } = routed.record;
  // Where no rule was asked, the fallback alias only stands in for what isn't known.
  const fallback = route.decision.fallback && because !== "undecided";
  return { deliveryKey, component, generation, alias, because, eventId, type, subject: routed.subject, fallback };
}

/** Longer each time the message comes back, but never more than a quarter of the lease that is left, or all of a short one. */
function lookAgainMs(leaseLeftMs: number, receiveCount: number): number {
  const backoffMs = LOOK_AGAIN_MS * 2 ** (receiveCount - 1);
  return Math.min(leaseLeftMs, backoffMs, Math.max(LOOK_AGAIN_MS, leaseLeftMs / 4));
}

/** The same key with another payload is never run; it stands in the ledger beside the delivery that came first. */
function rejection(
  { leaseMs: _, ...asked }: ClaimRequest,
  error: NonNullable<LedgerEntry["error"]>,
  owner: string,
  now: Date,
): LedgerEntry {
  return {
    ...asked,
    deliveryKey: `${asked.deliveryKey}#${asked.payloadHash}`,
    status: "rejected",
    attempt: 0,
    failures: 0,
    lapses: 0,
    since: now,
    owner,
    leaseUntil: now,
    closedAt: now,
    attempts: [],
    error,
  };
}

/** What there is to tell of a delivery, but for its attempt. */
function reportOf(
  { now }: Pick<RouterPorts, "now">,
  { routed, route, request }: Delivery,
  outcome: DeliveryReport["outcome"],
): DeliveryReport {
  const { record, subject, facts } = routed;
  const { decision } = route;
  const { deliveryKey, generation, routingRevision, reopenedBy } = request;
  const { name: component } = route.component;
  const at = now();
  const told: DeliveryReport = { record, subject, at, component, decision, outcome, routingRevision, deliveryKey };
  const replay = reopenedBy ?? (generation === LIVE ? undefined : generation);
  if (replay !== undefined) told.replay = replay;
  if (facts?.flow !== undefined) told.flow = facts.flow;
  if (facts?.traceparent !== undefined) told.traceparent = facts.traceparent;
  const address = aliasOf(route.component, decision.alias)?.target;
  if (address !== undefined) told.functionArn = arnBehind(component, address);
  return told;
}
