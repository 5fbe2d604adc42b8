import { expect, it } from "vitest";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { tailEvents } from "../../../shared/flows/explain/tail-events.ts";
import { aClaimRequest, aComponent } from "../../support/builders.ts";
import { aMessage, aRouter, failed, T0 } from "../../support/router.ts";

async function aTail(components = [aComponent()]) {
  let answer: typeof failed | undefined;
  const router = await aRouter({
    components,
    target: async () => answer ?? { outcome: "done", executedVersion: "7", durationMs: 1 },
  });
  const { ports, events, time } = router;
  const tail = tailEvents({ events, now: time.now, delay: time.delay }, {});
  let upcoming = tail.next();
  return {
    ...router,
    fail: (with_: typeof failed | undefined) => {
      answer = with_;
    },
    arrive: (id: string, receiveCount = 1) =>
      routeBatch(ports, [aMessage({ id, messageId: id, sentAt: new Date(T0.getTime() + 3_000), receiveCount })]),
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

it("tells each outcome once, and what has changed since", async () => {
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

it("tells that a later replay has made good what it had told to be dead", async () => {
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
});

it("tells nothing of what arrived before it began", async () => {
  const router = await aRouter();
  await routeBatch(router.ports, [aMessage({ id: "event-1", sentAt: new Date(T0.getTime() - 60_000) })]);
  const { value } = await Promise.race([
    tailEvents({ events: router.events, now: router.time.now, delay: router.time.delay }, {}).next(),
    router.time.pass(5_000).then(() => ({ value: "nothing" })),
  ]);
  expect(value).toBe("nothing");
});
