import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { deadLettersHandler } from "../../functions/dead-letters.ts";
import { guardHandler } from "../../functions/guard.ts";
import { outcomesHandler } from "../../functions/outcomes.ts";
import { replayerHandler } from "../../functions/replayer.ts";
import { routerHandler } from "../../functions/router.ts";
import { moveSweeperHandler, sweeperHandler } from "../../functions/sweeper.ts";
import type { CircuitBreaker } from "../../shared/domain/deliveries/circuit-breaker.ts";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";
import type { EventEntry } from "../../shared/domain/events/event-entry.ts";
import { fairGroupOf } from "../../shared/domain/events/fair-group.ts";
import { deadDeliveryNotice } from "../../shared/domain/notices/dead-delivery-notice.ts";
import { replayEndedNotice } from "../../shared/domain/notices/replay-ended-notice.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { withCircuitBreakers } from "../../shared/flows/deliver/circuit-breakers.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { stuckMessages } from "../../shared/flows/deliver/stuck-messages.ts";
import { type KeptWrites, keptWrites, untilWritten } from "../../shared/flows/kept-writes.ts";
import { type RoutingCache, routingCache } from "../../shared/flows/routing-cache.ts";
import { releaseKeepers } from "../../shared/flows/watch/release-keepers.ts";
import { FREE_STUCK } from "../../shared/installation/examine-embedded.ts";
import { lockServer } from "../../shared/installation/server-lock.ts";
import type { EmbeddedSettings } from "../../shared/settings.ts";
import { quickCheck } from "../../shared/sqlite/quick-check.ts";
import { makeStateFolder } from "../../shared/sqlite/state-folder.ts";
import { onFirstUse, targetByKind } from "../../shared/targets/target-by-kind.ts";
import { asyncInvocations } from "../../shared/targets/worker/async-invocations.ts";
import { findWalls } from "../../shared/targets/worker/host-walls.ts";
import { expireLogs } from "../../shared/targets/worker/log-retention.ts";
import { lapsedOneAtATime } from "../../shared/targets/worker/one-at-a-time.ts";
import { workerTarget } from "../../shared/targets/worker/worker-target.ts";
import { startReplayDriver } from "./drive-replays.ts";
import { startFrontDoor } from "./front-door.ts";
import { metricLooks } from "./metric-looks.ts";
import { consoleOnFirstUse } from "./open-console.ts";
import { tellUnknownBuses } from "./put-events.ts";
import { drainQueue, startQueuePoller } from "./queue-poller.ts";
import { startSchedule } from "./schedule.ts";
import { serverMetrics } from "./server-metrics.ts";
import { openTelemetry, wantsTelemetry } from "./telemetry.ts";

/** How often deliveries are looked for whose time has come; a sweep takes no more after the timeout less 10 s. */
const SWEEP_EVERY_MS = 500;
const SWEEP_TIMEOUT_MS = 15_000;

/** How often moves of aliases are looked for that a crash has left unfinished. */
const FINISH_MOVES_EVERY_MS = 10_000;

/** How often what versions have printed is looked through for what is too old. */
const EXPIRE_LOGS_EVERY_MS = 3_600_000;

/** How often guards look, and releases go on: what they look at is stored every 5 s. */
const GUARD_EVERY_MS = 2_500;

/** On a busy machine it takes a while to count the ledger again. */
const GUARD_TIMEOUT_MS = 120_000;

/**
 * How long after its start a replay looks again for events that were claimed before: here claim and record are written
 * together, so that it is only a matter of a slow disk.
 */
const SETTLE_MS = 2_000;

const FOR_GOOD = new Date(8.64e15);

