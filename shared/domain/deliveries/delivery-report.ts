import type { Decision } from "../routing/decide-route.ts";
import type { DeliveryError, EventRecord } from "./delivery.ts";

/** What a router did with an event, told once for every attempt at every component. */
export type DeliveryReport = {
  record: EventRecord;
  at: Date;
  /** Undefined when no component listens to the event, or it couldn't be read. */
  component?: string;
  decision?: Decision;
  /**
   * `accepted`: handed over, the outcome is to come. `postponed`: no room at the target, nothing was run. `duplicate`: delivered before. `redelivered`: this
   * very message came again, and its delivery was at rest already. `unmatched`: no component
   * listens. `rejected`: unreadable, or its key was used for another payload.
   */
  outcome:
    | "done"
    | "accepted"
    | "failed"
    | "dead"
    | "postponed"
    | "duplicate"
    | "redelivered"
    | "unmatched"
    | "rejected"
    | "superseded";
  /** The replay that it was made for. */
  replay?: string;
  attempt?: number;
  executedVersion?: string;
  durationMs?: number;
  error?: DeliveryError;
};
