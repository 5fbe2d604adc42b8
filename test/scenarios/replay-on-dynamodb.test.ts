import { expect, it } from "vitest";
import { LEASE_MARGIN_MS } from "../../shared/domain/deliveries/delivery.ts";
import type { OutcomeFilter } from "../../shared/domain/deliveries/event-outcome.ts";
import { readShardSchedule } from "../../shared/domain/deliveries/shard-schedule.ts";
import { type Replay, statusOf } from "../../shared/domain/replays/replay.ts";
import { skippedInAll } from "../../shared/domain/replays/replay-counts.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { askOfReplay, type NewReplay } from "../../shared/flows/replay/start-replay.ts";
import { readOnly, statementRefused, statementServedBut } from "../support/batch-faults.ts";
import { aComponent, anEvent, aPin, bodyOf } from "../support/builders.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { answerLost, dynamodbProxy, type Fault, refused, requestLost, servedBut } from "../support/dynamodb-proxy.ts";
import type { Invocation, InvocationAnswer } from "../support/lambda-stub.ts";
import { life, replayInstallation, type Sent } from "../support/replay-on-dynamodb.ts";

const START = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(START.getTime() + ms);
const WINDOW = { from: START, to: plus(300_000) };

/** From one partition to three, in the middle of a minute in the middle of the window. */
const SHARDS = readShardSchedule("1,3@2026-11-20T10:02:10Z");

const versions: Record<string, string> = { stable: "22", beta: "23" };

/** So slow that the window takes several pages, and each page many batches. */
const RATE = 25;

/** 60 orders in four minutes, of twelve projects and three customers; the third customer is on beta. */
const orders = Array.from({ length: 60 }, (_, n) => ({
  id: `order-${String(n).padStart(2, "0")}`,
  project: `project-${n % 12}`,
  customer: `customer-${n % 3}`,
  // Some fail for good until the bug is fixed, some only the first time.
  detail: { n, ...(n % 17 === 5 ? { broken: true } : {}), ...(n % 11 === 3 ? { flaky: true } : {}) },
  sentAt: plus(n * 4_000),
}));
const ids = orders.map(({ id }) => id);

/** What else stands in a window: repetitions, a key used for another payload, what nobody listens to or can read. */
const others: Sent[] = [
  { body: bodyOf(anEvent(orders[7])), sentAt: plus(100_001) },
  { body: bodyOf(anEvent(orders[45])), sentAt: plus(239_001) },
  { body: bodyOf(anEvent({ ...orders[8], detail: { another: "payload" } })), sentAt: plus(150_001) },
  { body: bodyOf(anEvent({ id: "unheard", source: "elsewhere" })), sentAt: plus(160_001) },
  { body: "no event at all", sentAt: plus(170_001) },
];

const messages = [...orders.map((order) => ({ body: bodyOf(anEvent(order)), sentAt: order.sentAt })), ...others].sort(
  (a, b) => a.sentAt.getTime() - b.sentAt.getTime(),
);

const edits: RoutingEdit[] = [
  ...["mailer", "biller"].map((name): RoutingEdit => {
    const functionArn = `arn:aws:lambda:eu-west-1:123456789012:function:${name}`;
    const target = { kind: "lambda" as const, functionArn };
    const pattern =
      name === "mailer" ? { source: ["shop"] } : { source: ["shop"], detail: { n: [{ numeric: ["<", 10] }] } };
    const about = { name, pattern, aliases: { stable: { target }, beta: { target } } };
    return { kind: "apply component", component: aComponent({ ...about, retry: { maxAttempts: 2 } }) };
  }),
  { kind: "pin", level: "customer", id: "customer-2", component: "mailer", pin: aPin({ alias: "beta" }) },
];

