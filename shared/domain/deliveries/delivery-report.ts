import type { Decision } from "../routing/decide-route.ts";
import type { Subject } from "../subject.ts";
import type { DeliveryError, EventRecord } from "./delivery.ts";

/** The event that a report is about; an outcome that is told later doesn't know the message any more. */
export type ReportedEvent = Pick<EventRecord, "id" | "source" | "detailType" | "subject" | "t0"> &
  Partial<Pick<EventRecord, "messageId" | "rejected">>;

/** What a router did with an event, told once for every attempt at every component. */
export type DeliveryReport = {
  record: ReportedEvent;
  at: Date;
  /** Undefined when no component listens to the event, or it couldn't be read. */
  component?: string;
  decision?: Pick<Decision, "alias" | "because"> & Partial<Pick<Decision, "fallback">>;
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
  /** Who the event is about by today's directory, where that was asked. */
  subject?: Subject;
  routingRevision?: number;
  /** The function that was invoked, without its qualifier. */
  functionArn?: string;
  /** What the version's own log calls the attempt. */
  requestId?: string;
  flow?: string;
  /** What the publisher's own span is, as it says. */
  traceparent?: string;
  /** Undefined where there is no delivery. */
  deliveryKey?: string;
};
