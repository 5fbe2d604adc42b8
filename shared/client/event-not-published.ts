import { TurnoutError } from "../domain/errors.ts";
import type { Unpublished } from "./put-entries.ts";

/** Which event of a call an error is about, and what is known of it. */
type Which = { index: number; detailType: unknown; idempotencyKey?: string };

/** Told about an event that was refused, before or after it was sent, or that was given up. */
export class EventNotPublished extends TurnoutError {
  override readonly name = "EventNotPublished";
  /** Its place among the events of the call, from 0. */
  readonly index: number;
  /** EventBridge's error code, Node's, or one of `prepareEvent` and `sendBatch`. */
  readonly code: string;
  /** How often it was sent; 0 for an event that is wrong in itself, or that was given up before its turn. */
  readonly attempts: number;
  /** It may be taken later, or may have been published all the same: publish it again, with the same key. */
  readonly retryable: boolean;
  /** Undefined for an event that is wrong in itself. */
  readonly idempotencyKey: string | undefined;

  constructor({ index, detailType, idempotencyKey }: Which, { code, message, attempts, retryable }: Unpublished) {
    const event = typeof detailType === "string" && detailType !== "" ? `${index} ('${detailType}')` : `${index}`;
    const tries = attempts === 0 ? "" : ` after ${attempts === 1 ? "1 attempt" : `${attempts} attempts`}`;
    const verdict = retryable ? "isn't known to be published" : "was not published";
    const remedy = retryable ? ` Publish it again with idempotencyKey '${idempotencyKey}', so that it runs once.` : "";
    super("failed", `Event ${event} ${verdict}${tries}: ${code}: ${message.replace(/\.$/, "")}.${remedy}`);
    this.index = index;
    this.code = code;
    this.attempts = attempts;
    this.retryable = retryable;
    this.idempotencyKey = idempotencyKey;
  }
}

/** Thrown by `publishOrThrow`, with an error for each event that isn't known to be published. */
export class EventsNotPublished extends TurnoutError {
  override readonly name = "EventsNotPublished";
  readonly errors: readonly EventNotPublished[];

  constructor(errors: readonly EventNotPublished[], count: number) {
    super("failed", `${errors.length} of ${count} events failed. ${errors[0]?.message ?? ""}`);
    this.errors = errors;
  }
}
