import type { Close } from "../domain/delivery.ts";
import type { EventStore } from "../event-store/event-store.ts";

/** How long the first close waits for others. A quick delivery must not lose its lease to a slow neighbour. */
export const FLUSH_AFTER_MS = 250;

type Waiting = { close: Close; resolve: (taken: boolean) => void; reject: (reason: unknown) => void };

/**
 * Gathers the closes of a batch and writes them together: as soon as the last one is there, or 250 ms after the first
 * one waiting. The function it returns resolves once the close is stored: true, or false when a newer attempt has
 * taken over.
 *
 * @param expected how many closes will come in all
 * @param delay resolves after that many milliseconds
 */
export function closeBuffer(
  events: Pick<EventStore, "close">,
  expected: number,
  delay: (ms: number) => Promise<void>,
): (close: Close) => Promise<boolean> {
  let waiting: Waiting[] = [];
  let outstanding = expected;

  async function write(): Promise<void> {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      const taken = await events.close(batch.map(({ close }) => close));
      batch.forEach(({ resolve }, index) => {
        resolve(taken[index] ?? false);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (close) =>
    new Promise((resolve, reject) => {
      waiting.push({ close, resolve, reject });
      outstanding -= 1;
      if (outstanding === 0) void write();
      else if (waiting.length === 1) void delay(FLUSH_AFTER_MS).then(write);
    });
}
