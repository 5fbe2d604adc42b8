import { type EventEntry, envelopeOf } from "../../shared/domain/events/event-entry.ts";
import type { EventQueue } from "../../shared/event-queue/event-queue.ts";

/** What the front door needs to take events in. */
export type Intake = {
  queue: Pick<EventQueue, "send">;
  now: () => Date;
  /** Draws an event id, unique for good. */
  newId: () => string;
  /** Whose events they are, in the same order: groups share the queue fairly. Default: all are of one group. */
  groupsOf?: (entries: readonly EventEntry[]) => Promise<string[]>;
  /** Called when events have been stored, e.g. to wake the router. */
  onAccepted?: (accepted: readonly AcceptedEntry[], receivedAt: Date) => void;
  /** Called with the name of a bus that doesn't exist, for each event that was published to it and is dropped. */
  onUnknownBus?: (bus: string) => void;
};

export type AcceptedEntry = { id: string; entry: EventEntry };

/** Stores the events durably, all or none. Throws what the queue throws; then nothing may be acknowledged. */
export async function acceptEvents(intake: Intake, accepted: readonly AcceptedEntry[], now: Date): Promise<void> {
  if (accepted.length === 0) return;
  const groups = await intake.groupsOf?.(accepted.map(({ entry }) => entry));
  const messages = accepted.map(({ id, entry }, index) => {
    const body = envelopeOf(entry, { id, now });
    const group = groups?.[index];
    return group === undefined ? body : { body, group };
  });
  await intake.queue.send(messages, now);
  intake.onAccepted?.(accepted, now);
}
