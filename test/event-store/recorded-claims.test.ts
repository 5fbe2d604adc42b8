import { expect, it, onTestFinished } from "vitest";
import type { ClaimRequest, EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf, LIVE } from "../../shared/domain/deliveries/delivery-key.ts";
import type { Arrived } from "../../shared/event-store/event-store.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { aClaimRequest, aRecord } from "../support/builders.ts";

const now = new Date("2026-11-20T10:00:00Z");

function aStore() {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const store = sqliteEventStore(database);
  const stored = async () => {
    const window = { from: new Date(0), to: new Date("2100-01-01") };
    const records = (await Array.fromAsync(store.records(window, now))).flat();
    const entries = await store.deliveriesOf(["first", "second"]);
    return {
      records: records.map(({ id }) => id),
      deliveries: [...entries.values()].flat().map(({ deliveryKey }) => deliveryKey),
    };
  };
  return { store, stored };
}

/** An event of this key, for these components. */
function arrived(eventKey: string, components: string[], about: Partial<EventRecord> = {}): Arrived {
  const record = aRecord({ id: eventKey, eventKey, t0: now, components, ...about });
  const requests = components.map(
    (component): ClaimRequest =>
      aClaimRequest({ deliveryKey: deliveryKeyOf(component, eventKey, LIVE), component, eventKey, unqueued: true }),
  );
  return { record, requests };
}

const isWon = { won: true, attempt: 1 };

it("records and claims an event whole, or where one of its deliveries is known not at all", async () => {
  const { store, stored } = aStore();
  expect(await store.recordAndClaim([arrived("first", ["mailer"])], "a", now)).toMatchObject([[isWon]]);
  const again = arrived("first", ["invoice", "mailer"], { id: "again", payloadHash: "another" });
  const answers = await store.recordAndClaim([again, arrived("second", ["invoice", "mailer"])], "b", now);
  expect(answers).toMatchObject([undefined, [isWon, isWon]]);
  expect(await stored()).toEqual({
    records: ["first", "second"],
    deliveries: ["mailer#first#live", "invoice#second#live", "mailer#second#live"],
  });
});

it("takes an event back with its record, but nothing that somebody else has taken over", async () => {
  const { store, stored } = aStore();
  const events = [arrived("first", ["mailer"]), arrived("second", ["invoice", "mailer"])];
  await store.recordAndClaim(events, "a", now);
  const later = new Date(now.getTime() + 3_600_000);
  const [, takenOver] = events[1]?.requests ?? [];
  await store.claim(takenOver === undefined ? [] : [takenOver], "b", later);
  await store.takeBack(events, "a");
  expect(await stored()).toEqual({ records: ["second"], deliveries: ["mailer#second#live"] });
});
