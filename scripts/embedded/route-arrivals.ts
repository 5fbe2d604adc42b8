import { TurnoutError } from "../../shared/domain/errors.ts";
import type { AdmittingQueue, ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import type { ParsedEvent } from "../../shared/flows/deliver/route-message.ts";
import { type ArrivalPorts, routeOnArrival } from "../../shared/flows/deliver/route-on-arrival.ts";
import type { Intake } from "./accept-events.ts";
import type { Arrival } from "./arrival.ts";
import type { QueuePoller } from "./queue-poller.ts";

/** A body of more characters may have to be stored in a file first, and goes by the queue. */
const MAX_BODY_LENGTH = 65_536;

/**
 * Routes what the front door takes in, without a queue, where there is room and nothing waits before it: each event is
 * stored once, and sent when that is on disk.
 */
export function routeArrivals(
  ports: Omit<ArrivalPorts, "queue"> & { queue: AdmittingQueue },
  { run, wake }: Pick<QueuePoller, "run" | "wake">,
): NonNullable<Intake["routeOnArrival"]> {
  const queue: ArrivalPorts["queue"] = {
    async keep(messages) {
      await ports.queue.keep(messages);
      wake();
    },
  };
  const route = inTurns((batches: ParsedEvent[][]) => routeOnArrival({ ...ports, queue }, batches));
  return async (arrivals, now) => {
    if (arrivals.some(({ body }) => body.length > MAX_BODY_LENGTH)) return false;
    const messages = ports.queue.admit(
      arrivals.map(({ body }) => body),
      now,
    );
    if (messages === undefined) return false;
    const stored = Promise.withResolvers<boolean>();
    const isBegun = await run(arrivals.length, async () => {
      try {
        const { end } = await route(parsedOf(arrivals, messages));
        stored.resolve(true);
        await end;
      } catch (error) {
        // A store in trouble says so again to whoever puts them into the queue, and that to their publisher.
        if (!(error instanceof TurnoutError)) ports.onError(error);
        stored.resolve(false);
      } finally {
        ports.queue.leave(messages);
      }
    });
    if (isBegun) return stored.promise;
    ports.queue.leave(messages);
    return false;
  };
}

/** What reading the messages' bodies would come to. */
function parsedOf(arrivals: readonly Arrival[], messages: readonly ReceivedMessage[]): ParsedEvent[] {
  return arrivals.flatMap(({ event, payloadHash, metadata }, index): ParsedEvent[] => {
    const message = messages[index];
    return message === undefined ? [] : [{ message, event: { ok: true, value: event }, payloadHash, metadata }];
  });
}

/** Has all that is asked for in one turn of the event loop done together. */
function inTurns<T, R>(work: (all: T[]) => Promise<R[]>): (one: T) => Promise<R> {
  let waiting: { one: T; resolve: (result: Promise<R>) => void }[] = [];
  const begin = () => {
    const together = waiting;
    waiting = [];
    const done = work(together.map(({ one }) => one));
    together.forEach(({ resolve }, index) => {
      resolve(done.then((results) => results[index] as R));
    });
  };
  return (one) =>
    new Promise((resolve) => {
      waiting.push({ one, resolve });
      if (waiting.length === 1) setImmediate(begin);
    });
}
