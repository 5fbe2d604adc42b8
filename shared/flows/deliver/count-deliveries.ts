import { type CountedDelivery, deliveryTally } from "../../domain/health/delivery-tally.ts";
import type { DeliveryCounts } from "../../event-store/delivery-counts.ts";

/** How long what was counted waits for more to be stored with, at most. A process that is killed loses no more. */
const COUNTS_EVERY_MS = 5_000;

export type CounterPorts = {
  events: Pick<DeliveryCounts, "count">;
  now: () => Date;
  /** Waits, in a process that lives on when nothing is under way. A Lambda doesn't, and then nothing may be under way. */
  whileIdle?: (ms: number) => Promise<void>;
  newId: () => string;
  /** Told of each delivery that is counted. */
  onCounted?: (counted: CountedDelivery) => void;
  /** Told of counts that couldn't be stored; they are stored with what comes next. */
  onError: (error: unknown) => void;
};

/** Counts deliveries for as long as a process lives. */
export type DeliveryCounter = {
  add(counted: CountedDelivery): void;
  /**
   * To be called when a batch has been counted: stores at once what has been counted in a process that had nothing to
   * store for 5 s, and else sees that it is stored by then, or, without `whileIdle`, with the first batch after that.
   * Never rejects.
   */
  settle(): Promise<void>;
  /** Stores what isn't yet: for a process that ends. Never rejects. */
  flush(): Promise<void>;
};

export function deliveryCounter({ events, now, whileIdle, newId, onCounted, onError }: CounterPorts): DeliveryCounter {
  const tally = deliveryTally();
  let instance: string | undefined;
  let writing: Promise<void> = Promise.resolve();
  let writtenAt = Number.NEGATIVE_INFINITY;
  let waits = false;

  async function write(): Promise<void> {
    const taken = tally.take();
    if (taken.spans.length === 0 && taken.failures.length === 0) return;
    writtenAt = now().getTime();
    instance ??= newId();
    try {
      await events.count(taken, instance);
    } catch (error) {
      tally.putBack(taken);
      onError(error);
      later();
    }
  }

  /** One after the other: what is stored last has to be what was counted last. */
  function inTurn(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  function later(): void {
    if (waits || whileIdle === undefined) return;
    waits = true;
    void whileIdle(Math.max(0, writtenAt + COUNTS_EVERY_MS - now().getTime())).then(() => {
      waits = false;
      return inTurn();
    });
  }

  return {
    add(counted) {
      tally.add(now(), counted);
      onCounted?.(counted);
    },
    async settle() {
      const sinceMs = now().getTime() - writtenAt;
      // A clock that was set back must not keep it waiting.
      if (sinceMs >= COUNTS_EVERY_MS || sinceMs < 0) await inTurn();
      else later();
    },
    flush: inTurn,
  };
}

/** The ports with what counts the deliveries that are made with them. */
export function withCounter<P extends CounterPorts>(ports: P): P & { counter: DeliveryCounter } {
  return { ...ports, counter: deliveryCounter(ports) };
}
