import { expect, it } from "vitest";
import type { EventOutcome, OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { tailEvents } from "../../../shared/flows/explain/tail-events.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import { aClaimRequest, aComponent, aSubjectRow } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { aMessage, aRouter, failed, putRows, T0 } from "../../support/router.ts";

async function aTail(components = [aComponent()], filter: OutcomeFilter = {}) {
  let answer: typeof failed | undefined;
  const router = await aRouter({
    components,
    target: async () => answer ?? { outcome: "done", executedVersion: "7", durationMs: 1 },
  });
  const { ports, events, table, time } = router;
  const tail = tailEvents({ events, routing: routingCache(table), now: time.now, delay: time.delay }, filter);
  let upcoming = tail.next();
  return {
    ...router,
    fail: (with_: typeof failed | undefined) => {
      answer = with_;
    },
    arrive: (id: string, receiveCount = 1, customer?: string) => {
      const about = { id, messageId: id, sentAt: new Date(T0.getTime() + 3_000), receiveCount };
      return routeBatch(ports, [aMessage({ ...about, ...(customer && { customer }) })]);
    },
    /** What it tells next, as soon as it looks again. */
    async told(): Promise<string[]> {
      let answered: IteratorResult<EventOutcome[]> | undefined;
      void upcoming.then((value) => {
        answered = value;
      });
      for (let turn = 0; turn < 20 && answered === undefined; turn++) await time.pass(500);
      if (answered === undefined) return [];
      upcoming = tail.next();
      const outcomes: EventOutcome[] = answered.value ?? [];
      return outcomes.map(({ record, status }) => `${record.id} ${status}`);
    },
  };
}

it("tail tells each outcome once, and what has changed since", async () => {
  const { arrive, told, fail, time } = await aTail();
  await arrive("event-1");
  expect(await told()).toEqual(["event-1 done"]);
  fail(failed);
  await arrive("event-2");
  expect(await told()).toEqual(["event-2 failed"]);
  fail(undefined);
  await time.pass(1_000);
  await arrive("event-2", 2);
  expect(await told()).toEqual(["event-2 done"]);
  expect(await told()).toEqual([]);
});

it("tail tells that a later replay has made good what it had told to be dead", async () => {
  const { arrive, told, fail, events, ledger, time } = await aTail([aComponent({ retry: { maxAttempts: 1 } })]);
  fail(failed);
  await arrive("event-1");
  expect(await told()).toEqual(["event-1 dead"]);
  await time.pass(1_000);
  const generation = "replay-1";
  for (const { component, eventKey, payloadHash, t0 } of await ledger()) {
    const again = aClaimRequest({ component, eventKey, payloadHash, t0, generation });
    await events.claim([again], "ada", time.now());
    await events.close([{ deliveryKey: again.deliveryKey, attempt: 1, at: time.now(), outcome: "done" }]);
  }
  expect(await told()).toEqual(["event-1 repaired", "event-1 done"]);
  expect(await told()).toEqual([]);
});

it("tail tells what becomes of an event at each of its components", async () => {
  const once = aComponent({ name: "printer", retry: { maxAttempts: 1 } });
  const { arrive, told, fail } = await aTail([aComponent({ name: "mailer" }), once]);
  fail(failed);
  await arrive("event-1");
  expect(await told()).toEqual(["event-1 failed", "event-1 dead"]);
  expect(await told()).toEqual([]);
});

it("tail tells nothing of a delivery while it runs, and all of it when it has ended", async () => {
  const { arrive, told, calls } = await aTail();
  const sending = calls.hold("send release-coordinator");
  const arrived = arrive("event-1");
  await eventually(sending.reached);
  expect(await told()).toEqual([]);
  sending.release();
  await arrived;
  expect(await told()).toEqual(["event-1 done"]);
});

it("tail tells of a cohort's events by the directory as it is by then", async () => {
  const { arrive, told, table } = await aTail([aComponent()], { cohort: "staff" });
  await arrive("event-1", 1, "acme");
  expect(await told()).toEqual([]);
  await putRows(table, { "customer#acme": aSubjectRow({ cohorts: ["staff"] }) });
  await arrive("event-2", 1, "acme");
  expect(await told()).toEqual(["event-1 done", "event-2 done"]);
});

it("tail waits no longer for what arrived more than two minutes ago", async () => {
  const { arrive, told, fail, time } = await aTail();
  fail(failed);
  await arrive("event-1");
  expect(await told()).toEqual(["event-1 failed"]);
  fail(undefined);
  await time.pass(120_000);
  await arrive("event-1", 2);
  expect(await told()).toEqual([]);
});

it("tail tells nothing of what arrived before it began", async () => {
  const router = await aRouter();
  await routeBatch(router.ports, [aMessage({ id: "event-1", sentAt: new Date(T0.getTime() - 60_000) })]);
  const { value } = await Promise.race([
    tailEvents({ events: router.events, now: router.time.now, delay: router.time.delay }, {}).next(),
    router.time.pass(5_000).then(() => ({ value: "nothing" })),
  ]);
  expect(value).toBe("nothing");
});
