import type { Alias } from "../routing/alias.ts";
import type { Because } from "../routing/decide-route.ts";
import type { Subject } from "../subject.ts";
import type { Generation } from "./delivery-key.ts";

/**
 * Where a delivery stands. `claimed`: somebody has the right to deliver it until the lease ends. `failed`: it will be
 * tried again. `accepted`: handed over, its outcome comes later. `done`, `dead` and `rejected` are at rest.
 */
export const deliveryStatuses = ["claimed", "done", "failed", "accepted", "dead", "rejected"] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export function isAtRest(status: DeliveryStatus): boolean {
  return status === "done" || status === "dead" || status === "rejected";
}

/** A lease lasts this much longer than the component may take: time for the send, the answer and the close. */
export const LEASE_MARGIN_MS = 5_000;

/** No send begins with less lease left than the component's timeout and this. */
export const SEND_MARGIN_MS = 2_000;

/** The type of the error of a delivery that waits until a row of the routing table can be read. Nothing was tried. */
export const HELD = "RowUnreadable";

/** What went wrong in an attempt, in the error's own words; `stack`: where, if it says so. */
export type DeliveryError = { type: string; message: string; stack?: string };

/** One attempt as the ledger remembers it. */
export type Attempt = {
  attempt: number;
  at: Date;
  /** `outcome missing`: it was accepted, and its deadline passed without an answer. */
  outcome: "done" | "failed" | "dead" | "postponed" | "accepted" | "lease lapsed" | "outcome missing";
  version?: string;
  durationMs?: number;
  /** What its version's log calls it, where that isn't made of delivery and attempt. */
  requestId?: string;
  /** Of the last one that failed with its stack, as far as there is room. */
  error?: DeliveryError;
};

/**
 * Lapsed leases after which a delivery is given up, if they are spread over this time at least. They aren't failures of
 * the component, as a router may be killed or deployed any number of times, or a store may lose its answers for some
 * minutes; but a version that takes its router down must not be tried for ever.
 */
export const MAX_LAPSES = 20;
export const MIN_LAPSING_MS = 900_000;

/** One event going to one component, in one generation. Never holds the event's body. */
export type LedgerEntry = {
  deliveryKey: string;
  component: string;
  eventKey: string;
  generation: Generation;
  status: DeliveryStatus;
  /** Fencing number: rises with every claim, and only the newest may close. */
  attempt: number;
  /** Attempts that count towards `maxAttempts`; one that was postponed doesn't. */
  failures: number;
  /** Leases and deadlines that ended without an answer: the router was gone, the version took it down, or says nothing. */
  lapses: number;
  /** When it was first claimed: what `maxAgeMs` is counted from. */
  since: Date;
  owner: string;
  leaseUntil: Date;
  payloadHash: string;
  /** Sent time of the message that won the first claim. A record counts for this delivery only if it has the same. */
  t0: Date;
  alias: Alias;
  because: Because;
  routingRevision: number;
  /** The replay that had it tried again in the generation that it has. */
  replay?: string;
  executedVersion?: string;
  /** When it may be claimed again: the end of its backoff, or of the time that an accepted one has to answer. */
  nextAttemptAt?: Date;
  /**
   * Set once its messages may have been acknowledged, until it is at rest: from then on the sweeper puts a message for
   * it into the queue. While it is claimed or waits shortly it is the net below the message that should bring it back.
   */
  dueAt?: Date;
  closedAt?: Date;
  error?: DeliveryError;
  attempts: Attempt[];
  /** From then on it counts as absent, whether or not the store has removed it. */
  expiresAt: Date;
};

/** What a router asks for before it sends. */
export type ClaimRequest = {
  deliveryKey: string;
  component: string;
  eventKey: string;
  generation: Generation;
  payloadHash: string;
  t0: Date;
  alias: Alias;
  because: Because;
  routingRevision: number;
  leaseMs: number;
  expiresAt: Date;
  /** The replay that claims what is dead, or not due yet, once: as if nothing had been tried before. */
  reopenedBy?: string;
  /** No message stands for it: where its claim isn't closed, the sweeper brings it back. */
  unqueued?: true;
};

