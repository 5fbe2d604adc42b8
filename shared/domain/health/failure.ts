import type { Alias } from "../routing/alias.ts";
import type { Because } from "../routing/decide-route.ts";
import type { Subject } from "../subject.ts";

/** A first attempt that failed: who it was about, and what it said. */
export type Failure = {
  at: Date;
  deliveryKey: string;
  /** The event's own id, as its publisher gave it. */
  eventId: string;
  component: string;
  /** Empty when nobody said which one ran. */
  version: string;
  alias: Alias;
  because: Because;
  /** The event's type. */
  type: string;
  subject: Subject;
  /** Both at most 200 characters. */
  errorType: string;
  message: string;
  /** What the version's own log calls the attempt. */
  requestId: string;
};

export const MAX_FAILURE_TEXT_CHARS = 200;

/** Failures that one process keeps of a version and minute; beyond, only the count is exact. */
export const FAILURES_KEPT_PER_MINUTE = 100;
