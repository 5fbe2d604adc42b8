import { AsyncLocalStorage } from "node:async_hooks";
import { routerHandler } from "../../functions/router.ts";
import { startEventSource } from "../../scripts/embedded/event-source.ts";
import { isAtRest } from "../../shared/domain/delivery.ts";
import { deliveryKeyOf, eventKeyOf, LIVE, payloadHashOf } from "../../shared/domain/delivery-key.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { sqliteRoutingTable } from "../../shared/routing-table/sqlite-routing-table.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import type { Send } from "../../shared/targets/target.ts";
import { aComponent, anEvent, aPin, aSubjectRow, bodyOf } from "../support/builders.ts";
import { surrounded } from "../support/port-calls.ts";
import { putRows } from "../support/router.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type Delivered, simulatedConsumer } from "./simulated-consumer.ts";
import { simulatedQueue } from "./simulated-queue.ts";
import { simulatedTime } from "./simulated-time.ts";
import { stepByStep } from "./step-by-step.ts";
import { InjectedFault, simulatedProcess, type Trouble } from "./trouble.ts";

export type Scenario = {
  seed: number;
  /** What is published and when, in ms. The same key with another payload must never run. */
  events: { at: number; key: number; payload: number; project: number; kind: EventKind }[];
  /** What the operator does. `gone` is no alias of the components; null takes the pin away. */
  pins: { at: number; project: number; alias: "beta" | "gone" | null }[];
  routers: number;
  trouble: Trouble;
  /** After that many steps nothing fails any more, but the consumer. */
  calmAfter: number;
};
export type EventKind = "order placed" | "order paid" | "stock counted" | "unreadable";

const retry = { maxAttempts: 4, baseDelayMs: 500 };
const components = [
  aComponent({ name: "invoice", pattern: { "detail-type": ["order placed", "order paid"] }, timeoutMs: 3_000, retry }),
  aComponent({ name: "mailer", pattern: { "detail-type": ["order placed"] }, timeoutMs: 1_000, retry }),
];
const listening = (kind: EventKind) =>
  components.filter(({ pattern }) => [pattern["detail-type"]].flat().includes(kind));

/**
 * Runs routers, each a process with an event source and a cache of its own, on one store and one queue until all is at
 * rest. Returns what went against the design's invariants, in words; nothing when all held.
 */
