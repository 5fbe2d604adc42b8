import { AsyncLocalStorage } from "node:async_hooks";
import { routerHandler } from "../../functions/router.ts";
import { startEventSource } from "../../scripts/embedded/event-source.ts";
import { eventKeyOf } from "../../shared/domain/delivery-key.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { sqliteRoutingTable } from "../../shared/routing-table/sqlite-routing-table.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import type { Target } from "../../shared/targets/target.ts";
import { surrounded } from "../support/port-calls.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { invariants } from "./invariants.ts";
import { type Published, publish, type Scenario } from "./scenario.ts";
import { simulatedConsumer } from "./simulated-consumer.ts";
import { simulatedOperator } from "./simulated-operator.ts";
import { simulatedQueue } from "./simulated-queue.ts";
import { simulatedTime } from "./simulated-time.ts";
import { stepByStep } from "./step-by-step.ts";
import { InjectedFault, simulatedProcess } from "./trouble.ts";

const CALM = { fails: 0, crashes: 0 };

/**
 * Runs routers on one store and one queue until all is at rest. The same scenario runs the same way every time. Returns
 * what went against the design's invariants; nothing when all held.
 */
export async function simulate(scenario: Scenario): Promise<{ problems: string[]; statuses: string[]; steps: number }> {
  const random = seededRandom(scenario.seed);
  const time = simulatedTime();
  const steps = stepByStep(time, random);
  const database = openDatabase(":memory:");
  const table = sqliteRoutingTable(database);
  const store = sqliteEventStore(database);
  const operator = await simulatedOperator(table, time, steps);
  const check = invariants(store, operator.aliasAt);

  const batch = new AsyncLocalStorage<{ revisionAtStart: number }>();
  const consumer = simulatedConsumer(time, random, async (event, send) => {
    check.routed(event, send, batch.getStore()?.revisionAtStart ?? Number.POSITIVE_INFINITY);
    await check.run(event, eventKeyOf(event.source, event["detail-type"], event.turnout.idempotencyKey));
  });

  const published = new Map<string, Published>();
  const queue = simulatedQueue({
    onVisibleAt: (at) => void time.delay(at - time.now().getTime()).then(wakeAll),
    onDeleted: (messageId) => check.acknowledged(published.get(messageId) as Published),
    staysVisible: () => random() < 0.05,
  });
  const sources = new Set<ReturnType<typeof startEventSource>>();
  const wakeAll = () => {
    for (const source of sources) source.wake();
  };

  let ids = 0;
  function startRouter(): void {
    const trouble = () => (steps.steps() < scenario.calmAfter ? scenario.trouble : CALM);
    const { around, moment } = simulatedProcess(steps, random, trouble, () => {
      sources.delete(source);
      void source.stop();
      void time.delay(Math.floor(random() * 20_000)).then(startRouter);
    });
    const distantQueue = surrounded(queue, ["receive", "delete", "changeVisibility"], around);
    const target: Target = async (send) => {
      await moment("a send never arrived");
      const result = await consumer.run(send);
      await moment("a send never answered");
      return result;
    };
    const handler = routerHandler({
      routing: routingCache(surrounded(table, ["head", "changesAfter", "rows", "components"], around), 5),
      events: surrounded(store, ["claim", "record", "close", "reject"], around),
      target,
      queue: distantQueue,
      now: time.now,
      random,
      newId: () => `id-${++ids}`,
      delay: time.delay,
      report: () => {},
    });
    const source = startEventSource({
      queue: distantQueue,
      handler: (event, context) => batch.run({ revisionAtStart: operator.answered() }, () => handler(event, context)),
      now: time.now,
      onError: (error) => {
        if (!(error instanceof InjectedFault)) check.wrong(`a router failed: ${error}`);
        // Instead of the event source's own polling, which would wait for real time.
        void time.delay(50).then(wakeAll);
      },
      batchSize: 4,
      maxInFlight: 12,
      visibilityMs: 60_000,
      pollMs: 2 ** 31 - 1,
    });
    sources.add(source);
  }

  for (const [index, planned] of scenario.events.entries()) {
    void time.delay(planned.at).then(async () => {
      const message = publish(planned, index, time.now());
      const [messageId = ""] = await queue.send([message.body], message.sentAt);
      published.set(messageId, message);
    });
  }
  void operator.work(scenario.pins);
  for (let router = 0; router < scenario.routers; router++) startRouter();

  await steps.untilIdle();
  for (const source of sources) await source.stop();
  if (published.size !== scenario.events.length) check.wrong("not everything was published");
  for (const messageId of Object.keys(queue.visibleAt())) check.wrong(`${messageId} was never acknowledged`);
  for (const overlap of consumer.overlaps) check.wrong(`two routers ran ${overlap} at the same time`);
  const entries = await check.atRest(published.values(), consumer.effects);
  database.close();
  return { problems: check.problems, statuses: entries.map(({ status }) => status), steps: steps.steps() };
}