/** What waits for longer doesn't keep the process from ending; what is kept of a write waits a second at most. */
const SHORT_MS = 1_000;

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (ms > SHORT_MS) timer.unref();
  });
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
  const { settings, report, onError, now = () => new Date(), trustClock = false } = options;
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
    const state = openEmbeddedState(settings.home, { create: true, upgrade: true });
    closing.push(() => state.close());
    const { queue: live, deadLetters: dead, outcomes } = state;
    if (trustClock) await state.clock.trust(now());
    const clockProblem = state.clock.problem(now());
    if (clockProblem !== undefined && state.clock.isBehind(now())) throw clockProblem;
    if (clockProblem !== undefined) onError(clockProblem);
    await state.clock.observe(now(), performance.now());
    const check = await quickCheck(state.database, join(settings.home, "state.db"));
    closing.push(() => check.stop());
    const damage = state.database.trouble();
    if (damage !== undefined) throw damage;
    void check.done.then(() => {
      const found = state.database.trouble();
      if (found !== undefined) onError(found);
    });
    await Promise.all([live, dead, outcomes].map((queue) => queue.becomeOnlyConsumer()));

    const kept = keptWrites();
    const writes = { now, random: Math.random, delay, kept, until: () => (stopping ? now() : FOR_GOOD) };
    // What the last asynchronous invocations say when their workers are closed must still be stored.
    const telling = new Set<Promise<unknown>>();
    closing.push(() => Promise.allSettled(telling));
    const tell = (record: string, by: Date) => {
      const send = () => outcomes.send([record], now());
      const told = untilWritten(writes, send, by).finally(() => telling.delete(told));
      telling.add(told);
      return told;
    };
    const { resolve } = state.catalog;
    const logBytes = settings.logs && { logBytes: settings.logs.bytes };
    const workers = workerTarget({ resolve, logs: state.logs, ...logBytes, now, walls: await findWalls() });
    closing.push(() => workers.close());
    let closeHttp = async () => {};
    const http = onFirstUse(async () => {
      const [{ httpTarget }, { environmentSecret }] = await Promise.all([
        import("../../shared/targets/http/http-target.ts"),
        import("../../shared/targets/http/signing-secrets.ts"),
      ]);
      const target = httpTarget({ now, secretText: environmentSecret(process.env) });
      closeHttp = target.close;
      return target.send;
    });
    const lane = lapsedOneAtATime(targetByKind({ worker: workers.send, http }), {
      close: state.events.close,
      now,
      random: Math.random,
      delay,
    });
    const target = asyncInvocations({ run: lane.target, tell, now, delay, onError });
    const routing = routingCache(state.routingTable);
    const breakers = new Map<string, CircuitBreaker>();
    const looks = metricLooks(state, breakers, workers.hosts, now);
    const telemetry = wantsTelemetry(process.env) ? await openTelemetry(looks) : undefined;
    closing.push(() => telemetry?.close());
    const metrics = await serverMetrics({ ...looks, ...(telemetry && { telemetryDropped: telemetry.dropped }) });
    const notify = async (event: string) => void (await live.send([event], now()));
    const ports = withCounter({
      routing,
      events: { ...state.events, close: lane.close },
      target: withCircuitBreakers(target, { now, random: Math.random, breakers }),
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
    const ofOutcomes = { name: "turnout-outcomes", queue: outcomes, now, kept, onError };
    const takeOutcomes = outcomesHandler({ ...ports, queue: outcomes });
    // What versions had said when the last process ended counts; only what is still open after it was interrupted.
    await drainQueue({ ...ofOutcomes, handler: takeOutcomes });
    await state.events.endLeases(now());
    await state.replays.releaseDrivers();
    await releaseKeepers(state.watches);
    const poller = startQueuePoller({
      name: "turnout-router",
      queue: live,
      handler: routerHandler({ ...ports, queue: live }),
      now,
      kept,
      onError,
    });
    const deadPoller = startQueuePoller({
      name: "turnout-dead-letters",
      queue: dead,
      handler: deadLettersHandler({ ...ports, queue: dead }),
      now,
      kept,
      onError,
      pollMs: 1_000,
    });
    const outcomePoller = startQueuePoller({ ...ofOutcomes, handler: takeOutcomes });
    const sweep = sweeperHandler({ events: state.events, queue: live, now });
    const sweeper = startSchedule({
      name: "turnout-sweeper",
      handler: async (event, context) => {
        await state.clock.observe(now(), performance.now());
        return sweep(event, context);
      },
      everyMs: SWEEP_EVERY_MS,
      timeoutMs: SWEEP_TIMEOUT_MS,
      onError,
    });
    const moveSweeper = startSchedule({
      name: "turnout-move-sweeper",
      handler: moveSweeperHandler({ table: state.routingTable, catalog: state.catalog, newId: randomUUID, now }),
      everyMs: FINISH_MOVES_EVERY_MS,
      timeoutMs: SWEEP_TIMEOUT_MS,
      onError,
    });
    const guard = startSchedule({
      name: "turnout-guard",
      handler: guardHandler({
        ...state,
        // The driver of replays looks for itself, several times a second.
        callReplayer: async () => undefined,
        notify,
        now,
        random: Math.random,
        newId: randomUUID,
      }),
      everyMs: GUARD_EVERY_MS,
      timeoutMs: GUARD_TIMEOUT_MS,
      onError,
    });
    const logSweeper = startSchedule({
      name: "turnout-log-sweeper",
      handler: async () => settings.logs && expireLogs(state.logs, settings.logs.keptMs, now()),
      everyMs: EXPIRE_LOGS_EVERY_MS,
      timeoutMs: SWEEP_TIMEOUT_MS,
      onError,
    });
    const replayer = startReplayDriver({
      replays: state.replays,
      handler: replayerHandler({ ...ports, replays: state.replays, catalog: state.catalog, settleMs: SETTLE_MS }),
      async onEnded(name) {
        const replay = await state.replays.get(name);
        const notice = replay && replayEndedNotice(replay, now());
        if (notice !== undefined) await notify(notice);
      },
      onError,
    });
    // Side by side: what is under way ends because the versions' grace does, however long their events may take.
    closing.push(() =>
      Promise.all([
        workers.close(),
        closeHttp(),
        ...[replayer, guard, sweeper, moveSweeper, logSweeper, poller, deadPoller, outcomePoller].map((part) =>
          part.stop(),
        ),
      ]),
    );

    const door = await startFrontDoor({
      queue: live,
      port: settings.port,
      now,
      newId: randomUUID,
      groupsOf: fairGroups(routing),
      onAccepted(accepted, receivedAt) {
        poller.wake();
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
    return { state, url: door.url, port: door.port, wake: poller.wake, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws TurnoutError `failed` when the store takes no writes, or something waits longer than it should */
async function refuseTrouble(state: EmbeddedState, kept: KeptWrites, now: Date): Promise<void> {
  const trouble = state.database.trouble();
  if (trouble !== undefined) throw trouble;
  const waiting = kept.oldest();
  if (waiting !== undefined) {
    const { count, since, why } = waiting;
    const { message, remedies } = why instanceof TurnoutError ? why : { message: String(why), remedies: [] };
    const told = `${count} writes are tried again, the first since ${since.toISOString()}: ${message}`;
    throw new TurnoutError("failed", told, { remedies });
  }
  const stuck = await stuckMessages(state, now);
  if (stuck > 0) {
    throw new TurnoutError("failed", `${stuck} messages are stuck in flight: longer than any component may take.`, {
      remedies: [FREE_STUCK],
    });
  }
}

/** Whose events these are, as the publisher says, or at the paths of their source. */
function fairGroups(routing: RoutingCache) {
  return (entries: readonly EventEntry[]) =>
    routing.decideOn(({ rowOf }) =>
      entries.map(({ source, said }) => fairGroupOf(source, said, rowOf(`source#${source}`))),
    );
}
