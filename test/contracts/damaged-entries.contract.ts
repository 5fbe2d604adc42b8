import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ClaimRequest } from "../../shared/domain/deliveries/delivery.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { aClaimRequest } from "../support/builders.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(now.getTime() + ms);
const error = { type: "Timeout", message: "took too long" };

export type DamagedStore = {
  store: EventStore;
  another: () => Promise<EventStore>;
  /** Puts this text in the place of what is stored of a delivery, as no claim or close would. */
  damage: (deliveryKey: string, text: string) => Promise<void>;
};

/** What every event store makes of ledger entries that can't be read. Each test has an empty one. */
export function describeDamagedEntries(name: string, openStore: () => Promise<DamagedStore>): void {
  describe.each(["{", "[]", "{}", "null", "7", ""])(`a ledger entry of %j in an event store (${name})`, (text) => {
    /** Two deliveries that were claimed, of which the first is damaged. */
    async function two(close?: "done" | "failed") {
      const opened = await openStore();
      const { store, damage } = opened;
      const requests = [aClaim(), aClaim()] as const;
      await store.claim(requests, "ada", now);
      const closed = (deliveryKey: string) => ({ deliveryKey, attempt: 1, at: plus(1) });
      const failed = { outcome: "failed" as const, error, nextAttemptAt: plus(5_000), dueAt: plus(5_000) };
      const how = close === "done" ? { outcome: close } : failed;
      if (close !== undefined) {
        await store.close(requests.map(({ deliveryKey }) => ({ ...closed(deliveryKey), ...how })));
      }
      const [damaged, whole] = requests;
      const [before] = await store.deliveries([whole.deliveryKey]);
      await damage(damaged.deliveryKey, text);
      return { ...opened, damaged, whole, before };
    }

    test("costs itself: it is seen as dead, with the reason, and the others are as they were", async () => {
      const { store, damaged, whole, before } = await two("done");
      const { deliveryKey, component, eventKey, generation } = damaged;
      const standIn = {
        deliveryKey,
        component,
        eventKey,
        generation,
        status: "dead",
        error: { type: "EntryUnreadable", message: expect.stringContaining("can't be read") },
      };
      const keys = [deliveryKey, whole.deliveryKey];
      expect(await store.deliveries(keys)).toEqual([expect.objectContaining(standIn), before]);
      const found = await store.deliveriesOf([eventKey, whole.eventKey]);
      expect(found.get(eventKey)).toEqual([expect.objectContaining(standIn)]);
      expect(found.get(whole.eventKey)).toEqual([before]);
    });

    test("is claimed as if it weren't there, once, and then it is an entry like any other", async () => {
      const { store, another, damaged, whole } = await two("done");
      const claims = await Promise.all(
        [store, await another()].map((one, n) => one.claim([damaged, whole], `owner-${n}`, plus(10))),
      );
      expect(claims.map(([claim]) => claim?.won).sort()).toEqual([false, true]);
      expect(claims.map(([, claim]) => claim)).toMatchObject([{ why: "done" }, { why: "done" }]);
      const winner = claims.findIndex(([claim]) => claim?.won);
      const { deliveryKey } = damaged;
      const done = { deliveryKey, attempt: 1, at: plus(20), outcome: "done" } as const;
      expect(await [store, await another()][winner]?.close([done])).toEqual([true]);
      expect(await store.deliveries([deliveryKey])).toMatchObject([
        { status: "done", attempt: 1, owner: `owner-${winner}`, payloadHash: damaged.payloadHash },
      ]);
    });

    test("that waits doesn't come up, and keeps none of the others from it", async () => {
      const { store, whole, damaged } = await two("failed");
      for (let look = 0; look < 2; look++) {
        const due = await store.due(plus(5_000), 10);
        expect(due.map(({ deliveryKey }) => deliveryKey)).toEqual([whole.deliveryKey]);
      }
      expect(await store.deliveries([damaged.deliveryKey])).toMatchObject([{ status: "dead" }]);
    });

    test("takes no close of what was claimed before, beside one that is taken", async () => {
      const { another, damaged, whole } = await two();
      const done = { attempt: 1, at: plus(20), outcome: "done" } as const;
      const closes = [damaged, whole].map(({ deliveryKey }) => ({ ...done, deliveryKey }));
      expect(await (await another()).close(closes)).toEqual([false, true]);
    });
  });
}

function aClaim(): ClaimRequest {
  return aClaimRequest({ idempotencyKey: randomUUID(), t0: plus(-1_000) });
}
