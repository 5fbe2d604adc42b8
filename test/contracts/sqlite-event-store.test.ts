import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { fileBodyStore } from "../../shared/body-store/file-body-store.ts";
import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { aClaimRequest } from "../support/builders.ts";
import { onOtherThread } from "../support/other-thread.ts";
import { nextTurn } from "../support/port-calls.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeDamagedEntries } from "./damaged-entries.contract.ts";
import { describeEventStore } from "./event-store.contract.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(now.getTime() + ms);

describeEventStore("SQLite in memory", async () => {
  const database = openDatabase(":memory:");
  return {
    store: sqliteEventStore(database),
    another: async () => sqliteEventStore(database),
    close: async () => database.close(),
  };
});

/** Its statements are those in memory, which have all random cases: here it is another connection that has to see them. */
const EFFORT_ON_DISK = 0.25;

describeEventStore(
  "SQLite on disk",
  async () => {
    const folder = temporaryFolder();
    const path = join(folder, "state.db");
    const [database, other] = [openDatabase(path), openDatabase(path)];
    const bodies = fileBodyStore(join(folder, "bodies"));
    return {
      store: sqliteEventStore(database, bodies),
      another: async () => sqliteEventStore(other, bodies),
      close: async () => {
        database.close();
        other.close();
      },
    };
  },
  EFFORT_ON_DISK,
);

describeDamagedEntries("SQLite in memory", async () => {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  return {
    store: sqliteEventStore(database),
    another: async () => sqliteEventStore(database),
    damage: async (deliveryKey, text) => {
      database.connection.prepare("UPDATE deliveries SET entry = ? WHERE delivery_key = ?").run(text, deliveryKey);
    },
  };
});

