import { deadLettersHandler } from "../../functions/dead-letters.ts";
import { outcomesHandler } from "../../functions/outcomes.ts";
import type { QueuePorts } from "../../functions/queue-batch.ts";
import { routerHandler } from "../../functions/router.ts";
import type { EventOutcome } from "../../shared/domain/deliveries/event-outcome.ts";
import type { EventStore, RecordedClaims } from "../../shared/event-store/event-store.ts";
import { withCircuitBreakers } from "../../shared/flows/deliver/circuit-breakers.ts";
import { deliveryCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import type { RouterPorts } from "../../shared/flows/deliver/router-ports.ts";
import { sweep } from "../../shared/flows/deliver/sweep.ts";
import { listEvents } from "../../shared/flows/explain/list-events.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import { type RoutingCache, routingCache } from "../../shared/flows/routing-cache.ts";
import { lapsedOneAtATime } from "../../shared/targets/worker/one-at-a-time.ts";
import type { AliasedVersion } from "../../shared/versions/version-catalog.ts";
import { memoryRoutingTable } from "../support/memory-routing-table.ts";
import { surrounded } from "../support/port-calls.ts";
import type { Breakage } from "./breakage.ts";
import { chanceOf } from "./chance.ts";
import { distantReplayStore } from "./distant-replay-store.ts";
import { simulatedFaults } from "./faults.ts";
import { type Batch, emptyHistory, type History } from "./history.ts";
import { type Ledger, memoryLedger, sqliteLedger } from "./ledger.ts";
import { memoryEventStore } from "./memory-event-store.ts";
import { replayOperator } from "./replay-operator.ts";
import { MINUTE, type Scenario, SECOND } from "./scenario.ts";
import { simulatedFrontDoor } from "./simulated-front-door.ts";
import {
  type FunctionOptions,
  type SimulatedFunction,
  simulatedFunction,
  simulatedSchedule,
} from "./simulated-function.ts";
import { simulatedOperator } from "./simulated-operator.ts";
import type { SimulatedProcess, Surroundings } from "./simulated-process.ts";
import { simulatedPublisher } from "./simulated-publisher.ts";
import { simulatedReplayer } from "./simulated-replayer.ts";
import { simulatedVersions } from "./simulated-versions.ts";
import {
  distantQueue,
  type QueueOptions,
  type StandardQueue,
  type StoredMessage,
  standardQueue,
} from "./standard-queue.ts";
import { virtualTime } from "./virtual-time.ts";
import { whiteBox } from "./white-box.ts";

const START = Date.parse("2026-11-20T10:00:00.000Z");
const FUNCTION_TIMEOUT_MS = 30 * SECOND;
const SWEEP_EVERY_MS = MINUTE;
const SWEEP_TIMEOUT_MS = 50 * SECOND;

/** Few, so that routers forget rows as well. */
const ROWS_CACHED = 5;

/** What a run left behind. */
export type Ended = {
  history: History;
  /** What the operator's own listing shows at the end. */
  listing: EventOutcome[];
  /** Texts of the messages that are still in the queue or its dead-letter queue. */
  queued: string[];
  /** True when it came to rest before its end. */
  atRest: boolean;
  /** Whether messages of one millisecond say which of them came first. */
  tellsOrder: boolean;
  /** What the white box found. */
  inside: { at: number; text: string }[];
  simulatedMs: number;
};

/**
 * `embedded`: the store is the embedded runtime's own, on SQLite in memory, and what has lapsed is sent one at a time; the
 * white box, and what is broken by looking into the store, need the other.
 */
export type Options = { breakage?: Breakage | undefined; embedded?: boolean };

/** Runs the production flows in a simulated world. The same scenario runs the same way every time. */
export async function runWorld(scenario: Scenario, { breakage = {}, embedded = false }: Options = {}): Promise<Ended> {
  const { seed, intensity, emphasis } = scenario;
  const time = virtualTime(START);
  const chance = chanceOf(seed ^ 0x5bd1e995);
  const until = START + scenario.calmAt;
  const faults = simulatedFaults({ chance, now: time.now, intensity, emphasis, until, only: scenario.faults });
  const surroundings = { time, chance, faults };
  const history = emptyHistory(START, faults.struck);
  const inside = whiteBox(time, () => store);
  const store = memoryEventStore(inside.onEntry);
  const ledger = embedded ? sqliteLedger(surroundings) : memoryLedger(surroundings, store);
  const { replays } = ledger;
  const routing = memoryRoutingTable();

  const queues = simulatedQueues(surroundings, { ...scenario, tellsOrder: embedded }, history, (message, others) => {
    if (!embedded) inside.acknowledged(message, others);
  });
  const { live, deadLetters, outcomes } = queues;
  const versions = simulatedVersions(surroundings, scenario, history, outcomes);
  simulatedOperator(surroundings, routing, scenario, history.commits);

  const eventsOf = (process: SimulatedProcess): EventStore & RecordedClaims => {
    const events = ledger.seenBy(process);
    return breakage.events?.(events, { store, process, time }) ?? events;
  };
  const routingOf = (process: SimulatedProcess): RoutingCache => {
    const calls = ["head", "changesAfter", "rows", "components"] as const;
    const cache = routingCache(surrounded(routing.table, calls, process.call), { maxRows: ROWS_CACHED });
    return breakage.routing?.(cache) ?? cache;
  };
  const portsOf: PortsOf = (process, batchOf, queue) => {
    const sound = versions.targetOf(process, batchOf);
    const events = eventsOf(process);
    const lane = embedded
      ? lapsedOneAtATime(sound, { ...process, close: events.close })
      : { target: inside.watched(sound), close: events.close };
    const target = breakage.target?.(lane.target) ?? lane.target;
    return {
      routing: routingOf(process),
      events: { ...events, close: lane.close },
      counter: deliveryCounter({
        events,
        now: process.now,
        ...(embedded && { whileIdle: process.delay }),
        newId: process.newId,
        onError: () => {},
      }),
      target: withCircuitBreakers(target, process),
      now: process.now,
      random: process.random,
      newId: breakage.newId ?? process.newId,
      delay: process.delay,
      report: () => {},
      onError: () => {},
      queue: distantQueue(process, queue),
    };
  };
  const frontDoor = simulatedFrontDoor(surroundings, history, {
    queue: breakage.keep === undefined ? live : { ...live, keep: breakage.keep },
    servers: scenario.routers,
    batchSize: scenario.batchSize,
    skewMs: scenario.skewMs,
    load: (process, batchOf) => portsOf(process, batchOf, live),
    accept: breakage.accept,
  });
  const publisher = simulatedPublisher(surroundings, live, frontDoor, scenario, history);
  const functions = startFunctions(surroundings, scenario, history, queues, portsOf, breakage);
  const sweeper = simulatedSchedule(surroundings, history, {
    name: "sweeper",
    everyMs: SWEEP_EVERY_MS,
    timeoutMs: SWEEP_TIMEOUT_MS,
    skewMs: scenario.skewMs,
    async run(process) {
      const ports = { events: eventsOf(process), queue: distantQueue(process, live), now: process.now };
      const { redelivered } = await sweep(ports, new Date(process.now().getTime() + SWEEP_TIMEOUT_MS));
      if (redelivered > 0) history.swept.push({ at: time.now(), process: process.id, redelivered });
    },
  });

  const replayer = simulatedReplayer(surroundings, history, {
    skewMs: scenario.skewMs,
    load(process, { pageSize }, batchOf) {
      const { queue: _, ...ports } = portsOf(process, batchOf, live);
      const sound: ReplayerPorts = {
        ...ports,
        events: inSmallPages(ports.events, pageSize),
        replays: distantReplayStore(surroundings, process, replays),
        catalog: { aliases: () => process.call("aliases", () => catalogOf(history)) },
        settleMs: FUNCTION_TIMEOUT_MS + 5 * SECOND,
      };
      return breakage.replayer?.(sound, { store, process, time, replays }) ?? sound;
    },
  });
  const replayOperators = replayOperator(surroundings, replays, scenario, history, replayer.drive);

  const isAtRest = () =>
    time.now() >= until &&
    publisher.isDone() &&
    replayOperators.isDone() &&
    live.messages.size + deadLetters.messages.size + outcomes.messages.size === 0 &&
    [versions, sweeper, frontDoor, ...functions].every(({ isIdle }) => isIdle()) &&
    ledger.isSettled();
  await time.run(START + scenario.endAt, isAtRest);
  const atRest = isAtRest();
  const listing = await listOf(ledger, time.now());
  for (const seen of history.replays) {
    const last = await replays.get(seen.name);
    if (last !== undefined) seen.last = last;
  }
  ledger.close();
  const queued = [...live.messages.values(), ...deadLetters.messages.values()].map(({ body }) => body);
  const simulatedMs = time.now() - START;
  return { history, listing, queued, atRest, tellsOrder: embedded, inside: inside.problems, simulatedMs };
}

type Queues = ReturnType<typeof simulatedQueues>;
type Ports = RouterPorts & { events: EventStore & RecordedClaims } & QueuePorts;
type PortsOf = (process: SimulatedProcess, batchOf: () => Batch | undefined, queue: StandardQueue) => Ports;

/** The live queue, its dead-letter queue, and the one for outcomes; each wakes its function. */
function simulatedQueues(
  surroundings: Surroundings,
  { maxReceiveCount, redriveAt, tellsOrder }: Scenario & Required<Pick<QueueOptions, "tellsOrder">>,
  history: History,
  acknowledged: (message: StoredMessage, others: StoredMessage[]) => void,
) {
  const { time } = surroundings;
  const wakes = new Map<string, () => void>();
  const onDeleted = (message: StoredMessage) =>
    acknowledged(message, [...live.messages.values(), ...deadLetters.messages.values()]);
  const queue = (name: string, more: Partial<QueueOptions>) =>
    standardQueue(surroundings, { name, onVisible: (at) => time.at(at, () => wakes.get(name)?.()), ...more });

  const deadLetters = queue("dead letters", { onDeleted, tellsOrder });
  const onGivenUp = ({ body }: StoredMessage) => void history.deadLettered.push({ at: time.now(), body });
  const live: StandardQueue = queue("live", { deadLetters, maxReceiveCount, tellsOrder, onDeleted, onGivenUp });
  // As it is deployed: what is refused so often is kept apart, for people to see.
  const outcomes = queue("outcomes", { maxReceiveCount: 10, deadLetters: queue("refused outcomes", {}) });
  if (redriveAt !== undefined) {
    time.at(START + redriveAt, () => {
      const messages = deadLetters.redrive(live);
      if (messages > 0) history.redriven.push({ at: time.now(), messages });
    });
  }
  return { live, deadLetters, outcomes, onVisible: (name: string, wake: () => void) => void wakes.set(name, wake) };
}

/** The functions behind the queues. */
function startFunctions(
  surroundings: Surroundings,
  { routers, batchSize, skewMs, deadLettersFrom }: Scenario,
  history: History,
  { live, deadLetters, outcomes, onVisible }: Queues,
  portsOf: PortsOf,
  breakage: Breakage,
): SimulatedFunction[] {
  const common = { batchSize: 10, timeoutMs: FUNCTION_TIMEOUT_MS, skewMs };
  const router = breakage.router ?? routerHandler;
  const consumer = breakage.deadLetters ?? deadLettersHandler;
  const teller = breakage.outcomes ?? outcomesHandler;
  const all: FunctionOptions[] = [
    {
      ...common,
      name: "router",
      queue: live,
      concurrency: routers,
      batchSize,
      deletesOnReceive: breakage.deletesOnReceive ?? false,
      load: (process, batchOf) => router(portsOf(process, batchOf, live)),
    },
    {
      ...common,
      name: "dead-letters",
      queue: deadLetters,
      concurrency: 1,
      from: START + deadLettersFrom,
      load: (process, batchOf) => consumer(portsOf(process, batchOf, deadLetters)),
    },
    {
      ...common,
      name: "outcomes",
      queue: outcomes,
      concurrency: 2,
      load: (process, batchOf) => teller(portsOf(process, batchOf, outcomes)),
    },
  ];
  return all.map((options) => {
    const started = simulatedFunction(surroundings, history, options);
    onVisible(options.queue.name, started.pump);
    return started;
  });
}

/** Each version is called after the alias that it stands behind. */
function catalogOf({ commits }: History): AliasedVersion[] {
  const aliases = commits.at(-1)?.routing.aliases.keys() ?? [];
  return [...aliases].map((alias) => ({ alias, version: `version of ${alias}` }));
}

/** A store that hands out few records at once, however many are asked for. */
function inSmallPages(events: EventStore, most: number): EventStore {
  return {
    ...events,
    records: (window, now, pageSize = most, after) => events.records(window, now, Math.min(pageSize, most), after),
  };
}

/** The operator's listing, as it would be read from right beside the store. */
async function listOf({ near }: Ledger, now: number): Promise<EventOutcome[]> {
  const window = { from: new Date(0), to: new Date(now + 1) };
  return (await Array.fromAsync(listEvents({ events: near }, window, {}, new Date(now)))).flat();
}
