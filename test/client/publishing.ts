import type { OutgoingEvent } from "../../shared/client/outgoing-event.ts";
import { createPublisher, type Publisher, type PublisherOptions } from "../../shared/client/publisher.ts";

export type Numbered = { counted: { n: number; text?: string } };

export type Machine = {
  /** Its clock, in milliseconds; it goes on only when the publisher waits. */
  nowMs: number;
  /** How long the publisher waited, in order. */
  delays: number[];
};

/** A publisher whose time and chance are the test's: keys are `key-1`, `key-2`, …, and every delay is half its bound. */
export function publisherOn(
  endpoint: string,
  options: Partial<PublisherOptions> = {},
): { publisher: Publisher<Numbered>; machine: Machine } {
  const machine: Machine = { nowMs: 0, delays: [] };
  let keys = 0;
  const publisher = createPublisher<Numbered>({
    source: "shop",
    endpoint,
    ...options,
    machine: {
      now: () => machine.nowMs,
      delay: async (ms) => {
        machine.delays.push(ms);
        machine.nowMs += ms;
      },
      random: () => 0.5,
      newIdempotencyKey: () => `key-${++keys}`,
      ...options.machine,
    },
  });
  return { publisher, machine };
}

/** Events that are told apart by their `n`, from 1. */
export function events(count: number): OutgoingEvent<Numbered>[] {
  return Array.from({ length: count }, (_, index) => anEvent(index + 1));
}

export function anEvent(n: number, text = ""): OutgoingEvent<Numbered> {
  return { detailType: "counted", detail: { n, text } };
}

export function idsFrom(first: number, last: number): { eventId: string }[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({ eventId: `id-${first + index}` }));
}
