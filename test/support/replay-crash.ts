import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import { type Around, surrounded, type When } from "./port-calls.ts";

/** The calls of a replayer that has a life: all that it asks of others. */
const eventCalls = ["record", "find", "claim", "close", "reject", "deliveries", "records"] as const;

/**
 * A replayer whose process ends at one of its calls, the `n`-th from 0: before the call has an effect, or after it and
 * before its answer. From then on it does nothing more and hears nothing more. `died` resolves when it does.
 */
export function mortal(ports: ReplayerPorts, n: number, when: When) {
  const death = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  let calls = 0;
  let dead = false;
  const die = (): Promise<never> => {
    dead = true;
    death.resolve();
    return never;
  };
  const around: Around = async (_, work) => {
    if (dead) return never;
    const isLast = calls++ === n;
    if (isLast && when === "before") return die();
    const value = await work();
    return isLast || dead ? die() : value;
  };
  const { records } = ports.events;
  const mortals: ReplayerPorts = {
    ...ports,
    events: {
      ...surrounded(ports.events, eventCalls.slice(0, -1), around),
      async *records(...asked) {
        for await (const page of records(...asked)) yield await around("records", async () => page);
      },
    },
    replays: surrounded(ports.replays, ["get", "update", "list"], around),
    catalog: surrounded(ports.catalog, ["aliases"], around),
    routing: surrounded(ports.routing, ["refresh"], around),
    target: (send) => around("send", () => ports.target(send)),
  };
  return { ports: mortals, died: death.promise, calls: () => calls };
}
