import type { Subject } from "../subject.ts";
import type { AttemptResult } from "./settle-attempt.ts";

/** The attempt that a message tells of, and what became of it. */
export type AttemptOutcome = {
  eventKey: string;
  /** Which of the event's deliveries it is: `deliveryMark` of its key. */
  mark: string;
  attempt: number;
  /** What its own log calls the attempt. */
  requestId: string;
  /**
   * What shows that the outcome is told by whom the attempt was handed to: who that was, by an ARN without a qualifier,
   * and what was given along: a token, or as much of it as a reference has.
   */
  functionArn: string;
  token: string;
  tokenChars: number;
  /** What the event said of itself when it was delivered, empty where it doesn't; undefined where nothing of it came back. */
  event?: { eventId: string; source: string; type: string; subject: Subject; traceparent?: string };
  result: Extract<AttemptResult, { outcome: "done" | "failed" | "throttled" }>;
};
