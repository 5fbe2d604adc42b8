import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ScanCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it, onTestFinished } from "vitest";
import { noCounts, type Replay } from "../../shared/domain/replays/replay.ts";
import { dynamodbReplayStore } from "../../shared/replay-store/dynamodb-replay-store.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import { aReplay } from "../support/any-replay.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { after, answerLost, dynamodbProxy, refused, requestLost, servedBut } from "../support/dynamodb-proxy.ts";
import { describeReplayStore } from "./replay-store.contract.ts";

withDynamoDB("the replay store on DynamoDB", (endpoint) => {
  const retry = { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 200 };
  const about = { retry, random: Math.random, delay, newId: randomUUID };

  describeReplayStore(
    "DynamoDB Local",
    async () => {
      const clients = [dynamodbClient(endpoint), dynamodbClient(endpoint)] as const;
      const tableName = await createTable(clients[0]);
      return {
        store: dynamodbReplayStore({ ...about, client: clients[0], tableName }),
        another: async () => dynamodbReplayStore({ ...about, client: clients[1], tableName }),
        async damage(name, text) {
          const change = { UpdateExpression: "SET #text = :text", ExpressionAttributeNames: { "#text": "text" } };
          const values = { ExpressionAttributeValues: { ":text": Buffer.from(text) } };
          await clients[0].send(
            new UpdateCommand({ TableName: tableName, Key: { pk: "replays", sk: name }, ...change, ...values }),
          );
        },
        close: async () => {
          for (const client of clients) client.destroy();
        },
      };
    },
    0.2,
  );

  /** A store behind a proxy, and one right beside the table. */
  async function throughProxy(maxAttempts = 20) {
    const proxy = await dynamodbProxy(endpoint);
    const clients = [dynamodbClient(proxy.endpoint), dynamodbClient(endpoint)] as const;
    onTestFinished(() => {
      for (const client of clients) client.destroy();
    });
    const tableName = await createTable(clients[1]);
    const delays: number[] = [];
    const noted = { ...about, retry: { ...retry, maxAttempts }, delay: async (ms: number) => void delays.push(ms) };
    const store = dynamodbReplayStore({ ...noted, client: clients[0], tableName });
    const direct = dynamodbReplayStore({ ...about, client: clients[1], tableName });
    return { proxy, store, direct, delays, client: clients[1], tableName };
  }

  const lost = [
    ["the answer is lost", answerLost],
    ["the request is lost", requestLost],
    ["it is throttled", refused("ThrottlingException")],
    ["it is served, and answered with an error all the same", servedBut("InternalServerError", { status: 500 })],
  ] as const;

  it.each(lost)("creates and changes a replay once when %s", async (_what, fault) => {
    const { proxy, store, direct, delays } = await throughProxy();
    const replay = aReplay();
    proxy.faults("UpdateItem", fault);
    expect(await store.create(replay)).toBe(true);
    expect(await direct.get(replay.name)).toStrictEqual(replay);
    proxy.faults("UpdateItem", fault, fault);
    const stored = await store.update({ ...replay, asked: "pause" });
    expect(stored).toStrictEqual({ ...replay, asked: "pause", lock: 2 });
    expect(await direct.get(replay.name)).toStrictEqual(stored);
    expect(delays).toHaveLength(3);
  });

  it("refuses what another has done, also when its own request was lost", async () => {
    const { proxy, store, direct } = await throughProxy();
    const [mine, others] = [aReplay({ who: "ada" }), aReplay({ who: "bob" })];
    proxy.faults(
      "UpdateItem",
      requestLost,
      after(() => direct.create(others)),
    );
    expect(await store.create(mine)).toBe(false);
    proxy.faults(
      "UpdateItem",
      requestLost,
      after(() => direct.update({ ...others, asked: "pause" })),
    );
    expect(await store.update({ ...others, asked: "cancel" })).toBeUndefined();
    expect(await direct.get(mine.name)).toMatchObject({ who: "bob", asked: "pause", lock: 2 });
  });

  it("recognises its change under those that others have made since, up to seven of them", async () => {
    const { proxy, store, direct } = await throughProxy();
    const replay = aReplay();
    const changeOften = (times: number) => async () => {
      for (let n = 0; n < times; n++) {
        const current = (await direct.get(replay.name)) ?? replay;
        await direct.update({ ...current, why: `change ${n}` });
      }
    };
    proxy.faults("UpdateItem", answerLost, after(changeOften(1)));
    expect(await store.create(replay)).toBe(true);
    const second = (await direct.get(replay.name)) ?? replay;
    proxy.faults("UpdateItem", answerLost, after(changeOften(7)));
    expect(await store.update({ ...second, asked: "pause" })).toStrictEqual({ ...second, asked: "pause", lock: 3 });
    const tenth = (await direct.get(replay.name)) ?? replay;
    expect(tenth).toMatchObject({ asked: "pause", lock: 10, why: "change 6" });
    proxy.faults("UpdateItem", answerLost, after(changeOften(8)));
    expect(await store.update(tenth)).toBeUndefined();
  });

  it("looks again when the answer about its own change is lost too", async () => {
    const { proxy, store } = await throughProxy();
    proxy.faults("UpdateItem", answerLost);
    proxy.faults("GetItem", answerLost, refused("ThrottlingException"));
    expect(await store.create(aReplay())).toBe(true);
    expect(proxy.counts()).toEqual({ UpdateItem: 4, GetItem: 3 });
  });

  it("reads past lost answers, and fails with what to do when there is none", async () => {
    const { proxy, store } = await throughProxy(3);
    await store.create(aReplay());
    proxy.faults("GetItem", answerLost, requestLost);
    expect(await store.get("after-the-outage")).toStrictEqual(aReplay());
    proxy.faults("Query", answerLost, requestLost);
    expect(await store.list(1)).toStrictEqual([aReplay()]);
    proxy.faults("Query", requestLost, requestLost, requestLost);
    await expect(store.active()).rejects.toThrow(/didn't serve the request in 3 tries/);
    proxy.faults("UpdateItem", requestLost, requestLost, requestLost);
    await expect(store.update(aReplay())).rejects.toThrow(/didn't serve the request in 3 tries/);
  });

  it("asks for one request per call", async () => {
    const { store, proxy } = await throughProxy();
    const requestsOf = async (call: (of: ReplayStore) => Promise<unknown>) => {
      const before = proxy.counts();
      await call(store);
      const made = Object.entries(proxy.counts()).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
      return Object.fromEntries(made.filter(([, count]) => count > 0));
    };
    expect(await requestsOf((of) => of.create(aReplay()))).toEqual({ UpdateItem: 1 });
    expect(await requestsOf((of) => of.create(aReplay()))).toEqual({ UpdateItem: 1 });
    expect(await requestsOf((of) => of.update(aReplay()))).toEqual({ UpdateItem: 1 });
    expect(await requestsOf((of) => of.update(aReplay()))).toEqual({ UpdateItem: 1 });
    expect(await requestsOf((of) => of.get("after-the-outage"))).toEqual({ GetItem: 1 });
    expect(await requestsOf((of) => of.list(10))).toEqual({ Query: 1 });
    expect(await requestsOf((of) => of.active())).toEqual({ Query: 1 });
    const reads = ["GetItem", "Query"].flatMap((operation) => proxy.requests(operation));
    expect(reads.map(({ ConsistentRead }) => ConsistentRead)).toEqual([true, true, true]);
  });

  it("keeps a replay as far along as one can be within an item, and its name, revision and state beside it", async () => {
    const { store, direct, client, tableName } = await throughProxy();
    const replay = aReplay({ progress: { stretches: manyStretches() } });
    expect(JSON.stringify(replay).length).toBeGreaterThan(400 * 1_024);
    await store.create(replay);
    expect(await direct.get(replay.name)).toStrictEqual(replay);
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName }));
    expect(Items).toMatchObject([
      { pk: "replays", sk: "after-the-outage", revision: 1, ended: false, requestedAt: 1_795_168_800_000 },
    ]);
  });
});

/** As many stretches as are remembered apart, each with as many versions as ten components with five aliases have. */
function manyStretches(): Replay["progress"]["stretches"] {
  const versions = Array.from({ length: 50 }, (_, n) => {
    return { component: `component-${n % 10}`, alias: `alias-${n % 5}`, version: `${n % 17}`, count: n * 7_919 };
  });
  const key = (n: number) => ({ t0: new Date(n * 1_000), eventKey: randomHash(), payloadHash: randomHash() });
  return Array.from({ length: 100 }, (_, n) => {
    return { after: key(n), upTo: key(n + 1), counts: { ...noCounts(), versions, sent: n }, waitsFor: n };
  });
}

function randomHash(): string {
  return (randomUUID() + randomUUID()).replaceAll("-", "");
}