withDynamoDB("replays on DynamoDB and Lambda", (endpoint) => {
  /** All of the window routed; the bug is there until `fix`. `onSend` is told of each invocation of a replay. */
  async function routed(onSend: (count: number) => unknown = () => {}) {
    let fixed = false;
    let replayed = 0;
    const answer = async ({ payload, qualifier }: Invocation): Promise<InvocationAnswer> => {
      const { detail, turnout } = JSON.parse(payload);
      if (turnout.replay !== null) await onSend(++replayed);
      const executedVersion = versions[qualifier ?? ""] ?? "none";
      if ((detail.broken && !fixed) || (detail.flaky && turnout.attempt === 1)) {
        return { functionError: "Unhandled", payload: { errorType: "Down", errorMessage: "no" }, executedVersion };
      }
      return { executedVersion };
    };
    if (!SHARDS.ok) throw new Error(SHARDS.problem);
    const about = { start: START, recordShards: SHARDS.value, edits, versions, answer };
    const installation = await replayInstallation(endpoint, about);
    await installation.route(messages);
    installation.pass(600_000);
    const routedBefore = installation.invocations.length;
    return {
      ...installation,
      fix: () => {
        fixed = true;
      },
      /** What the replays have sent, in order. */
      sent: () => installation.invocations.slice(routedBefore),
      start: (asked: Partial<NewReplay> = {}) => installation.start({ window: WINDOW, ratePerSecond: RATE, ...asked }),
    };
  }

  /** What a replay leaves behind, for comparison: its counts, and each of its deliveries with its end. */
  async function outcomeOf({ ledger, sent }: Awaited<ReturnType<typeof routed>>, { name, progress }: Replay) {
    const entries = await ledger(ids, name);
    return {
      counts: progress.counts,
      deliveries: entries.map(({ deliveryKey, status, alias }) => `${deliveryKey} ${alias} ${status}`).toSorted(),
      effects: [...new Set(sent().map(effectOf))].toSorted(),
    };
  }

  let known: ReturnType<typeof outcomeOf> | undefined;
  /** What a rerun of the whole window comes to that nothing gets in the way of. */
  function undisturbed(): ReturnType<typeof outcomeOf> {
    known ??= (async () => {
      const installation = await routed();
      const asked = await installation.start();
      const planned = await installation.plan(asked);
      const { replay } = await installation.untilEnded("replay-1");
      const outcome = await outcomeOf(installation, replay);
      expect(planned.counts).toMatchObject({ ...outcome.counts, done: 0, dead: 0, versions: expect.anything() });
      return outcome;
    })();
    return known;
  }

  it("deliver all of a window whose shards change in its middle, and count what they skip", async () => {
    const { counts, deliveries, effects } = await undisturbed();
    expect(counts).toEqual({
      scanned: 65,
      matched: 76,
      sent: 70,
      versions: [
        { component: "biller", alias: "stable", version: "22", count: 10 },
        { component: "mailer", alias: "beta", version: "23", count: 20 },
        { component: "mailer", alias: "stable", version: "22", count: 40 },
      ],
      skipped: { duplicate: 3, rejected: 1, unmatched: 1, unreadable: 1 },
      done: 65,
      dead: 5,
      open: 0,
    });
    expect(deliveries).toHaveLength(70);
    expect(effects).toHaveLength(70);
  });

  it("come to the same with little time per call, and with answers of DynamoDB lost here and there", async () => {
    const installation = await routed();
    const proxy = await dynamodbProxy(endpoint);
    hereAndThere(proxy.faults);
    await installation.start();
    const asks = [1, 2, 7, 19, 40];
    const instance = installation.aReplayer(proxy.endpoint);
    const { replay, calls } = await installation.untilEnded("replay-1", instance, (call) => asks[call % 5] ?? 1);
    expect(calls).toBeGreaterThan(5);
    expect(await outcomeOf(installation, replay)).toEqual(await undisturbed());
    // Nobody died, so nothing was sent without its answer being stored.
    const attempts = installation.sent().map((one) => `${effectOf(one)} ${turnoutIn(one).attempt}`);
    expect(attempts).toHaveLength(new Set(attempts).size);
  });

  it.each([
    ["one by one", { ratePerSecond: RATE }],
    ["25 at a time", { ratePerSecond: 100_000 }],
  ])("come to the same when instances die in mid-page, %s", async (_how, { ratePerSecond }) => {
    const deaths: { after: number; end: () => void; died: PromiseWithResolvers<void> }[] = [];
    const installation = await routed((sends) => {
      const next = deaths[0];
      if (next === undefined || sends < next.after) return;
      deaths.shift();
      next.end();
      next.died.resolve();
    });
    const { aReplayer, start, untilEnded, sent } = installation;
    await start({ ratePerSecond });
    for (const after of [13, 40]) {
      const { around, end } = life();
      const died = Promise.withResolvers<void>();
      deaths.push({ after, end, died });
      const instance = aReplayer(endpoint, around);
      const ended = untilEnded("replay-1", instance);
      expect(await Promise.race([ended.then(() => "ended"), died.promise.then(() => "died")])).toBe("died");
    }
    const { replay } = await untilEnded("replay-1");
    expect(await outcomeOf(installation, replay)).toEqual(await undisturbed());
    const sentTwice = sent().length - new Set(sent().map((one) => `${effectOf(one)} ${turnoutIn(one).attempt}`)).size;
    expect(sentTwice).toBe(0);
    const entries = await installation.ledger(ids, "replay-1");
    expect(entries.filter(({ lapses }) => lapses > 0).length).toBeGreaterThanOrEqual(2);
    for (const { attempts } of entries) {
      expect(attempts.filter(({ outcome }) => outcome === "done").length).toBeLessThanOrEqual(1);
    }
  });

  it("send each project's events oldest first, each again until it is at rest, also where a claim comes late", async () => {
    const { start, untilEnded, sent, aReplayer, pass } = await routed();
    const proxy = await dynamodbProxy(endpoint);
    // Too late for what it has claimed to be sent: that is claimed again, and its first send is of the second attempt.
    const late: Fault = async (forward) => {
      const answer = await forward();
      pass(LEASE_MARGIN_MS);
      return answer;
    };
    proxy.faults("BatchExecuteStatement", late);
    await start({ ratePerSecond: 100_000 });
    await untilEnded("replay-1", aReplayer(proxy.endpoint));
    const attempts = sent()
      .filter(({ functionArn }) => functionArn.endsWith("mailer"))
      .map(({ payload }) => JSON.parse(payload));
    expect(attempts[0]?.turnout.attempt).toBe(2);
    for (const project of new Set(orders.map((order) => order.project))) {
      const own = attempts.filter(({ detail }) => detail.metadata.project === project).map(({ id }) => id);
      const inTurn = own.filter((id, index) => id !== own[index - 1]);
      expect(inTurn).toEqual(orders.filter((order) => order.project === project).map(({ id }) => id));
    }
  });

  it("deliver just what the filter is about", async () => {
    const { start, untilEnded, sent } = await routed();
    const all = (matches: (order: (typeof orders)[number]) => boolean) => orders.filter(matches).map(({ id }) => id);
    const filters: [OutcomeFilter, string[]][] = [
      [{ component: "mailer", customer: "customer-1" }, all(({ customer }) => customer === "customer-1")],
      [{ project: "project-4", component: "mailer" }, all(({ project }) => project === "project-4")],
      [{ component: "mailer", executedVersion: "23" }, all(({ customer }) => customer === "customer-2")],
      [{ component: "mailer", status: "dead" }, all(({ detail }) => "broken" in detail)],
      [{ component: "mailer", pattern: { detail: { flaky: [true] } } }, all(({ detail }) => "flaky" in detail)],
      [{ component: "biller", alias: "stable" }, all(({ detail }) => detail.n < 10)],
      [{ customer: "nobody" }, []],
    ];
    for (const [index, [filter, expected]] of filters.entries()) {
      const before = sent().length;
      await start({ name: `replay-${index}`, filter, ratePerSecond: 100_000 });
      const { replay } = await untilEnded(`replay-${index}`);
      const delivered = new Set(
        sent()
          .slice(before)
          .map(({ payload }) => JSON.parse(payload).id),
      );
      expect([filter, [...delivered].toSorted()]).toEqual([filter, expected]);
      expect(replay.progress.counts.sent).toBe(expected.length);
    }
  });

  it("that finish deliver what is dead where it arrived, and nothing that is done, also when an instance dies", async () => {
    const { around, end } = life();
    const died = Promise.withResolvers<void>();
    const { fix, start, untilEnded, aReplayer, sent, ledger, replayOf } = await routed((sends) => {
      if (sends === 3) {
        end();
        died.resolve();
      }
    });
    const dead = (await ledger(ids, "live"))
      .filter(({ status }) => status === "dead")
      .map(({ deliveryKey }) => deliveryKey);
    expect(dead).toHaveLength(5);
    fix();
    await start({ mode: "finish" });
    void aReplayer(endpoint, around).call("replay-1");
    await died.promise;
    const { replay } = await untilEnded("replay-1");
    const skipped = { "done already": 65, duplicate: 3, rejected: 1, unmatched: 1, unreadable: 1 };
    expect(replay.progress.counts).toMatchObject({ matched: 76, sent: 5, done: 5, dead: 0, open: 0, skipped });
    expect(statusOf(await replayOf("replay-1"), new Date())).toBe("done");
    expect(new Set(sent().map(({ payload }) => JSON.parse(payload).id)).size).toBe(4);
    const live = await ledger(ids, "live");
    expect(live.filter(({ status }) => status !== "done" && status !== "rejected")).toEqual([]);
    expect(
      live
        .filter((entry) => entry.replay === "replay-1")
        .map(({ deliveryKey }) => deliveryKey)
        .toSorted(),
    ).toEqual(dead.toSorted());
    expect(await ledger(ids, "replay-1")).toEqual([]);
  });

  it("replays that are cancelled claim nothing more, and bring what they had begun to its end", async () => {
    let begun = 0;
    const installation = await routed(async (sends) => {
      if (sends !== 20) return;
      await askOfReplay(replays, "replay-1", { asked: "cancel", who: "bob", why: "wrong window", at: now() });
      begun = (await ledger(ids, "replay-1")).length;
    });
    const { start, untilEnded, sent, ledger, replays, now } = installation;
    await start();
    const { replay } = await untilEnded("replay-1");
    expect(statusOf(replay, now())).toBe("cancelled");
    const entries = await ledger(ids, "replay-1");
    // A batch that had asked before the cancel was stored may claim after it; there is none after that.
    expect(entries.length).toBeGreaterThanOrEqual(begun);
    expect(entries.length).toBeLessThanOrEqual(begun + 25);
    expect(entries.filter(({ status }) => status !== "done" && status !== "dead")).toEqual([]);
    const { counts } = replay.progress;
    expect(counts).toMatchObject({ sent: entries.length, open: 0 });
    expect(counts.matched).toBe(counts.sent + skippedInAll(counts));
    expect(sent().length).toBeLessThanOrEqual(begun + 25);
  });
});

function effectOf(sent: Invocation): string {
  return `${sent.functionArn} ${turnoutIn(sent).idempotencyKey}`;
}

function turnoutIn({ payload }: Invocation): { idempotencyKey: string; attempt: number } {
  return JSON.parse(payload).turnout;
}

/** Faults of every kind, each with a few requests that pass before it. */
function hereAndThere(faults: (operation: string, ...faults: Fault[]) => void): void {
  const passes: Fault = (forward) => forward();
  const spread = (kinds: Fault[]) =>
    Array.from({ length: 12 }, (_, n) => [
      ...Array<Fault>(3 + (n % 4)).fill(passes),
      kinds[n % kinds.length] ?? passes,
    ]).flat();
  const common = [
    answerLost,
    requestLost,
    refused("ThrottlingException"),
    servedBut("InternalServerError", { status: 500 }),
  ];
  for (const operation of ["Query", "GetItem", "UpdateItem"]) faults(operation, ...spread(common));
  faults("BatchGetItem", ...spread([...common, readOnly(3), readOnly(0)]));
  const statements = [statementRefused(0, "ThrottlingError"), statementServedBut(0, "InternalServerError")];
  faults("BatchExecuteStatement", ...spread([...common, ...statements]));
}
