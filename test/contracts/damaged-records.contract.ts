import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { sweep } from "../../shared/flows/deliver/sweep.ts";
import { findEvents } from "../../shared/flows/explain/explain-event.ts";
import { listEvents } from "../../shared/flows/explain/list-events.ts";
import { planReplay } from "../../shared/flows/replay/plan-replay.ts";
import { runReplay } from "../../shared/flows/replay/run-replay.ts";
import { startReplay } from "../../shared/flows/replay/start-replay.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { recount } from "../../shared/flows/watch/recount.ts";
import type { SendResult } from "../../shared/targets/target.ts";
import { aReplay } from "../support/any-replay.ts";
import { aComponent } from "../support/builders.ts";
import { memoryReplayStore } from "../support/memory-replay-store.ts";
import { memoryRoutingTable } from "../support/memory-routing-table.ts";
import { nextTurn } from "../support/port-calls.ts";
import { aMessage, putRows, T0 } from "../support/router.ts";

export type DamagedRecords = {
  store: EventStore;
  /** Does something to what is stored of a record, as no router would. */
  damages: Record<string, (record: EventRecord) => Promise<void>>;
};

const WINDOW = { from: new Date(T0.getTime() - 60_000), to: new Date(T0.getTime() + 60_000) };
const BACKOFF_MS = 120_000;

/** A router and a replayer on the store, with the clock in the test's hand; every delivery is parked after its first attempt. */
async function aRouterOn(events: EventStore) {
  const { table } = memoryRoutingTable();
  const retry = { baseDelayMs: BACKOFF_MS, maxDelayMs: BACKOFF_MS };
  await putRows(table, { "component#release-coordinator": aComponent({ retry }) });
  let now = T0.getTime();
  let answer: SendResult = { outcome: "failed", error: { type: "Broken", message: "it broke" }, durationMs: 1 };
  const replays = memoryReplayStore();
  const ports = withCounter({
    routing: routingCache(table),
    events,
    replays,
    catalog: { aliases: async () => [{ alias: "stable", version: "22" }] },
    target: async () => answer,
    now: () => new Date(now),
    random: () => 0.999,
    newId: randomUUID,
    delay: () => nextTurn(),
    report: () => {},
    onError: () => {},
    settleMs: 0,
  });
  const succeed = () => {
    answer = { outcome: "done", executedVersion: "22", durationMs: 1 };
  };
  const pass = (ms: number) => {
    now += ms;
  };
  /** Sends again what is due, and routes it. */
  async function sweepUp(): Promise<number> {
    const bodies: string[] = [];
    const send = async (sent: readonly { body: string }[]) => sent.map(({ body }) => `${bodies.push(body)}`);
    const queue = { send: send as Parameters<typeof sweep>[0]["queue"]["send"] };
    await sweep({ events, queue, now: ports.now }, new Date(now + 60_000));
    const messages = bodies.map((body, n) => aMessage({ messageId: `swept-${n}`, body, sentAt: ports.now() }));
    expect(await routeBatch(ports, messages)).toEqual([]);
    return messages.length;
  }
  return { ports, replays, succeed, pass, sweepUp };
}

