import { type EventEntry, envelopeOf } from "../../shared/domain/events/event-entry.ts";
import type { EventQueue } from "../../shared/event-queue/event-queue.ts";

/** What the front door needs to take events in. */
export type Intake = {
  queue: Pick<EventQueue, "send">;
  now: () => Date;
  /** Draws an event id, unique for good. */
  newId: () => string;
  /** Routes events as they arrive. Answers whether they are stored; if not, they go into the queue. Default: all do. */
  routeOnArrival?: (arrivals: readonly Arrival[], now: Date) => Promise<boolean>;
  /** Whose events they are, in the same order: groups share the queue fairly. Default: all are of one group. */
  groupsOf?: (entries: readonly EventEntry[]) => Promise<string[]>;
  /** Called when events are in the queue, e.g. to wake the router. */
  onQueued?: () => void;
  /** Called when events have been stored. */
  onAccepted?: (accepted: readonly AcceptedEntry[], receivedAt: Date) => void;
  /** Called with the name of a bus that doesn't exist, for each event that was published to it and is dropped. */
  onUnknownBus?: (bus: string) => void;
};

export type AcceptedEntry = { id: string; entry: EventEntry };

/** An event with its text for the queue. */
export type Arrival = AcceptedEntry & { body: string };

/** Stores the events durably, all or none. Throws what the queue throws; then nothing may be acknowledged. */
export async function acceptEvents(intake: Intake, accepted: readonly AcceptedEntry[], now: Date): Promise<void> {
  if (accepted.length === 0) return;
  const arrivals = accepted.map(({ id, entry }) => ({ id, entry, body: envelopeOf(entry, { id, now }) }));
  if (!(await intake.routeOnArrival?.(arrivals, now))) await enqueue(intake, arrivals, now);
  intake.onAccepted?.(accepted, now);
}

async function enqueue(intake: Intake, arrivals: readonly Arrival[], now: Date): Promise<void> {
  const groups = await intake.groupsOf?.(arrivals.map(({ entry }) => entry));
  const messages = arrivals.map(({ body }, index) => {
    const group = groups?.[index];
    return group === undefined ? body : { body, group };
  });
  await intake.queue.send(messages, now);
  intake.onQueued?.();
}
