import type { EventQueue } from "../../shared/event-queue/event-queue.ts";
import type { Arrival } from "./arrival.ts";
import type { PutEventsReader } from "./read-put-events.ts";

/** What the front door needs to take events in. */
export type Intake = {
  queue: Pick<EventQueue, "send">;
  now: () => Date;
  /** Draws an event id, unique for good. */
  newId: () => string;
  /** Reads the body of a PutEvents request. Default: here and now. */
  readPutEvents?: PutEventsReader;
  /** Routes events as they arrive. Answers whether they are stored; if not, they go into the queue. Default: all do. */
  routeOnArrival?: (arrivals: readonly Arrival[], now: Date) => Promise<boolean>;
  /** Whose events they are, in the same order: groups share the queue fairly. Default: all are of one group. */
  groupsOf?: (arrivals: readonly Arrival[]) => Promise<string[]>;
  /** Called when events are in the queue, e.g. to wake the router. */
  onQueued?: () => void;
  /** Called when events have been stored. */
  onAccepted?: (arrivals: readonly Arrival[], receivedAt: Date) => void;
  /** Called with the name of a bus that doesn't exist, for each event that was published to it and is dropped. */
  onUnknownBus?: (bus: string) => void;
};

/** Stores the events durably, all or none. Throws what the queue throws; then nothing may be acknowledged. */
export async function acceptEvents(intake: Intake, arrivals: readonly Arrival[], now: Date): Promise<void> {
  if (arrivals.length === 0) return;
  if (!(await intake.routeOnArrival?.(arrivals, now))) await enqueue(intake, arrivals, now);
  intake.onAccepted?.(arrivals, now);
}

async function enqueue(intake: Intake, arrivals: readonly Arrival[], now: Date): Promise<void> {
  const groups = await intake.groupsOf?.(arrivals);
  const messages = arrivals.map(({ body }, index) => {
    const group = groups?.[index];
    return group === undefined ? body : { body, group };
  });
  await intake.queue.send(messages, now);
  intake.onQueued?.();
}