export type Claim =
  | {
      won: true;
      attempt: number;
      failures: number;
      lapses: number;
      since: Date;
      t0: Date;
      leaseUntil: Date;
      /** The replay that reopened it. */
      replay?: string;
      /** It has only ever waited until it was known whether it is wanted at all. */
      untried?: true;
    }
  | { won: false; why: "done" | "dead" | "rejected" }
  /** The key was used before for another payload, whose hash this is. */
  | { won: false; why: "payload differs"; payloadHash: string }
  | { won: false; why: "claimed by another" | "not due"; retryAt: Date }
  /** Its outcome is still to come, or its backoff is long: the sweeper looks after it from `retryAt` on. */
  | { won: false; why: "accepted" | "parked"; retryAt: Date };

/** How an attempt ended. Takes effect only if `attempt` is still the newest. */
export type Close = {
  deliveryKey: string;
  attempt: number;
  at: Date;
  durationMs?: number;
  executedVersion?: string;
  /** What its version's log calls it, where that isn't made of delivery and attempt. */
  requestId?: string;
} & (
  | { outcome: "done" }
  | { outcome: "dead"; error: DeliveryError }
  /**
   * Tried again from `nextAttemptAt` on: by its message, or, if it has a `dueAt`, by the sweeper. `postponed`: the
   * target had no room, or the lease ran short before the send; it isn't counted as a failure.
   */
  | { outcome: "failed" | "postponed"; error: DeliveryError; nextAttemptAt: Date; dueAt?: Date }
  /** Handed over; the outcome closes this same attempt, or it is tried again after the deadline. */
  | { outcome: "accepted"; nextAttemptAt: Date; dueAt?: Date }
);

/** How a record is found again. Its place is no part of it: whoever looks for a record needn't know that. */
export type RecordKey = Pick<EventRecord, "t0" | "eventKey" | "payloadHash">;

/** Where a record stands in the order of a window: whatever begins anew from a record begins from its place. */
export type RecordPlace = RecordKey & Pick<EventRecord, "sequence">;

export function recordPlaceOf({ t0, sequence, eventKey, payloadHash }: RecordPlace): RecordPlace {
  return { t0, eventKey, payloadHash, ...(sequence !== undefined && { sequence }) };
}

/** The order in which a window's records are listed: negative when `a` comes first. */
export function compareRecords(a: RecordPlace, b: RecordPlace): number {
  if (a.t0.getTime() !== b.t0.getTime()) return a.t0.getTime() - b.t0.getTime();
  const [placeOfA, placeOfB] = [a.sequence ?? 0, b.sequence ?? 0];
  if (placeOfA !== placeOfB) return placeOfA - placeOfB;
  if (a.eventKey !== b.eventKey) return a.eventKey < b.eventKey ? -1 : 1;
  return a.payloadHash === b.payloadHash ? 0 : a.payloadHash < b.payloadHash ? -1 : 1;
}

/** The stored event: what arrived. Only the message that brought it writes it again, with the same body. */
export type EventRecord = {
  /** The sent time of the message that brought it, in ms precision. */
  t0: Date;
  /**
   * Its place among those of one `t0`, as they were published; left out: 0. Stored again without one, a record keeps the
   * place that it has.
   */
  sequence?: number;
  eventKey: string;
  payloadHash: string;
  messageId: string;
  id: string;
  source: string;
  detailType: string;
  time: string;
  /** The publisher's key, among the events of its source and type. */
  idempotencyKey: string;
  subject: Subject;
  /** Components whose pattern matched when it arrived; empty when nobody listened. */
  components: string[];
  /** The event's own text, byte for byte. */
  body: string;
  /** Why its body can't be had, which is empty then: it is lost or damaged where large ones are kept. Never stored. */
  unavailable?: string;
  /** Why it was never delivered: unreadable, or the same key with another payload. */
  rejected?: string;
  /** The end of its retention: from then on it counts as absent, whether or not the store has removed it. */
  expiresAt: Date;
};