describe("the event store in the state file", () => {
  function open(path: string) {
    const database = openDatabase(path);
    onTestFinished(() => void (database.connection.isOpen && database.close()));
    return { database, store: sqliteEventStore(database) };
  }

  test("goes on where it was when it is opened again", async () => {
    const path = join(temporaryFolder(), "state.db");
    const before = open(path);
    const [live, done] = [aClaimRequest({ idempotencyKey: "live" }), aClaimRequest({ idempotencyKey: "done" })];
    const record = aRecord();
    await before.store.record([record]);
    await before.store.claim([live, done], "ada", now);
    await before.store.close([{ deliveryKey: done.deliveryKey, attempt: 1, at: plus(1), outcome: "done" }]);
    const entries = await before.store.deliveriesOf([live.eventKey, done.eventKey]);
    before.database.close();

    const { store } = open(path);
    expect(await store.deliveriesOf([live.eventKey, done.eventKey])).toStrictEqual(entries);
    expect(await scan(store)).toStrictEqual([record]);
    expect(await store.claim([live, done], "ada", plus(2))).toMatchObject([{ won: true, attempt: 1 }, { why: "done" }]);
  });

  test("lets routers in several processes win each delivery once, one after the other", async () => {
    const path = join(temporaryFolder(), "state.db");
    const { store } = open(path);
    const requests = Array.from({ length: 40 }, (_, n) => aClaimRequest({ idempotencyKey: `${n}`, leaseMs: 1_000 }));
    const claimers = ["ada", "bob", "cleo"].map((owner) =>
      onOtherThread<(number | undefined)[][]>(
        `const { openDatabase } = await load("shared/sqlite/database.ts");
         const { sqliteEventStore } = await load("shared/event-store/sqlite-event-store.ts");
         const database = openDatabase(data.path);
         const store = sqliteEventStore(database);
         const won = data.requests.map(() => []);
         for (let round = 0; round < 5; round++) {
           const at = new Date(data.now.getTime() + round * 1000);
           for (const [n, request] of data.requests.entries()) {
             const [claim] = await store.claim([request], data.owner + round, at);
             if (claim.won) won[n].push(claim.attempt);
           }
         }
         database.close();
         return won;`,
        { path, requests, owner, now },
      ),
    );
    const won = await Promise.all(claimers);
    const entries = await store.deliveriesOf(requests.map(({ eventKey }) => eventKey));
    for (const [n, { eventKey }] of requests.entries()) {
      const attempts = won.flatMap((of) => of[n] ?? []);
      const [entry] = entries.get(eventKey) ?? [];
      expect(attempts.toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
        Array.from({ length: entry?.attempt ?? 0 }, (_, index) => index + 1),
      );
    }
  });

  test("reads an entry by the name that its rule had before", async () => {
    const { database, store } = open(":memory:");
    const request = aClaimRequest({ because: "replay destination" });
    await store.claim([request], "ada", now);
    database.connection.exec("UPDATE deliveries SET entry = replace(entry, 'replay destination', 'replay target')");
    expect([...(await store.deliveriesOf([request.eventKey])).values()].flat()).toMatchObject([
      { because: "replay destination" },
    ]);
  });

  test("tells events apart whose keys begin alike", async () => {
    const { store } = open(":memory:");
    const requests = ["1", "2"].map((end) => aClaimRequest({ eventKey: "a".repeat(63) + end }));
    await store.claim(requests, "ada", now);
    const [first, second] = requests.map(({ eventKey }) => eventKey);
    const found = await store.deliveriesOf([first ?? ""]);
    expect([...found.values()].flat().map(({ eventKey }) => eventKey)).toEqual([first]);
    expect(await store.claim([aClaimRequest({ eventKey: second ?? "" })], "bob", now)).toMatchObject([{ won: false }]);
  });

  test("counts a lapse, and no failure, for each outcome that the only router no longer waits for", async () => {
    const { store } = open(":memory:");
    const request = aClaimRequest();
    const { deliveryKey } = request;
    await store.claim([request], "ada", now);
    await store.close([{ deliveryKey, attempt: 1, at: now, outcome: "accepted", nextAttemptAt: plus(3_600_000) }]);
    expect(await store.endLeases(plus(1))).toBe(1);
    expect(await store.claim([request], "bob", plus(1))).toMatchObject([
      { won: true, attempt: 2, failures: 0, lapses: 1 },
    ]);
  });

  test("ends every running lease for the only router", async () => {
    const { store } = open(":memory:");
    const requests = ["running", "done", "failed"].map((idempotencyKey) => aClaimRequest({ idempotencyKey }));
    const [running, done, failed] = requests.map(({ deliveryKey }) => deliveryKey);
    await store.claim(requests, "ada", now);
    const error = { type: "Error", message: "down" };
    await store.close([
      { deliveryKey: done ?? "", attempt: 1, at: now, outcome: "done" },
      { deliveryKey: failed ?? "", attempt: 1, at: now, outcome: "failed", error, nextAttemptAt: plus(60_000) },
    ]);
    expect(await store.endLeases(plus(1))).toBe(1);
    expect(await store.claim(requests, "bob", plus(1))).toMatchObject([
      { won: true, attempt: 2, failures: 0, lapses: 1 },
      { won: false, why: "done" },
      { won: false, why: "not due" },
    ]);
    expect(await store.close([{ deliveryKey: running ?? "", attempt: 1, at: plus(2), outcome: "done" }])).toEqual([
      false,
    ]);
  });

  test("makes due in its time, for the only router, what has failed and may have no message", async () => {
    const { store } = open(":memory:");
    const requests = ["short", "parked", "queued"].map((idempotencyKey) => ({
      ...aClaimRequest({ idempotencyKey }),
      ...(idempotencyKey !== "queued" && { unqueued: true as const }),
    }));
    const [short, parked, queued] = requests.map(({ deliveryKey }) => deliveryKey);
    await store.claim(requests, "ada", now);
    const failure = { attempt: 1, at: now, outcome: "failed", error: { type: "Error", message: "down" } } as const;
    await store.close([
      { deliveryKey: short ?? "", ...failure, nextAttemptAt: plus(30_000) },
      { deliveryKey: parked ?? "", ...failure, nextAttemptAt: plus(31_000), dueAt: plus(31_000) },
      { deliveryKey: queued ?? "", ...failure, nextAttemptAt: plus(30_000) },
    ]);
    expect(await store.endLeases(plus(1))).toBe(1);
    const dueAt = async (at: Date) => (await store.due(at, 9)).map(({ deliveryKey }) => deliveryKey);
    expect(await dueAt(plus(29_999))).toEqual([]);
    expect(await dueAt(plus(30_000))).toEqual([short]);
    expect(await dueAt(plus(31_000))).toEqual([short, parked]);
    expect(await store.endLeases(plus(2))).toBe(0);
  });

  test.each([
    ["a text of 4 KB as it is", `"${"é".repeat(2_047)}"`, { body: 4_096, zstd: null, key: null }],
    ["a longer one compressed", `"${"é".repeat(2_048)}"`, { body: 0, zstd: 25, key: null }],
    ["a large one as a file beside it", randomBytes(400_000).toString("base64"), { body: 0, zstd: null, key: 79 }],
  ])("keeps %s, and gives it back", async (_what, body, sizes) => {
    const folder = temporaryFolder();
    const database = openDatabase(join(folder, "state.db"));
    onTestFinished(() => database.close());
    const store = sqliteEventStore(database, fileBodyStore(join(folder, "bodies")));
    const record = { ...aRecord(), body };
    await store.record([record]);
    const lengths = "length(CAST(body AS BLOB)) AS body, length(body_zstd) AS zstd, length(body_key) AS key";
    expect({ ...database.connection.prepare(`SELECT ${lengths} FROM event_records`).get() }).toEqual(sizes);
    expect(await scan(store)).toStrictEqual([record]);
    expect(await store.find([record])).toStrictEqual([record]);
    await store.record([{ ...record, body: "{}" }]);
    expect(await scan(store)).toStrictEqual([{ ...record, body: "{}" }]);
  });

  test("gives out smaller pages where bodies are large, so that memory stays flat", async () => {
    const { store } = open(":memory:");
    const body = randomBytes(1_500_000).toString("base64");
    const records = Array.from({ length: 6 }, (_, n) => ({ ...aRecord(), t0: plus(-n), body }));
    await store.record(records);
    const pages = await Array.fromAsync(store.records({ from: plus(-10), to: plus(1) }, plus(2)));
    expect(pages.map((page) => page.length)).toEqual([3, 3]);
    expect(pages.flat()).toStrictEqual(records.toReversed());
  });

  test("reads a window along an index, and sorts no more than a moment", () => {
    const database = openDatabase(":memory:");
    onTestFinished(() => database.close());
    const prepared = vi.spyOn(database.connection, "prepare");
    sqliteEventStore(database);
    const statements = prepared.mock.calls.map(([sql]) => sql);
    const plans = statements
      .filter((sql) => /FROM event_records\s+WHERE t0 >= /.test(sql))
      .map((sql) =>
        database.connection
          .prepare(`EXPLAIN QUERY PLAN ${sql}`)
          .all()
          .map(({ detail }) => detail),
      );
    const along = /^SEARCH event_records USING (COVERING )?INDEX sqlite_autoindex_event_records_1 \(.*t0/;
    expect(plans).toEqual([
      [expect.stringMatching(along), "USE TEMP B-TREE FOR LAST 3 TERMS OF ORDER BY"],
      // Of those that go by a name: as many as are asked for.
      [expect.stringMatching(along), "USE TEMP B-TREE FOR ORDER BY"],
      [expect.stringMatching(along)],
    ]);
  });

  test("finds what is due, what is claimed or accepted, and what may lack a message, along the one index of what is open", () => {
    const database = openDatabase(":memory:");
    onTestFinished(() => database.close());
    const prepared = vi.spyOn(database.connection, "prepare");
    sqliteEventStore(database);
    const statements = prepared.mock.calls.map(([sql]) => sql).filter((sql) => /WHERE (due_at|status)/.test(sql));
    const plans = statements.map((sql) => database.connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all());
    expect(plans.map((plan) => plan.map(({ detail }) => detail))).toEqual([
      ["SCAN deliveries USING INDEX deliveries_open"],
      ["SEARCH deliveries USING INDEX deliveries_open (due_at>? AND due_at<?)"],
      ["SEARCH deliveries USING INDEX deliveries_open (due_at>? AND due_at<?)"],
    ]);
  });

  test("says once what is the event's id and its publisher's key, and finds it by that", async () => {
    const { database, store } = open(":memory:");
    const records = ["event-1", "2"].map((idempotencyKey, n) => ({ ...aRecord(), t0: plus(n - 9), idempotencyKey }));
    await store.record(records);
    const [first, second] = database.connection.prepare("SELECT facts FROM event_records ORDER BY id").all();
    expect(first?.facts).not.toContain("idempotencyKey");
    expect(second?.facts).toContain('"idempotencyKey":"2"');
    expect(await scan(store)).toStrictEqual(records);
    const find = (name: string) =>
      store.named(name, { from: plus(-9), to: plus(1) }, plus(2), { found: 9, looked: 9 }).then((one) => one.records);
    expect(await find("event-1")).toStrictEqual(records.toReversed());
    expect(await find("2")).toStrictEqual(records.slice(1));
    // As it was written before.
    database.connection.exec(
      "UPDATE event_records SET facts = json_set(facts, '$.idempotencyKey', 'event-1') WHERE id = 1",
    );
    expect(await scan(store)).toStrictEqual(records);
  });

  test("lets others have their turn between the pages of a window, also where all has expired", async () => {
    const { store } = open(":memory:");
    const records = Array.from({ length: 60 }, (_, n) => ({
      ...aRecord(),
      t0: plus(-n),
      ...(n < 30 ? { expiresAt: plus(0) } : {}),
    }));
    await store.record(records);
    let turns = 0;
    let scanning = true;
    const others = async () => {
      for (; scanning; turns++) await nextTurn();
    };
    const counting = others();
    const pages = await Array.fromAsync(store.records({ from: plus(-60), to: plus(1) }, plus(2), 2));
    scanning = false;
    await counting;
    expect(pages).toHaveLength(15);
    expect(turns).toBeGreaterThanOrEqual(29);
  });

  test("fails rather than leave out a record that can't be stored", async () => {
    const { store } = open(":memory:");
    await expect(store.record([aRecord(), { ...aRecord(), t0: new Date(Number.NaN) }])).rejects.toThrow(/NOT NULL/);
    expect(await scan(store)).toEqual([]);
  });
});

function scan(store: EventStore): Promise<EventRecord[]> {
  return Array.fromAsync(store.records({ from: new Date(0), to: plus(1) }, plus(2))).then((pages) => pages.flat());
}

function aRecord(): EventRecord {
  return {
    t0: now,
    eventKey: eventKeyOf("shop", "order placed", "1"),
    payloadHash: sha256("{}"),
    messageId: "message-1",
    id: "event-1",
    source: "shop",
    detailType: "order placed",
    time: "2026-11-20T10:00:00Z",
    idempotencyKey: "1",
    subject: {},
    components: [],
    body: "{}",
    expiresAt: plus(86_400_000),
  };
}
