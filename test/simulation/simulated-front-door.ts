import { acceptEvents, type Intake } from "../../scripts/embedded/accept-events.ts";
import { type AcceptedEntry, arrivalOf } from "../../scripts/embedded/arrival.ts";
import type { QueuePoller } from "../../scripts/embedded/queue-poller.ts";
import { routeArrivals } from "../../scripts/embedded/route-arrivals.ts";
import type { AdmittingQueue } from "../../shared/event-queue/event-queue.ts";
import type { ArrivalPorts } from "../../shared/flows/deliver/route-on-arrival.ts";
import { between } from "./chance.ts";
import { InjectedFault } from "./faults.ts";
import type { Batch, History } from "./history.ts";
import { type SimulatedProcess, type Surroundings, simulatedProcess } from "./simulated-process.ts";
import { distantQueue, type StandardQueue } from "./standard-queue.ts";

export type Accepting = typeof acceptEvents;

export type FrontDoorOptions = {
  queue: StandardQueue;
  /** Servers beside each other. Each routes one request at a time as it arrives; there is no room for a second one. */
  servers: number;
  /** Most events of one request. */
  batchSize: number;
  skewMs: number;
  /** What a server delivers with. */
  load: (process: SimulatedProcess, batchOf: () => Batch | undefined) => Omit<ArrivalPorts, "queue">;
  /** Takes events in: a control. */
  accept?: Accepting | undefined;
};

type Request = AcceptedEntry & { answer: (isAccepted: boolean) => void };

type Server = {
  number: number;
  started: number;
  process?: SimulatedProcess;
  intake?: Intake;
  /** What the last request that it was given is called. */
  asked: string;
  batch?: Batch;
};

/** What arrives in so many ms is one request. */
const GATHERED_MS = 20;

/**
 * The embedded runtime's front door, which routes what it takes in as it arrives, in processes that may end at any moment.
 * The next one begins with nothing: what the last one has claimed comes back by itself.
 */
export function simulatedFrontDoor(surroundings: Surroundings, history: History, options: FrontDoorOptions) {
  const { time, chance } = surroundings;
  const { queue, skewMs, batchSize, accept = acceptEvents } = options;
  const servers = Array.from({ length: options.servers }, (_, number): Server => ({ number, started: 0, asked: "" }));
  const named = new Map<string, number>();
  let waiting: Request[] = [];
  let requests = 0;
  let open = 0;

  function start(server: Server): { process: SimulatedProcess; intake: Intake } {
    const id = `server ${server.number + 1}.${++server.started}`;
    const clockMs = skewMs === 0 ? 0 : between(chance(`${id} clock`), -skewMs, skewMs);
    history.maxClockMs = Math.max(history.maxClockMs, clockMs);
    const process = simulatedProcess(surroundings, id, clockMs);
    void process.ending.then(() => {
      delete server.process;
      delete server.intake;
    });
    const ports = { ...options.load(process, () => server.batch), queue: admitting(server, process) };
    return {
      process,
      intake: {
        queue: distantQueue(process, queue),
        now: process.now,
        newId: process.newId,
        routeOnArrival: routeArrivals(ports, { run: roomAt(server, process), wake: () => {} }),
      },
    };
  }

  /** Places are given in memory; to store a message is a call like any other. */
  function admitting(server: Server, process: SimulatedProcess): AdmittingQueue {
    return {
      admit(bodies) {
        const messages = queue.admit(bodies);
        if (server.batch !== undefined) server.batch.messages = messages.map(({ messageId }) => `${messageId}/1`);
        return messages;
      },
      keep: (messages) => process.call("keep", () => queue.keep(messages)),
      leave: () => {},
    };
  }

  function roomAt(server: Server, process: SimulatedProcess): QueuePoller["run"] {
    return (_, work) => {
      if (server.batch !== undefined) return false;
      const batch: Batch = { id: server.asked, process: process.id, startedAt: time.now(), messages: [], hits: 0 };
      history.batches.push(batch);
      server.batch = batch;
      process.begin(batch.id);
      const hits = process.hits();
      void Promise.race([work().then(() => "finished" as const), process.ending]).then((how) => {
        Object.assign(batch, { how, endedAt: time.now(), hits: process.hits() - hits });
        delete server.batch;
      });
      return true;
    };
  }

  /** By its events, and how often they have come. */
  function nameOf(request: readonly Request[]): string {
    const ids = request.map(({ id }) => id).join(", ");
    const times = (named.get(ids) ?? 0) + 1;
    named.set(ids, times);
    return `arrival of ${ids}, ${times}`;
  }

  async function take(request: readonly Request[]): Promise<void> {
    const server = servers[requests++ % servers.length];
    if (server === undefined) throw new Error("there is no server");
    if (server.process === undefined) Object.assign(server, start(server));
    const { process, intake } = server;
    if (process === undefined || intake === undefined) throw new Error("the server hasn't started");
    server.asked = nameOf(request);
    open += 1;
    const now = process.now();
    const arrivals = request.map((one) => arrivalOf(one, now));
    const isAccepted = await Promise.race([
      accept(intake, arrivals, now).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof InjectedFault)) history.surprises.push({ at: time.now(), error });
          return false;
        },
      ),
      process.ending.then(() => false),
    ]);
    open -= 1;
    for (const { answer } of request) answer(isAccepted);
  }

  function gather(): void {
    while (waiting.length > 0) void take(waiting.splice(0, batchSize));
  }

  return {
    /** Resolves when the publisher has its answer: whether the event was accepted. */
    publish(accepted: AcceptedEntry): Promise<boolean> {
      return new Promise((answer) => {
        if (waiting.length === 0) time.at(time.now() + GATHERED_MS, gather);
        waiting = [...waiting, { ...accepted, answer }];
      });
    },
    isIdle: () => open === 0 && waiting.length === 0 && servers.every(({ batch }) => batch === undefined),
  };
}

export type SimulatedFrontDoor = ReturnType<typeof simulatedFrontDoor>;
