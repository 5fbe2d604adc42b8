import type { Close } from "../../domain/deliveries/delivery.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import { untilWritten, type WritePorts } from "../kept-writes.ts";

/** How long the first close waits for others. A quick delivery must not lose its lease to a slow neighbour. */
export const FLUSH_AFTER_MS = 250;

/** Writes a close, and tries it again until `by` where that fails; `atOnce`: without waiting for others. */
export type WriteClose = (close: Close, by: Date, atOnce?: boolean) => Promise<boolean>;

type Waiting = { close: Close; by: Date; resolve: (taken: boolean) => void; reject: (reason: unknown) => void };

/**
 * Gathers the closes of a batch and writes them together: as soon as the last one is there, or 250 ms after the first
 * one waiting. The function it returns resolves once the close is stored: true, or false when a newer attempt has
 * taken over.
 *
 * Where that fails, each is kept and tried again by itself until its lease is over: one that can't be stored must not
 * keep the others from being so.
 *
 * @param expected how many closes will come in all
 */
export function closeBuffer(
  ports: WritePorts & { events: Pick<DeliveryLedger, "close"> },
  expected: number,
): WriteClose {
  const { events, delay } = ports;
  let waiting: Waiting[] = [];
  let outstanding = expected;

  async function write(): Promise<void> {
    const batch = waiting;
    waiting = [];
    if (batch.length === 0) return;
    try {
      const taken = await events.close(batch.map(({ close }) => close));
      for (const [index, { resolve }] of batch.entries()) resolve(taken[index] ?? false);
    } catch (error) {
      for (const one of batch) keep(one, error);
    }
  }

  /** Its first try was the one that failed. */
  function keep({ close, by, resolve, reject }: Waiting, failure: unknown): void {
    let tries = 0;
    const write = async () => {
      tries += 1;
      if (tries === 1) throw failure;
      return (await events.close([close]))[0] ?? false;
    };
    untilWritten(ports, write, by).then(resolve, reject);
  }

  return (close, by, atOnce = false) =>
    new Promise((resolve, reject) => {
      waiting.push({ close, by, resolve, reject });
      outstanding -= 1;
      if (outstanding === 0 || atOnce) void write();
      else if (waiting.length === 1) void delay(FLUSH_AFTER_MS).then(write);
    });
}
