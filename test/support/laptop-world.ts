import type { InboxItem } from "../../shared/domain/deliveries/inbox-item.ts";
import type { LeaseClaim } from "../../shared/domain/routing/laptop-lease.ts";
import type { EventQueue } from "../../shared/event-queue/event-queue.ts";
import { sqliteEventQueue } from "../../shared/event-queue/sqlite-event-queue.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import type { RouterPorts } from "../../shared/flows/deliver/router-ports.ts";
import { sweep } from "../../shared/flows/deliver/sweep.ts";
import { takeOutcomes } from "../../shared/flows/deliver/take-outcomes.ts";
import { type ListenerPorts, type ListenerSaid, laptopListener } from "../../shared/flows/listen/laptop-listener.ts";
import { sweepInboxes } from "../../shared/flows/listen/sweep-inboxes.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { LaptopStore } from "../../shared/laptop-store/laptop-store.ts";
import { sqliteLaptopStore } from "../../shared/laptop-store/sqlite-laptop-store.ts";
import { laptopTarget } from "../../shared/targets/laptop-target.ts";
import type { Send, SendResult } from "../../shared/targets/target.ts";
import { targetByKind } from "../../shared/targets/target-by-kind.ts";
import { aComponent, anEvent, aPin, aSubjectRow, bodyOf } from "./builders.ts";
import { nextTurn } from "./port-calls.ts";
import { aRouter, done, turnoutOf } from "./router.ts";

export const ALIAS = "laptop-ada";
export const COMPONENT = "mailer";

/** What ran where: the key that a consumer dedups on, and the alias. */
export type Effect = { key: string; at: string };

export type WorldOptions = {
  /** Leaves the inboxes of laptops that are gone alone. */
  neverSwept?: boolean;
  /** Puts something else in the place of the store, to break it. */
  laptopsAs?: (store: LaptopStore) => LaptopStore;
};

/**
 * A server and its laptops on SQLite in memory, with time in the test's hand. Customer acme is pinned to ada's laptop, and
 * everybody else goes to stable. Code on a laptop ends when it is told to.
 */
export async function aLaptopWorld({ laptopsAs = (store) => store, neverSwept = false }: WorldOptions = {}) {
  const component = aComponent({
    name: COMPONENT,
    aliases: { stable: { target: { kind: "worker" } }, [ALIAS]: { target: { kind: "laptop" } } },
  });
  const rows = { "customer#acme": aSubjectRow({ pins: { [COMPONENT]: aPin({ alias: ALIAS }) } }) };
  const router = await aRouter({ components: [component], rows });
  const { time, table, database } = router;
  const laptops = laptopsAs(sqliteLaptopStore(database));
  const live = sqliteEventQueue(database);
  const outcomes = sqliteEventQueue(database, { name: "outcomes" });
  const effects: Effect[] = [];

  async function onStable(send: Send): Promise<SendResult> {
    effects.push({ key: String(turnoutOf(send).idempotencyKey), at: "stable" });
    return done;
  }
  const ports: RouterPorts = {
    ...router.ports,
    routing: routingCache(table, { readLeases: laptops.leases }),
    target: targetByKind({ worker: onStable, laptop: laptopTarget({ laptops, now: time.now }) }),
  };

  async function drain(
    queue: EventQueue,
    work: (messages: Awaited<ReturnType<EventQueue["receive"]>>) => Promise<void>,
  ) {
    for (;;) {
      const messages = await queue.receive(10, 60_000, time.now());
      if (messages.length === 0) return;
      await work(messages);
    }
  }

  async function route(): Promise<void> {
    await drain(live, async (messages) => {
      const back = await routeBatch(ports, messages);
      const returned = new Set(back.map(({ message }) => message.messageId));
      for (const { message, retryInMs } of back)
        await live.changeVisibility(message.receiptHandle, retryInMs, time.now());
      await live.delete(messages.flatMap((one) => (returned.has(one.messageId) ? [] : [one.receiptHandle])));
    });
  }

  async function hearOutcomes(): Promise<void> {
    await drain(outcomes, async (messages) => {
      await takeOutcomes(ports, messages);
      await outcomes.delete(messages.map(({ receiptHandle }) => receiptHandle));
    });
  }

  /** What the server does all the time: once, in its order. */
  async function serverGoesOn(): Promise<void> {
    await route();
    await hearOutcomes();
    if (!neverSwept) await sweepInboxes({ laptops, outcomes, now: time.now });
    await hearOutcomes();
    await sweep({ events: router.events, queue: live, now: time.now }, new Date(time.now().getTime() + 1_000));
    await route();
  }

  /** Another `turnout listen`, which runs an event until its code is told to end. */
  function aLaptop(session: string, about: Partial<ListenerPorts> = {}) {
    const claim: LeaseClaim = { component: COMPONENT, alias: ALIAS, session, owner: `${session} on a laptop` };
    const said: ListenerSaid[] = [];
    const running: { item: InboxItem; end: (result: SendResult) => void }[] = [];
    const listener = laptopListener(
      {
        laptops,
        events: router.events,
        outcomes,
        now: time.now,
        delay: time.delay,
        run: ({ item }) =>
          new Promise((resolve) => {
            effects.push({ key: item.turnout.idempotencyKey, at: session });
            running.push({ item, end: resolve });
          }),
        tell: (one) => void said.push(one),
        ...about,
      },
      claim,
      ALIAS,
    );
    return {
      listener,
      claim,
      said: () => said.map((one) => one.said),
      saidLast: () => said.at(-1),
      running,
      /** The code answers for what has been running for longest. */
      async answer(result: SendResult = done): Promise<void> {
        running.shift()?.end(result);
        for (let turn = 0; turn < 5; turn++) await nextTurn();
      },
    };
  }

  async function publish(id: string, customer = "acme"): Promise<void> {
    await live.send([bodyOf(anEvent({ id, idempotencyKey: id, customer }))], time.now());
  }

  return { ...router, ports, laptops, live, outcomes, effects, publish, route, hearOutcomes, serverGoesOn, aLaptop };
}
