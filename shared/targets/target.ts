import type { DeliveryError } from "../domain/deliveries/delivery.ts";
import type { Invocation, WorkerSettings } from "../domain/routing/component.ts";
import type { TargetAddress } from "../domain/routing/target-address.ts";
import type { Subject } from "../domain/subject.ts";

/** One attempt to hand an event to an alias of a component. */
export type Send = {
  component: string;
  alias: string;
  address: TargetAddress;
  invocation: Invocation;
  worker: WorkerSettings;
  /** Who the event is about. */
  subject: Subject;
  /** The event as published plus the `turnout` field, as JSON text. */
  payload: string;
  /** The key that the event is delivered under: the same in every attempt of a delivery, and no other's. */
  idempotencyKey: string;
  /**
   * Of an asynchronous attempt: names it where nothing but a name comes back with its outcome. Up to 80 letters, digits,
   * `-` and `_`. Whoever knows it may say what became of the attempt.
   */
  attemptReference?: string;
  /** Attempts of this delivery that ended without an answer, as if each had taken its router down. */
  lapses: number;
  /** Identifies this attempt in logs. */
  requestId: string;
  /** Which attempt of which event it is, for whoever reads what the version prints. */
  of?: { eventId: string; attempt: number };
  timeoutMs: number;
  /** A send that can't begin before this instant isn't begun: the lease would end before the answer. */
  latestStart: Date;
};

export type SendResult =
  /** `requestId`: what the version's own log calls the attempt, where that isn't what it was sent as. */
  | { outcome: "done"; executedVersion: string; durationMs: number; requestId?: string }
  | {
      outcome: "failed";
      error: DeliveryError;
      executedVersion?: string;
      durationMs: number;
      requestId?: string;
      /** The target says that no other attempt would do better. */
      isFinal?: true;
    }
  /**
   * Handed over for an asynchronous invocation, or to a laptop; what becomes of it is told later: within `answerMs`, where
   * that isn't the component's own time for it.
   */
  | { outcome: "accepted"; durationMs: number; requestId?: string; answerMs?: number }
  /**
   * There was no room, and nothing was run: try again later, without counting it as a failure. With `retryAt`: the
   * version is down, and nothing is sent to it before then.
   */
  | { outcome: "throttled"; error: DeliveryError; retryAt?: Date };

/** Sends one event and waits for its outcome, if it is `sync`. Never throws: what goes wrong is the outcome. */
export type Target = (send: Send) => Promise<SendResult>;
