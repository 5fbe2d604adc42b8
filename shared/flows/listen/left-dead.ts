import type { LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { deliveryKeyIn } from "../../domain/deliveries/inbox-item.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { ListenerSaid } from "./laptop-listener.ts";

export type LeftDeadPorts = {
  events: Pick<DeliveryLedger, "deliveries">;
  delay: (ms: number) => Promise<unknown>;
};

/** Deliveries that are given up, as they failed here; their events arrived in the window. */
export type LeftDead = { dead: number; window: TimeWindow };

/** A failed attempt stands in the ledger once its outcome was taken: a matter of moments where a server runs. */
const LOOK_EVERY_MS = 200;
const MOST_LOOKS = 15;

/** Remembers what has failed on a laptop, to tell in the end what of it is dead. */
export function failedHere() {
  /** The attempt that failed last, by delivery key. */
  const failed = new Map<string, number>();

  const isAwaited = ({ deliveryKey, attempt, status }: LedgerEntry) =>
    attempt === failed.get(deliveryKey) && (status === "accepted" || status === "claimed");

  return {
    hear(said: ListenerSaid): void {
      if (said.said !== "ended") return;
      const key = deliveryKeyIn(said.item);
      if (said.result.outcome === "done") failed.delete(key);
      else failed.set(key, said.item.turnout.attempt);
    },

    /** Waits a little for outcomes that nobody has taken yet. Undefined when nothing is dead. */
    async leftDead({ events, delay }: LeftDeadPorts): Promise<LeftDead | undefined> {
      const keys = [...failed.keys()];
      for (let look = 1; keys.length > 0; look++) {
        const entries = (await events.deliveries(keys)).filter((entry) => entry !== undefined);
        if (look === MOST_LOOKS || !entries.some(isAwaited)) return deadAmong(entries);
        await delay(LOOK_EVERY_MS);
      }
      return undefined;
    },
  };
}

function deadAmong(entries: readonly LedgerEntry[]): LeftDead | undefined {
  const times = entries
    .filter(({ status }) => status === "dead")
    .map(({ t0 }) => t0.getTime())
    .sort((a, b) => a - b);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { dead: times.length, window: { from: new Date(first), to: new Date(last + 1) } };
}
