import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stepsOf } from "../../shared/domain/routing/edit-steps.ts";
import type { RowKey, StoredRow } from "../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../shared/domain/routing/unreadable-row.ts";
import { subjectLevels } from "../../shared/domain/subject.ts";
import { routingTableAt } from "../../shared/flows/routing-table-at.ts";
import { anyEdit, componentNames, subjectKeys } from "../support/any-routing.ts";
import { aComponent, aSubjectRow } from "../support/builders.ts";
import { allRowsOf, aRoutingTable, withRoutingTable } from "../support/routing-table.ts";

const keys: RowKey[] = [...subjectKeys, ...componentNames.map((name) => `component#${name}` as const), "source#shop"];

describe("a routing table as it was", () => {
  it("has at every revision the rows that stood there then, whatever was changed since", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEdit, { maxLength: 10 }), (edits) =>
        withRoutingTable(async ({ table, change }) => {
          const states = [await allRowsOf(table)];
          for (const edit of edits) {
            if ((await change(edit)).rows.length > 0) states.push(await allRowsOf(table));
          }
          for (const [revision, rows] of states.entries()) {
            const past = routingTableAt(table, revision);
            expect(await past.head()).toBe(revision);
            expect(await past.rows(keys)).toEqual({ revision, rows });
            expect(await allRowsOf(past)).toEqual(rows);
            const named = componentNames.flatMap((name) => [rows.get(`component#${name}`)].filter(Boolean));
            const { usersHaveRows, ...components } = await past.components();
            expect(components).toEqual({ revision, components: named, unreadable: [] });
            if (!usersHaveRows) expect([...rows.keys()].filter((key) => key.startsWith("user#"))).toEqual([]);
            for (const level of subjectLevels) {
              const listed = (await Array.fromAsync(past.subjects(level))).map(({ id, row }) => [
                `${level}#${id}`,
                row,
              ]);
              expect(new Map(listed as [RowKey, StoredRow][])).toEqual(
                new Map([...rows].filter(([key]) => key.startsWith(`${level}#`))),
              );
              const some = await Array.fromAsync(past.subjects(level, "a"));
              expect(some.map(({ id }) => id).sort()).toEqual(
                [...rows.keys()]
                  .filter((key) => key.startsWith(`${level}#a`))
                  .map((key) => key.slice(level.length + 1))
                  .sort(),
              );
            }
            expect(await past.changesAfter(0, 100)).toEqual(await table.changesAfter(0, revision));
          }
        }),
      ),
      { numRuns: 60 },
    );
  });

  it("tells that users had no rows where none had one by now", async () => {
    const { table, change } = aRoutingTable();
    await change({ kind: "apply component", component: aComponent() });
    const at = async (revision: number) => (await routingTableAt(table, revision).components()).usersHaveRows;
    expect(await at(1)).toBe(false);
    await change({ kind: "put rows", rows: [{ key: "user#ada", row: aSubjectRow({ cohorts: ["staff"] }) }] });
    await change({ kind: "put rows", rows: [{ key: "user#ada", row: null }] });
    expect([await at(2), (await table.components()).usersHaveRows]).toEqual([true, false]);
  });

  it("is what folding the change log from nothing gives, up to there", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEdit, { maxLength: 10 }), (edits) =>
        withRoutingTable(async ({ table, change }) => {
          for (const edit of edits) await change(edit);
          const log = await table.changesAfter(0, 100);
          expect(log.map(({ revision }) => revision)).toEqual(log.map((_, index) => index + 1));
          const folded = new Map<RowKey, StoredRow>();
          for (const { rows } of log) {
            for (const { key, before, after } of rows) {
              expect(folded.get(key) ?? null).toEqual(before);
              if (after === null) folded.delete(key);
              else folded.set(key, after);
            }
          }
          expect(folded).toEqual(await allRowsOf(table));
        }),
      ),
      { numRuns: 60 },
    );
  });

  it("is listed as of one moment, while rows come, change and go on all sides of the listing", async () => {
    const { table, change } = aRoutingTable();
    const id = (n: number) => `p-${String(n).padStart(4, "0")}`;
    const rows = Array.from({ length: 1_200 }, (_, n) => ({
      key: `project#${id(n)}` as const,
      row: aSubjectRow({ customer: "acme" }),
    }));
    for (const edit of stepsOf({ kind: "put rows", rows })) await change(edit);
    const wanted = await allRowsOf(table);
    const past = routingTableAt(table, await table.head());
    const seen = new Map<RowKey, StoredRow>();
    for await (const { key, row } of past.allRows()) {
      expect(seen.has(key)).toBe(false);
      seen.set(key, row);
      if (seen.size !== 3 && seen.size !== 700) continue;
      const others = [1, 600, 1_100].map((n) => ({ key: `project#${id(n + seen.size)}` as const, row: null }));
      const gone = [0, 650, 1_150].map((n) => ({ key: `project#${id(n)}` as const, row: null }));
      const moved = [2, 640, 1_160].map((n) => ({ key: `project#${id(n)}` as const, row: aSubjectRow({ plan: "x" }) }));
      const fresh = ["a", "p-0001x", "z"].map((name) => ({ key: `project#${name}` as const, row: aSubjectRow() }));
      await change({ kind: "put rows", rows: [...others, ...gone, ...moved, ...fresh] });
    }
    expect(seen).toEqual(wanted);
  });

  it("knows of no change after it", async () => {
    const { table, change } = aRoutingTable();
    for (const name of ["a", "b", "c", "d"]) await change({ kind: "apply component", component: aComponent({ name }) });
    const past = routingTableAt(table, 2);
    const since = async (revision: number, limit: number) =>
      (await past.changesAfter(revision, limit)).map((entry) => entry.revision);
    expect(await Promise.all([since(0, 9), since(0, 1), since(1, 9), since(2, 9), since(3, 9)])).toEqual([
      [1, 2],
      [1],
      [2],
      [],
      [],
    ]);
  });

  it("reads the log since then 200 changes at a time, once", async () => {
    const { table, change } = aRoutingTable();
    for (let n = 0; n < 202; n++) await change({ kind: "set plan", customer: `c-${n}`, plan: "paid" });
    const reads: number[] = [];
    const changesAfter: typeof table.changesAfter = (after, limit) => {
      reads.push(after);
      return table.changesAfter(after, limit);
    };
    const past = routingTableAt({ ...table, changesAfter }, 1);
    await past.rows(["customer#never"]);
    await past.rows(["customer#c-0"]);
    expect(reads).toEqual([1, 201]);
  });

  it("fails where the log ends before the head, or an entry can't be read, and says which", async () => {
    const { table, change } = aRoutingTable();
    for (const name of ["a", "b"]) await change({ kind: "apply component", component: aComponent({ name }) });
    const short = { ...table, changesAfter: async () => [] };
    await expect(routingTableAt(short, 1).rows(["source#shop"])).rejects.toThrow(
      "ends at revision 1, but the head is 2",
    );
    const damaged = {
      ...table,
      changesAfter: async (...request: Parameters<typeof table.changesAfter>) =>
        (await table.changesAfter(...request)).map((entry) => ({ ...entry, unreadable: "no JSON" })),
    };
    await expect(routingTableAt(damaged, 1).components()).rejects.toThrow(
      "The routing before revision 2 is not known any more: that entry of the change log can't be read (no JSON). " +
        "Ask for a later revision.",
    );
  });

  it("tells the components that can't be read apart, each sorted by name", async () => {
    const { table, change } = aRoutingTable();
    for (const name of ["d", "b"]) await change({ kind: "apply component", component: aComponent({ name }) });
    const row = new UnreadableRow("is broken", "{");
    const components: typeof table.components = async () => ({
      ...(await table.components()),
      unreadable: [
        { name: "c", row },
        { name: "a", row },
      ],
    });
    const past = await routingTableAt({ ...table, components }, 2).components();
    expect(past.components.map(({ name }) => name)).toEqual(["b", "d"]);
    expect(past.unreadable).toEqual([
      { name: "a", row },
      { name: "c", row },
    ]);
  });

  it("stays as it was when it is asked again after further changes", async () => {
    const { table, change } = aRoutingTable();
    await change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
    const past = routingTableAt(table, 1);
    expect((await past.components()).components.map(({ timeoutMs }) => timeoutMs)).toEqual([30_000]);
    await change({ kind: "apply component", component: aComponent({ name: "mailer", timeoutMs: 1 }) });
    await change({ kind: "apply component", component: aComponent({ name: "another" }) });
    expect((await past.components()).components.map(({ timeoutMs }) => timeoutMs)).toEqual([30_000]);
    expect((await past.rows(["component#mailer"])).rows.get("component#mailer")).toMatchObject({ timeoutMs: 30_000 });
  });
});

