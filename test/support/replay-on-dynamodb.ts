import { randomUUID } from "node:crypto";
import type { Context, SQSEvent } from "aws-lambda";
import { expect, onTestFinished } from "vitest";
import { replayerHandler } from "../../functions/replayer.ts";
import { routerHandler } from "../../functions/router.ts";
import { sweeperHandler } from "../../functions/sweeper.ts";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import type { ShardSchedule } from "../../shared/domain/deliveries/shard-schedule.ts";
import { noCounts, type Replay } from "../../shared/domain/replays/replay.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import type { OutgoingMessage } from "../../shared/event-queue/event-queue.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { planReplay } from "../../shared/flows/replay/plan-replay.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import { type NewReplay, startReplay } from "../../shared/flows/replay/start-replay.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { dynamodbReplayStore } from "../../shared/replay-store/dynamodb-replay-store.ts";
import { lambdaTarget } from "../../shared/targets/lambda-target.ts";
import { aNewEventStore, anEventStore } from "./dynamodb-event-store.ts";
import { dynamodbClient } from "./dynamodb-local.ts";
import { aNewRoutingTable, aRoutingTable } from "./dynamodb-routing.ts";
import { type Invocation, type InvocationAnswer, lambdaClient, lambdaStub } from "./lambda-stub.ts";
import { noLaptops } from "./no-laptops.ts";
import { type Around, surrounded } from "./port-calls.ts";

/** How long after its start a replay looks again, in these tests. */
const SETTLE_MS = 35_000;

/** A replayer waits no longer for its turn to begin something. */
const MAX_PACE_MS = 1_000;

/** A queue's message: the event's text, and when it was sent. */
export type Sent = { body: string; sentAt: Date };

export type AboutInstallation = {
  start: Date;
  recordShards: ShardSchedule;
  edits: readonly RoutingEdit[];
  /** Versions behind the aliases. */
  versions: Record<string, string>;
  answer: (sent: Invocation) => InvocationAnswer | Promise<InvocationAnswer>;
};

export type ReplayerInstance = {
  /** Calls the handler as a state machine does; it is told of little time left when it has asked so often. */
  call(name: string, asks?: number): Promise<{ ended: boolean; waitSeconds: number }>;
};