/** What everything above an event store makes of records that can't be read. Each test has an empty one. */
export function describeDamagedRecords(
  name: string,
  open: () => Promise<DamagedRecords>,
  damages: readonly string[],
): void {
  describe.each(damages)(`a stored event of which %s (${name})`, (damage) => {
    async function threeOfWhichOneIsDamaged() {
      const { store, damages: known } = await open();
      const router = await aRouterOn(store);
      const messages = [1, 2, 3].map((n) =>
        aMessage({ id: `e-${n}`, messageId: `m-${n}`, project: "site", sentAt: new Date(T0.getTime() + n) }),
      );
      await routeBatch(router.ports, messages);
      const [, second] = (await Array.fromAsync(store.records(WINDOW, T0))).flat();
      if (second === undefined) throw new Error("nothing was recorded");
      await known[damage]?.(second);
      return { store, second, ...router };
    }

    /** Why it can't be read, and what is said of the others. */
    const isTold = (record: EventRecord | undefined) => record?.unavailable ?? record?.rejected;

    test("is listed and shown in its place with the reason, and the others as ever", async () => {
      const { store, second, ports } = await threeOfWhichOneIsDamaged();
      const listed = (await Array.fromAsync(listEvents({ events: store }, WINDOW, {}, ports.now()))).flat();
      expect(listed.map(({ record, status }) => [record.eventKey === second.eventKey, status])).toEqual([
        [false, "failed"],
        [true, "failed"],
        [false, "failed"],
      ]);
      expect(listed.map(({ record }) => isTold(record))).toEqual([
        undefined,
        expect.stringMatching(/can't be read|is damaged|no body|body .* is a file/),
        undefined,
      ]);
      const shown = await Array.fromAsync(findEvents(store, WINDOW, second.eventKey, ports.now()));
      expect(shown.map(({ record, outcomes }) => [isTold(record) !== undefined, outcomes.length])).toEqual([[true, 1]]);
      const other = await Array.fromAsync(findEvents(store, WINDOW, "e-3", ports.now()));
      expect(other.map(({ record }) => record.id)).toEqual(["e-3"]);
      const [found] = await store.find([second]);
      expect(isTold(found)).toBeDefined();
    });

    test("comes to its end when it is swept up, and keeps the others from nothing", async () => {
      const { store, second, succeed, pass, sweepUp, ports } = await threeOfWhichOneIsDamaged();
      succeed();
      pass(BACKOFF_MS);
      expect(await sweepUp()).toBe(3);
      const listed = (await Array.fromAsync(listEvents({ events: store }, WINDOW, {}, ports.now()))).flat();
      const ends = listed.map(({ record, status, entry }) => [
        record.eventKey === second.eventKey,
        status,
        entry?.error?.type,
      ]);
      expect(ends[0]).toEqual([false, "done", undefined]);
      expect(ends[2]).toEqual([false, "done", undefined]);
      // What is left of it may be all that its component needs.
      expect([
        [true, "done", undefined],
        [true, "dead", "BodyUnavailable"],
      ]).toContainEqual(ends[1]);
      const recounted = await recount(store, WINDOW, ports.now());
      expect(recounted.map(({ tried }) => tried).reduce((a, b) => a + b, 0)).toBe(3);
    });

    test("is whole again when its event comes once more and is delivered", async () => {
      const { store, second, succeed, pass, ports } = await threeOfWhichOneIsDamaged();
      succeed();
      pass(BACKOFF_MS);
      const twin = { id: "e-2", project: "site", messageId: "m-4", sentAt: ports.now() };
      expect(await routeBatch(ports, [aMessage(twin)])).toEqual([]);
      const [found] = await store.find([second]);
      expect(found).toMatchObject({ id: "e-2", subject: { project: "site" }, components: ["release-coordinator"] });
      expect(isTold(found)).toBeUndefined();
    });

    test("is planned and replayed, or skipped with the reason, and the others are replayed", async () => {
      const { replays, second, succeed, pass, sweepUp, ports } = await threeOfWhichOneIsDamaged();
      succeed();
      pass(BACKOFF_MS);
      await sweepUp();
      pass(1_000);
      const replay = aReplay({ name: "replay-1", window: WINDOW, filter: {}, requestedAt: ports.now() });
      const { counts } = await planReplay(ports, { ...replay, startedAt: ports.now() }, ports.now);
      const skipped = 3 - counts.sent;
      expect(counts).toMatchObject({ scanned: 3, matched: 3 });
      expect([{}, { "body unavailable": 1 }]).toContainEqual(counts.skipped);
      await startReplay(replays, replay);
      for (let turn = 0; turn < 5; turn++) {
        const { ended } = await runReplay(ports, "replay-1", () => true);
        if (ended) break;
        pass(1_000);
      }
      const { progress } = (await replays.get("replay-1")) ?? {};
      expect(progress?.counts).toMatchObject({ sent: 3 - skipped, done: 3 - skipped });
      expect(progress?.endedAt).toBeDefined();
      const entries = [...(await ports.events.deliveriesOf([second.eventKey])).values()].flat();
      expect(entries.filter(({ generation }) => generation === "replay-1")).toHaveLength(1 - skipped);
    });
  });
}