/** A revert leaves how far releases have come alone. */
function withoutReleases(rows: Awaited<ReturnType<typeof allRowsOf>>) {
  return new Map([...rows].map(([key, row]) => [key, { ...row, release: undefined }]));
}

describe("a revert", () => {
  it("a revert of the last changes, the newest first, brings the rows of before them back", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEdit, { minLength: 1, maxLength: 8 }), fc.nat(7), (edits, kept) =>
        withRoutingTable(async ({ table, change }) => {
          for (const edit of edits) await change(edit);
          const from = Math.min(kept, await table.head());
          const before = await allRowsOf(routingTableAt(table, from));
          for (const entry of (await table.changesAfter(from, 100)).reverse()) {
            await change({ kind: "revert", changes: [entry] });
          }
          expect(withoutReleases(await allRowsOf(table))).toEqual(withoutReleases(before));
        }),
      ),
      { numRuns: 60 },
    );
  });
});

describe("operators who change at once", () => {
  it("lose no update, and leave revisions without a gap", async () => {
    const { table, change } = aRoutingTable();
    const edits = Array.from({ length: 15 }, (_, n) => ({
      kind: "set members" as const,
      cohort: `c-${n}`,
      members: ["customer#acme" as const],
      member: true,
    }));
    const register = Object.fromEntries(edits.map(({ cohort }) => [cohort, aRegistered]));
    await change({ kind: "put rows", rows: [{ key: "settings#cohorts", row: register }] });
    await Promise.all(edits.map((edit) => change(edit)));
    const { rows } = await table.rows(["customer#acme"]);
    expect(rows.get("customer#acme")).toEqual(aSubjectRow({ cohorts: edits.map(({ cohort }) => cohort).sort() }));
    expect((await table.changesAfter(0, 100)).map(({ revision }) => revision)).toEqual(
      Array.from({ length: 16 }, (_, n) => n + 1),
    );
  });
});

const aRegistered = { description: "", who: "ada", at: "2026-11-20T10:00:00.000Z" };