export async function simulate(scenario: Scenario): Promise<{ problems: string[]; statuses: string[]; steps: number }> {
  const random = seededRandom(scenario.seed);
  const time = simulatedTime();
  const steps = stepByStep(time, random);
  const database = openDatabase(":memory:");
  const table = sqliteRoutingTable(database);
  const store = sqliteEventStore(database);
  const problems: string[] = [];
  const wrong = (problem: string) => void problems.push(problem);

  const { queue, visibleAt } = simulatedQueue({
    onVisibleAt: (at) => void time.delay(at - time.now().getTime()).then(wakeAll),
    staysVisible: () => random() < 0.05,
  });

  // The routing as it was at each revision, and the newest that its operator has an answer for.
  const pinsAt: ReadonlyMap<string, string>[] = [new Map(), new Map()];
  let answered = 1;
  await putRows(table, Object.fromEntries(components.map((component) => [`component#${component.name}`, component])));
  const batch = new AsyncLocalStorage<{ revisionAtStart: number }>();

  const attempts = new Map<string, number>();
  const consumer = simulatedConsumer(time, random, checkRun);

  async function checkRun(event: Delivered, send: Send): Promise<void> {
    const { turnout } = event;
    const key = keyOf(event, turnout.idempotencyKey);
    const delivery = deliveryKeyOf(turnout.component, key, turnout.generation);
    const entry = (await store.deliveriesOf([key])).get(key)?.find(({ deliveryKey }) => deliveryKey === delivery);
    if (entry === undefined) return wrong(`${delivery} ran without a claim`);
    if (entry.status !== "claimed" || entry.attempt !== turnout.attempt) {
      wrong(`attempt ${turnout.attempt} of ${delivery} ran, but the ledger has ${entry.status}, ${entry.attempt}`);
    }
    const before = attempts.get(delivery) ?? 0;
    if (turnout.attempt <= before) wrong(`attempt ${turnout.attempt} of ${delivery} ran after attempt ${before}`);
    attempts.set(delivery, turnout.attempt);

    const { turnout: _, ...published } = event;
    const hash = payloadHashOf(published as typeof event, bodyOf(published as typeof event));
    if (hash !== entry.payloadHash) wrong(`${delivery} ran with another payload`);
    if (!(await recordsAt(entry.t0)).some((record) => record.eventKey === key && record.payloadHash === hash)) {
      wrong(`${delivery} ran before the event that it counts by was recorded`);
    }

    const atStart = batch.getStore()?.revisionAtStart ?? Number.POSITIVE_INFINITY;
    if (turnout.routingRevision < atStart) {
      wrong(`${delivery} was routed by revision ${turnout.routingRevision}, but ${atStart} came before its batch`);
    }
    const pinned = pinsAt[turnout.routingRevision]?.get(turnout.subject.project ?? "");
    const decided = pinned === "beta" ? "beta" : "stable";
    if (send.alias !== decided) wrong(`${delivery} went to ${send.alias} instead of ${decided}`);
  }

  const recordsAt = async (t0: Date) =>
    (await Array.fromAsync(store.records({ from: t0, to: new Date(t0.getTime() + 1) }))).flat();

  /** What may be said of every message that a router has acknowledged: it is stored, and its deliveries are at rest. */
  async function checkAcknowledged(message: Published): Promise<void> {
    const records = await recordsAt(message.sentAt);
    const { event, body } = message;
    if (event === undefined) {
      if (!records.some((record) => record.body === body && record.rejected !== undefined))
        wrong("unreadable text was lost");
      return;
    }
    const key = keyOf(event, String(message.idempotencyKey));
    const hash = payloadHashOf(event, body);
    if (!records.some((record) => record.eventKey === key && record.payloadHash === hash)) wrong(`${body} was lost`);
    const entries = (await store.deliveriesOf([key])).get(key) ?? [];
    for (const { name } of listening(message.kind)) {
      const delivery = deliveryKeyOf(name, key, LIVE);
      const entry = entries.find(({ deliveryKey }) => deliveryKey === delivery);
      const own =
        entry?.payloadHash === hash ? entry : entries.find(({ deliveryKey }) => deliveryKey === `${delivery}#${hash}`);
      if (own === undefined || !isAtRest(own.status)) wrong(`${body} was acknowledged with ${own?.status} for ${name}`);
      if (own?.payloadHash !== hash) wrong(`${body} was acknowledged for another payload`);
    }
  }

  // Processes.
  const sources = new Set<ReturnType<typeof startEventSource>>();
  const wakeAll = () => {
    for (const source of sources) source.wake();
  };
  let ids = 0;
  const trouble = () => (steps.steps() < scenario.calmAfter ? scenario.trouble : { fails: 0, crashes: 0 });

  function startRouter(): void {
    const process = simulatedProcess(steps, random, trouble, () => {
      sources.delete(source);
      void source.stop();
      void time.delay(Math.floor(random() * 20_000)).then(startRouter);
    });
    const { around, moment } = process;
    const watched = surrounded(queue, ["delete"], async (_, work) => {
      const before = new Set(Object.keys(visibleAt()));
      const value = await work();
      const gone = [...before.difference(new Set(Object.keys(visibleAt())))];
      for (const messageId of gone) await checkAcknowledged(published.get(messageId) as Published);
      return value;
    });
    const distant = surrounded(watched, ["receive", "delete", "changeVisibility"], around);
    const handler = routerHandler({
      routing: routingCache(surrounded(table, ["head", "changesAfter", "rows", "components"], around), 5),
      events: surrounded(store, ["claim", "record", "close", "reject"], around),
      async target(send) {
        await moment("a send never arrived");
        const result = await consumer.run(send);
        await moment("a send never answered");
        return result;
      },
      queue: distant,
      now: time.now,
      random,
      newId: () => `id-${++ids}`,
      delay: time.delay,
      report: () => {},
    });
    const source = startEventSource({
      queue: distant,
      handler: (event, context) => batch.run({ revisionAtStart: answered }, () => handler(event, context)),
      now: time.now,
      onError: (error) => {
        if (!(error instanceof InjectedFault)) wrong(`a router failed: ${error}`);
        // The event source's own polling, which waits for real time.
        void time.delay(50).then(wakeAll);
      },
      batchSize: 4,
      maxInFlight: 12,
      visibilityMs: 60_000,
      // As good as never: whatever becomes visible wakes the routers.
      pollMs: 2 ** 31 - 1,
    });
    sources.add(source);
  }

  // Publishers and operator, who only wait for their time.
  const published = new Map<string, Published>();
  for (const { at, kind, ...about } of scenario.events) {
    const event = kind === "unreadable" ? undefined : eventOf(kind, about, published.size);
    const body = event === undefined ? `unreadable ${about.key}` : bodyOf(event);
    void time.delay(at).then(async () => {
      const sentAt = time.now();
      const [messageId = ""] = await queue.send([body], sentAt);
      const idempotencyKey = event === undefined ? undefined : `${kind} ${about.key}`;
      published.set(messageId, { kind, body, sentAt, event, idempotencyKey });
    });
  }
  async function operate(): Promise<void> {
    for (const { at, project, alias } of scenario.pins) {
      await time.delay(at);
      await steps.turn();
      const pins = new Map(pinsAt.at(-1));
      if (alias === null) pins.delete(`project-${project}`);
      else pins.set(`project-${project}`, alias);
      pinsAt.push(pins);
      const pinned = Object.fromEntries(components.map(({ name }) => [name, aPin({ alias: alias ?? "" })]));
      const row = alias === null ? null : aSubjectRow({ pins: pinned });
      await steps.work(() => putRows(table, { [`project#project-${project}`]: row }));
      await steps.turn();
      answered = pinsAt.length - 1;
    }
  }

  for (let router = 0; router < scenario.routers; router++) startRouter();
  void operate();
  await steps.untilIdle();
  for (const source of sources) await source.stop();

  // At rest.
  for (const messageId of Object.keys(visibleAt())) wrong(`${messageId} was never acknowledged`);
  if (published.size !== scenario.events.length) wrong("not everything was published");
  const keys = new Set(
    [...published.values()].flatMap((m) => (m.event ? [keyOf(m.event, String(m.idempotencyKey))] : [])),
  );
  const entries = [...(await store.deliveriesOf([...keys])).values()].flat();
  for (const { deliveryKey, status, failures } of entries) {
    if (!isAtRest(status)) wrong(`${deliveryKey} ends ${status}`);
    if (status === "dead" && failures < retry.maxAttempts) wrong(`${deliveryKey} is dead after ${failures} failures`);
  }
  const done = entries.filter(({ status }) => status === "done").length;
  for (const message of published.values()) {
    for (const { name } of message.idempotencyKey === undefined ? [] : listening(message.kind)) {
      const effect = consumer.effects.has(`${name} ${message.idempotencyKey} ${LIVE}`);
      const key = message.event && keyOf(message.event, String(message.idempotencyKey));
      const status = entries.find(({ deliveryKey }) => deliveryKey === deliveryKeyOf(name, String(key), LIVE))?.status;
      if (status === "done" && !effect) wrong(`${message.idempotencyKey} is done at ${name}, but had no effect`);
    }
  }
  if (consumer.effects.size < done) wrong("fewer effects than deliveries done");
  for (const overlap of consumer.overlaps) wrong(`two routers ran ${overlap} at the same time`);
  database.close();
  return { problems, statuses: entries.map(({ status }) => status), steps: steps.steps() };
}

type Published = {
  kind: EventKind;
  body: string;
  sentAt: Date;
  event: ReturnType<typeof anEvent> | undefined;
  idempotencyKey: string | undefined;
};

function eventOf(detailType: string, about: { key: number; payload: number; project: number }, index: number) {
  return anEvent({
    id: `event-${index}-${about.key}`,
    detailType,
    idempotencyKey: `${detailType} ${about.key}`,
    project: `project-${about.project}`,
    detail: { payload: about.payload },
  });
}

function keyOf(event: { source: string; "detail-type": string }, idempotencyKey: string): string {
  return eventKeyOf(event.source, event["detail-type"], idempotencyKey);
}
