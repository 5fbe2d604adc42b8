import type { EventQueue } from "../../shared/event-queue/event-queue.ts";

/** What the front door needs to take events in. */
export type Intake = {
  queue: Pick<EventQueue, "send">;
  now: () => Date;
  /** Draws an event id, unique for good. */
  newId: () => string;
  /** Called when events have been stored, e.g. to wake the router. */
  onAccepted?: () => void;
};

/** Stores the events durably, all or none. Throws what the queue throws; then nothing may be acknowledged. */
export async function acceptEvents(intake: Intake, bodies: readonly string[], now: Date): Promise<void> {
  if (bodies.length === 0) return;
  await intake.queue.send(bodies, now);
  intake.onAccepted?.();
}
