import { expect, onTestFinished, test } from "vitest";
import { routerHandler } from "../../functions/router.ts";
import { putEvents } from "../../scripts/embedded/put-events.ts";
import { drainQueue } from "../../scripts/embedded/queue-poller.ts";
import { sqliteEventQueue } from "../../shared/event-queue/sqlite-event-queue.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { aRouter, failed } from "../support/router.ts";

const EVENTS = 30;

/** Events of one millisecond, ten to a request, taken up by a router in batches of `batchSize`. */
async function published(batchSize: number, target?: Parameters<typeof aRouter>[0]) {
  const router = await aRouter(target);
  const { ports, time } = router;
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const queue = sqliteEventQueue(database);
  let ids = 0;
  const intake = { queue, now: time.now, newId: () => `event-${`${++ids}`.padStart(2, "0")}` };
  for (let request = 0; request < EVENTS / 10; request++) {
    const entries = Array.from({ length: 10 }, (_, n) => ({
      Source: "shop",
      DetailType: "order placed",
      Detail: JSON.stringify({ order: request * 10 + n }),
    }));
    expect((await putEvents(Buffer.from(JSON.stringify({ Entries: entries })), intake)).status).toBe(200);
  }
  const handler = routerHandler({ ...ports, queue }) as Parameters<typeof drainQueue>[0]["handler"];
  const drain = () =>
    drainQueue({ name: "router", queue, handler, now: time.now, batchSize, onError: (error) => Promise.reject(error) });
  await drain();
  return {
    ...router,
    drain,
    published: Array.from({ length: EVENTS }, (_, n) => `event-${`${n + 1}`.padStart(2, "0")}`),
  };
}

test.each([1, 7, 10, 100])(
  "events of one millisecond are listed as they were published, routed in batches of %i",
  async (batchSize) => {
    const router = await published(batchSize);
    const records = await router.records();
    expect(new Set(records.map(({ t0 }) => +t0)).size).toBe(1);
    expect(records.map(({ id }) => id)).toEqual(router.published);
  },
);

test("events that come back to the router keep the place that they were published in", async () => {
  let attempts = 0;
  const router = await published(7, {
    target: async () => (++attempts % 3 === 0 ? failed : { outcome: "done", executedVersion: "7", durationMs: 1 }),
  });
  for (let round = 0; round < 8; round++) {
    await router.time.pass(60_000);
    await router.drain();
  }
  expect(attempts).toBeGreaterThan(EVENTS);
  expect((await router.records()).map(({ id }) => id)).toEqual(router.published);
});
