import { randomUUID } from "node:crypto";
import type { CircuitBreaker } from "../../shared/domain/deliveries/circuit-breaker.ts";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import { fairGroupOf } from "../../shared/domain/events/fair-group.ts";
import { deadDeliveryNotice } from "../../shared/domain/notices/dead-delivery-notice.ts";
import { withCircuitBreakers } from "../../shared/flows/deliver/circuit-breakers.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { keptWrites } from "../../shared/flows/kept-writes.ts";
import { type RoutingCache, routingCache } from "../../shared/flows/routing-cache.ts";
import { lockServer } from "../../shared/installation/server-lock.ts";
import type { EmbeddedSettings } from "../../shared/settings.ts";
import { makeStateFolder } from "../../shared/sqlite/state-folder.ts";
import type { Arrival } from "./arrival.ts";
import { startFrontDoor } from "./front-door.ts";
import { metricLooks } from "./metric-looks.ts";
import { consoleOnFirstUse } from "./open-console.ts";
import { tellUnknownBuses } from "./put-events.ts";
import { putEventsReader } from "./put-events-reader.ts";
import { routeArrivals } from "./route-arrivals.ts";
import { serverMetrics } from "./server-metrics.ts";
import { openServerState, refuseTrouble } from "./server-state.ts";
import { openServerTargets } from "./server-targets.ts";
import { startServerWork } from "./server-work.ts";
import { openTelemetry, wantsTelemetry } from "./telemetry.ts";

const FOR_GOOD = new Date(8.64e15);

/** What waits for longer doesn't keep the process from ending; what is kept of a write waits a second at most. */
const SHORT_MS = 1_000;

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (ms > SHORT_MS) timer.unref();
  });
}

/** One date for all who ask within a millisecond: an event asks some ten times, and nobody changes a date. */
function machineClock(): () => Date {
  let last = new Date();
  return () => {
    const ms = Date.now();
    if (ms !== last.getTime()) last = new Date(ms);
    return last;
  };
}

/** A running Turnout: front door, queue and router in this process, each version in a host of its own. */
export type Runtime = Awaited<ReturnType<typeof startRuntime>>;

export type RuntimeOptions = {
  settings: Pick<EmbeddedSettings, "home" | "port"> & Partial<Pick<EmbeddedSettings, "logs">>;
  report: (report: DeliveryReport) => void;
  onError: (error: unknown) => void;
  /** Default: the machine's clock. */
  now?: () => Date;
  /** Takes the clock as right though the state was in use at another time. */
  trustClock?: boolean;
};

/**
 * Starts everything on one state folder. Whatever a process that was killed left claimed or hidden is taken up at
 * once: the lock proves that nobody else holds it.
 * @throws TurnoutError when the folder is in use or can't be written, or the port is taken
 */
export async function startRuntime(options: RuntimeOptions) {
  const { settings, report, onError, now = machineClock(), trustClock = false } = options;
  makeStateFolder(settings.home);
  // Before the state is opened: an older one is brought up to date by whoever has it alone.
  const lock = lockServer(settings.home);
  const closing: (() => unknown)[] = [() => lock.release()];
  let stopping = false;
  const close = async () => {
    // What is kept of failed writes gets one more try.
    stopping = true;
    for (const step of closing.reverse()) await step();
  };
  try {
    const { state, close: closeState } = await openServerState(settings.home, { now, trustClock, onError });
    closing.push(closeState);
    const { queue: live } = state;
    const kept = keptWrites();
    const writes = { now, random: Math.random, delay, kept, until: () => (stopping ? now() : FOR_GOOD) };
    const logBytes = settings.logs && { logBytes: settings.logs.bytes };
    const targets = await openServerTargets(state, { ...writes, ...logBytes, onError });
    closing.push(targets.told, targets.close);
    const routing = routingCache(state.routingTable, { readLeases: state.laptops.leases });
    const breakers = new Map<string, CircuitBreaker>();
    const looks = metricLooks(state, breakers, targets.hosts, now);
    const telemetry = wantsTelemetry(process.env) ? await openTelemetry(looks) : undefined;
    closing.push(() => telemetry?.close());
    const metrics = await serverMetrics({ ...looks, ...(telemetry && { telemetryDropped: telemetry.dropped }) });
    const notify = async (event: string) => void (await live.send([event], now()));
    const ports = withCounter({
      routing,
      events: { ...state.events, close: targets.closeEntries },
      target: withCircuitBreakers(targets.target, { now, random: Math.random, breakers }),
      ...writes,
      whileIdle: delay,
      newId: randomUUID,
      report(delivery: DeliveryReport) {
        metrics.reported(delivery);
        telemetry?.reported(delivery);
        report(delivery);
        const notice = deadDeliveryNotice(delivery);
        if (notice !== undefined) void notify(notice).catch(onError);
      },
      onCounted: metrics.counted,
      onError,
    });
    closing.push(() => ports.counter.flush());
    const about = { kept, logs: settings.logs, random: Math.random, newId: randomUUID, notify, onError };
    const work = await startServerWork(state, { ports, ...about });
    // Side by side: what is under way ends because the versions' grace does, however long their events may take.
    closing.push(() => Promise.all([targets.close(), work.stop()]));

    const reader = putEventsReader({ newId: randomUUID, onError });
    closing.push(reader.close);
    const door = await startFrontDoor({
      queue: live,
      port: settings.port,
      now,
      newId: randomUUID,
      readPutEvents: reader.read,
      groupsOf: fairGroups(routing),
      onQueued: work.wake,
      routeOnArrival: routeArrivals({ ...ports, queue: live }, work),
      onAccepted(accepted, receivedAt) {
        if (telemetry !== undefined) for (const each of accepted) telemetry.published(each, receivedAt, now());
      },
      onUnknownBus: tellUnknownBuses(onError),
      console: consoleOnFirstUse(state, { now, onError }),
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
      health: async () => {
        await refuseTrouble(state, kept, now());
        const clock = state.clock.problem(now());
        if (clock !== undefined && state.clock.isBehind(now())) throw clock;
        const revision = await state.routingTable.head();
        const lost = telemetry?.dropped() ?? 0;
        const doubts = { ...(clock && { clock: clock.message }), ...(lost > 0 && { lost_spans: lost }) };
        return { status: "ok", revision, queue: await live.depth(now()), ...doubts };
      },
    });
    closing.push(() => door.stop());
    lock.announce(door.port);
    return { state, url: door.url, port: door.port, wake: work.wake, inFlight: work.inFlight, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whose events these are, as the publisher says, or at the paths of their source. */
function fairGroups(routing: RoutingCache) {
  return (arrivals: readonly Arrival[]) =>
    routing.decideOn(({ rowOf }) =>
      arrivals.map(({ event, metadata }) => fairGroupOf(event, rowOf(`source#${event.source}`), metadata)),
    );
}
