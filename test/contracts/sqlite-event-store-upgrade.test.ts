import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ClaimRequest } from "../../shared/domain/delivery.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { aClaimRequest } from "../support/builders.ts";
import { temporaryFolder } from "../support/tmp.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const never = new Date("9999-12-31T23:59:59.000Z");

/** As the earlier Turnout made its tables: without expiry, due times and counts. */
const EARLIER = `
  CREATE TABLE event_records (
    id INTEGER PRIMARY KEY,
    t0 INTEGER NOT NULL,
    event_key TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    facts TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (t0, event_key, payload_hash)
  ) STRICT;
  CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    event_key TEXT NOT NULL,
    delivery_key TEXT NOT NULL,
    status TEXT NOT NULL,
    entry TEXT NOT NULL
  ) STRICT;
  CREATE INDEX deliveries_of_event ON deliveries (substr(event_key, 1, 10));
  CREATE INDEX deliveries_claimed ON deliveries (id) WHERE status = 'claimed';
`;

const error = { type: "Broken", message: "it broke" };
const requests = Object.fromEntries(
  ["done", "failed", "claimed"].map((status) => [status, aClaimRequest({ idempotencyKey: status })]),
) as Record<"done" | "failed" | "claimed", ClaimRequest>;

/** What each delivery's entry had beside its request. */
const states = {
  done: { attempt: 1, failures: 0, closedAt: start, executedVersion: "22" },
  failed: { attempt: 1, failures: 1, closedAt: start, nextAttemptAt: plus(5_000), error },
  claimed: { attempt: 3, failures: 2 },
};

function entryOf(status: keyof typeof states): object {
  const { leaseMs: _, expiresAt: _none, ...asked } = requests[status];
  const attempts = status === "claimed" ? [] : [{ attempt: 1, at: start, outcome: status }];
  const claimed = { status, lapses: 0, owner: "ada", leaseUntil: plus(10_000), attempts };
  return { ...asked, ...claimed, ...states[status] };
}

const { t0, eventKey, payloadHash } = requests.failed;
const facts = {
  messageId: "message-1",
  id: "event-1",
  source: "shop",
  detailType: "order placed",
  time: "2026-11-20T10:00:00Z",
  idempotencyKey: "failed",
  subject: { customer: "acme" },
  components: ["release-coordinator"],
};

/** A file of the earlier Turnout with one record and three deliveries, opened with this one. */
function openEarlier() {
  const path = join(temporaryFolder(), "state.db");
  const earlier = openDatabase(path);
  earlier.connection.exec(EARLIER);
  earlier.connection
    .prepare("INSERT INTO event_records (t0, event_key, payload_hash, facts, body) VALUES (?, ?, ?, ?, ?)")
    .run(t0.getTime(), eventKey, payloadHash, JSON.stringify(facts), '{"total":1.50}');
  const insert = earlier.connection.prepare(
    "INSERT INTO deliveries (event_key, delivery_key, status, entry) VALUES (?, ?, ?, ?)",
  );
  for (const [status, request] of Object.entries(requests)) {
    insert.run(request.eventKey, request.deliveryKey, status, JSON.stringify(entryOf(status as keyof typeof states)));
  }
  earlier.close();
  const open = () => {
    const database = openDatabase(path);
    onTestFinished(() => void (database.connection.isOpen && database.close()));
    return { database, store: sqliteEventStore(database) };
  };
  return { ...open(), open };
}

const keys = Object.values(requests).map((request) => request.eventKey);

describe("a state file of the earlier layout", () => {
  test("reads back as it was: its records, and its deliveries since their event's arrival", async () => {
    const { store } = openEarlier();
    const record = { t0, eventKey, payloadHash, ...facts, body: '{"total":1.50}', expiresAt: never };
    expect(await store.find([{ t0, eventKey, payloadHash }])).toStrictEqual([record]);
    const window = { from: new Date(0), to: plus(1) };
    expect(await Array.fromAsync(store.records(window, plus(1)))).toStrictEqual([[record]]);
    const entries = await store.deliveriesOf(keys);
    for (const [status, request] of Object.entries(requests)) {
      const then = entryOf(status as keyof typeof states);
      expect(entries.get(request.eventKey)).toStrictEqual([{ ...then, since: t0, expiresAt: never }]);
    }
  });

  test("lets a delivery that failed then be claimed and closed now", async () => {
    const { store } = openEarlier();
    const { failed } = requests;
    expect(await store.claim([failed], "ben", plus(4_999))).toMatchObject([{ won: false, why: "not due" }]);
    const [claim] = await store.claim([failed], "ben", plus(5_000));
    expect(claim).toMatchObject({ won: true, attempt: 2, failures: 1, since: t0, t0 });
    const dueAt = plus(90_000);
    const parked = { outcome: "failed", error, nextAttemptAt: dueAt, dueAt } as const;
    expect(await store.close([{ deliveryKey: failed.deliveryKey, attempt: 2, at: plus(6_000), ...parked }])).toEqual([
      true,
    ]);
    expect(await store.due(dueAt, 10)).toMatchObject([{ deliveryKey: failed.deliveryKey, attempt: 2, failures: 2 }]);
  });

  test("keeps what is done, and lets a lease go on or end", async () => {
    const { store } = openEarlier();
    const [done, claimed] = [requests.done, requests.claimed];
    expect(await store.claim([done, claimed], "ben", plus(9_999))).toMatchObject([
      { won: false, why: "done" },
      { won: false, why: "claimed by another", retryAt: plus(10_000) },
    ]);
    expect(await store.endLeases(plus(9_999))).toBe(1);
    expect(await store.claim([claimed], "ben", plus(9_999))).toMatchObject([{ won: true, attempt: 4, lapses: 1 }]);
  });

  test("loses nothing by expiring, and counts from now on", async () => {
    const { store } = openEarlier();
    expect(await store.expire(new Date("2126-11-20T10:00:00.000Z"), 100)).toBe(0);
    expect((await store.deliveriesOf(keys)).size).toBe(3);
    await store.count([{ minute: start, component: "mailer", version: "7", outcome: "done", count: 2 }]);
    expect(await store.counts({ from: start, to: plus(1) })).toMatchObject([{ count: 2 }]);
  });

  test("can be opened again, also while it is open", async () => {
    const { store, open } = openEarlier();
    await store.claim([requests.failed], "ben", plus(5_000));
    const { store: again } = open();
    expect(await again.deliveriesOf(keys)).toStrictEqual(await store.deliveriesOf(keys));
  });
});
