import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Revision, RoutingChange, RowKey } from "../../shared/domain/routing/routing-change.ts";
import { sqliteRoutingTable } from "../../shared/routing-table/sqlite-routing-table.ts";
import { type Database, openDatabase } from "../../shared/sqlite/database.ts";
import { aSubjectRow } from "../support/builders.ts";
import { onOtherThread } from "../support/other-thread.ts";
import { nextTurn } from "../support/port-calls.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeRoutingTable } from "./routing-table.contract.ts";

describeRoutingTable("SQLite in memory", async () => {
  const database = openDatabase(":memory:");
  return {
    table: sqliteRoutingTable(database),
    another: async () => sqliteRoutingTable(database),
    damage: damageIn(database),
    close: async () => database.close(),
  };
});

describeRoutingTable("SQLite on disk", async () => {
  const path = join(temporaryFolder(), "state.db");
  const [database, other] = [openDatabase(path), openDatabase(path)];
  return {
    table: sqliteRoutingTable(database),
    another: async () => sqliteRoutingTable(other),
    damage: damageIn(other),
    close: async () => {
      database.close();
      other.close();
    },
  };
});

function damageIn({ connection }: Database) {
  return async (place: RowKey | Revision, text: string) => {
    const update =
      typeof place === "number"
        ? "UPDATE routing_log SET entry = ? WHERE revision = ?"
        : "UPDATE routing_rows SET value = ? WHERE key = ?";
    expect(connection.prepare(update).run(text, place).changes).toBe(1);
  };
}

describe("the routing table in the state file", () => {
  function open(path: string) {
    const database = openDatabase(path);
    onTestFinished(() => void (database.connection.isOpen && database.close()));
    return { database, table: sqliteRoutingTable(database) };
  }

  const aChange: RoutingChange = {
    changeId: "change-1",
    at: new Date("2026-11-20T10:00:00.123Z"),
    who: "ada",
    why: "a test",
    command: "turnout set-plan acme paid",
    rows: [{ key: "customer#acme", before: null, after: aSubjectRow({ plan: "paid" }) }],
  };

  test("begins empty at revision 0", async () => {
    const { table } = open(":memory:");
    expect(await table.head()).toBe(0);
    expect(await table.changesAfter(0, 10)).toEqual([]);
    expect(await table.components()).toEqual({ revision: 0, components: [], unreadable: [], usersHaveRows: false });
    expect(await Array.fromAsync(table.subjects("project"))).toEqual([]);
  });

  test("goes on where it was when it is opened again", async () => {
    const path = join(temporaryFolder(), "state.db");
    const before = open(path);
    await before.table.commit(aChange, 0);
    before.database.close();

    const { table } = open(path);
    expect(await table.rows(["customer#acme"])).toEqual({
      revision: 1,
      rows: new Map([["customer#acme", aSubjectRow({ plan: "paid" })]]),
    });
    expect(await table.changesAfter(0, 10)).toStrictEqual([{ ...aChange, revision: 1 }]);
    expect(await table.commit(aChange, 0)).toEqual({ committed: true, revision: 1 });
  });

  test("loses no update of writers in several processes, and shows no half of one", async () => {
    const path = join(temporaryFolder(), "state.db");
    const { table } = open(path);
    const writers = ["ada", "bob", "cleo"].map((who) =>
      onOtherThread<number>(
        `const { openDatabase } = await load("shared/sqlite/database.ts");
         const { sqliteRoutingTable } = await load("shared/routing-table/sqlite-routing-table.ts");
         const database = openDatabase(data.path);
         const table = sqliteRoutingTable(database);
         let lost = 0;
         for (let n = 0; n < 40; ) {
           const { revision, rows } = await table.rows(["customer#acme"]);
           const plan = String(Number(rows.get("customer#acme")?.plan ?? 0) + 1);
           const row = { key: "customer#acme", before: null, after: { plan, pins: {}, cohorts: [] } };
           const change = { ...data.aChange, changeId: data.who + n, who: data.who, rows: [row] };
           const answer = await table.commit(change, revision);
           if (answer.committed) n += 1;
           else lost += 1;
         }
         database.close();
         return lost;`,
        { path, who, aChange },
      ),
    );
    let writing = true;
    const written = Promise.all(writers).finally(() => {
      writing = false;
    });
    while (writing) {
      const { revision, rows } = await table.rows(["customer#acme"]);
      expect(rows.get("customer#acme") ?? aSubjectRow({ plan: "0" })).toEqual(aSubjectRow({ plan: `${revision}` }));
      await nextTurn();
    }
    await written;
    const { revision, rows } = await table.rows(["customer#acme"]);
    expect(revision).toBe(120);
    expect(rows.get("customer#acme")).toEqual(aSubjectRow({ plan: "120" }));
    const log = await table.changesAfter(0, 200);
    expect(log.map((entry) => entry.revision)).toEqual(Array.from({ length: 120 }, (_, n) => n + 1));
  });
});