/** Both tables on DynamoDB Local and a Lambda stub, with a clock in the test's hand; every handler on real SDK clients. */
export async function replayInstallation(endpoint: string, about: AboutInstallation) {
  const { start, recordShards, edits, versions, answer } = about;
  const [{ table, tableName: routingName }, { store: events, tableName, bodies }, lambda] = await Promise.all([
    aNewRoutingTable(endpoint),
    aNewEventStore(endpoint, { recordShards }),
    lambdaStub(answer),
  ]);
  let now = start;
  const at = () => now;
  const pass = (ms: number) => {
    now = new Date(now.getTime() + ms);
  };
  const change = async (edit: RoutingEdit): Promise<void> => {
    const meta = { changeId: randomUUID(), at: start, who: "ada", why: "a test", command: "test" };
    await changeRoutes(table, { edit, ...meta });
  };
  for (const edit of edits) await change(edit);
  const replays = replayStore(endpoint, tableName);
  const common = {
    now: at,
    random: () => 0.999,
    newId: () => randomUUID(),
    report: () => {},
  };
  const router = routerHandler(
    withCounter({
      ...common,
      routing: routingCache(table),
      events,
      target: lambdaTarget({ client: lambdaClient(lambda.endpoint), now: at }),
      // The only wait is that of closes for their neighbours.
      delay: () => new Promise(() => {}),
      onError: (error) => expect.fail(String(error)),
      queue: { changeVisibility: async () => {} },
    }),
  );

  /** Routes messages, ten at a time, each batch when its last one was sent; what comes back is routed a minute later. */
  async function route(messages: readonly Sent[]): Promise<void> {
    let left = messages.map((message, n) => ({ ...message, messageId: `message-${n}`, receiveCount: 1 }));
    while (left.length > 0) {
      const batch = left.splice(0, 10);
      now = new Date(Math.max(now.getTime(), ...batch.map(({ sentAt }) => sentAt.getTime())));
      const { batchItemFailures } = await router(
        { Records: batch.map(recordOf) } as SQSEvent,
        { getRemainingTimeInMillis: () => 60_000 } as Context,
      );
      if (batchItemFailures.length === 0) continue;
      const back = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      const returned = batch.filter(({ messageId }) => back.has(messageId));
      left = [...left, ...returned.map((message) => ({ ...message, receiveCount: message.receiveCount + 1 }))];
      pass(60_000);
    }
  }

  /** Sends again what is due, and routes it. */
  async function sweep(): Promise<void> {
    const found: Sent[] = [];
    const send = async (messages: readonly OutgoingMessage[]) => {
      found.push(...messages.map((one) => ({ body: typeof one === "string" ? one : one.body, sentAt: now })));
      return messages.map(() => randomUUID());
    };
    const context = { getRemainingTimeInMillis: () => 60_000 } as Context;
    await sweeperHandler({ ...noLaptops, events, queue: { send }, now: at })({}, context);
    await route(found);
  }

  /** @param through a proxy in front of DynamoDB @param around about every call that it makes of the outside */
  function aReplayer(through = endpoint, around: Around = (_, work) => work()): ReplayerInstance {
    const store = anEventStore(through, tableName, { recordShards, bodies }).store;
    const target = lambdaTarget({ client: lambdaClient(lambda.endpoint), now: at });
    const ports: ReplayerPorts = withCounter({
      ...common,
      routing: routingCache(
        surrounded(aRoutingTable(through, routingName).table, ["head", "changesAfter", "rows", "components"], around),
      ),
      events: surrounded(store, ["record", "find", "claim", "close", "release", "deliveries"], around),
      replays: surrounded(replayStore(through, tableName), ["get", "update", "list"], around),
      target: (send: Parameters<typeof target>[0]) => around("send", () => target(send)),
      catalog: { aliases: async () => Object.entries(versions).map(([alias, version]) => ({ alias, version })) },
      // The clock goes on where a pace is kept. What waits for longer watches over what is under way, and that ends first.
      delay: (ms: number) => around("delay", async () => (ms <= MAX_PACE_MS ? pass(ms) : new Promise<void>(() => {}))),
      // A request of the outcome counts that is lost stays lost: they are approximate.
      onError: () => {},
      settleMs: SETTLE_MS,
    });
    const handler = replayerHandler({ ...ports, notify: async () => {} });
    return {
      async call(replay, asks = Number.POSITIVE_INFINITY) {
        let left = asks;
        // Little enough for a replayer to end its call, and too long for a busy machine to use it up.
        const getRemainingTimeInMillis = () => (left-- > 0 ? 600_000 : 30_000);
        return handler({ replay }, { getRemainingTimeInMillis } as Context);
      },
    };
  }

  async function replayOf(name: string): Promise<Replay> {
    const replay = await replays.get(name);
    if (replay === undefined) throw new Error(`no replay ${name}`);
    return replay;
  }

  return {
    events,
    replays,
    invocations: lambda.invocations,
    now: at,
    pass,
    change,
    route,
    aReplayer,
    replayOf,
    start: (about: Partial<NewReplay> & Pick<NewReplay, "window">) =>
      startReplay(replays, {
        name: "replay-1",
        who: "ada",
        why: "a test",
        command: "turnout replay start",
        requestedAt: now,
        filter: {},
        mode: "rerun",
        destination: { kind: "today" },
        concurrency: 25,
        planned: noCounts(),
        ...about,
      }),
    plan: (replay: Replay) => {
      const catalog = { aliases: async () => Object.entries(versions).map(([alias, version]) => ({ alias, version })) };
      return planReplay({ routing: routingCache(table), events, replays, catalog }, { ...replay, startedAt: now }, at);
    },
    /** Calls it again and again until it has ended, and lets the time pass that it asks for; the sweeper comes by, too. */
    async untilEnded(name: string, instance = aReplayer(), asksOf = (_call: number) => Number.POSITIVE_INFINITY) {
      for (let call = 0; call < 500; call++) {
        const { ended, waitSeconds } = await instance.call(name, asksOf(call));
        if (ended) return { replay: await replayOf(name), calls: call + 1 };
        pass(Math.max(1, waitSeconds * 1_000));
        await sweep();
      }
      throw new Error(`replay ${name} doesn't end: ${JSON.stringify(await replayOf(name))}`);
    },
    /** The ledger's entries of these events of one generation. */
    async ledger(ids: readonly string[], generation: string): Promise<LedgerEntry[]> {
      const found = await events.deliveriesOf(ids.map((id) => eventKeyOf("shop", "order placed", id)));
      return [...found.values()].flat().filter((entry) => entry.generation === generation);
    },
  };
}

function replayStore(endpoint: string, tableName: string) {
  const client = dynamodbClient(endpoint);
  onTestFinished(() => client.destroy());
  const retry = { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 200 };
  return dynamodbReplayStore({ client, tableName, retry, random: () => 0.5, delay: async () => {}, newId: randomUUID });
}

function recordOf({ body, sentAt, messageId, receiveCount }: Sent & { messageId: string; receiveCount: number }) {
  const attributes = { SentTimestamp: String(sentAt.getTime()), ApproximateReceiveCount: String(receiveCount) };
  return { messageId, receiptHandle: messageId, body, attributes };
}

/** An instance's life: from its end on, no call of it has an effect any more, and none is answered. */
export function life(): { around: Around; end: () => void } {
  let alive = true;
  const gone = new Promise<never>(() => {});
  return {
    around: async (_, work) => {
      if (!alive) return gone;
      const value = await work();
      return alive ? value : gone;
    },
    end: () => {
      alive = false;
    },
  };
}
