import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_CHANGE_BYTES, type Row, type RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { readRoutingFile, routingFileEnd, routingFileStart } from "../../../shared/domain/routing/routing-file.ts";
import { planRestore, type RestorePlan, wholeState } from "../../../shared/flows/change/restore-routing.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { anyEdit } from "../../support/any-routing.ts";
import { aComponent, aSubjectRow } from "../../support/builders.ts";
import { allRowsOf, aRoutingTable, withRoutingTable } from "../../support/routing-table.ts";

/** The text of the whole routing, without its revision. */
async function exported(table: RoutingTable): Promise<string> {
  const { rows } = await wholeState(table);
  const lines = (await Array.fromAsync(rows)).map((keyed) => JSON.stringify(keyed));
  return routingFileStart(0) + lines.join(",\n") + routingFileEnd;
}

function rowsIn(text: string): Map<RowKey, Row> {
  const file = readRoutingFile(text);
  if (!file.ok || file.value.bad.length > 0) throw new Error(JSON.stringify(file));
  return file.value.rows;
}

const keysIn = (step: RestorePlan["edit"] | undefined) =>
  step?.kind === "put rows" ? step.rows.map(({ key }) => key) : [];

const site = (n: number) => `project#site-${n}` as const;
const many = (count: number, customer = "acme") =>
  Array.from({ length: count }, (_, n): [RowKey, Row] => [site(n), aSubjectRow({ customer })]);

describe("an import", () => {
  it("an import of an export gives the same export, into an empty table and into any other", async () => {
    const edits = fc.array(anyEdit, { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(edits, edits, (original, other) =>
        withRoutingTable((from) =>
          withRoutingTable(async (into) => {
            for (const edit of original) await from.change(edit);
            for (const edit of other) await into.change(edit);
            const text = await exported(from.table);
            const { added, changed, removed, steps } = await planRestore(into.table, rowsIn(text));
            let made = 0;
            for (const step of steps) made += (await into.change(step)).rows.length;
            expect(made).toBe(added + changed + removed);
            expect(await exported(into.table)).toBe(text);
            expect(await planRestore(into.table, rowsIn(text))).toMatchObject({
              added: 0,
              changed: 0,
              removed: 0,
              steps: [],
            });
          }),
        ),
      ),
      { numRuns: 80 },
    );
  });

  it("is made in changes of at most 90 rows, and run again after a part of them does the rest", async () => {
    const { table, change } = aRoutingTable();
    const wanted = new Map(many(300));
    const first = await planRestore(table, wanted);
    expect(first).toMatchObject({ revision: 0, added: 300 });
    expect(first.steps.map((step) => keysIn(step).length)).toEqual([90, 90, 90, 30]);
    for (const step of first.steps.slice(0, 2)) await change(step);
    const rest = await planRestore(table, wanted);
    expect(rest).toMatchObject({ revision: 2, added: 120, changed: 0, removed: 0 });
    for (const step of rest.steps) await change(step);
    expect(await allRowsOf(table)).toEqual(wanted);
  });

  it("is made in more changes where the rows are large", async () => {
    const { table } = aRoutingTable();
    const wanted = new Map(
      Array.from({ length: 20 }, (_, n): [RowKey, Row] => {
        const environment = { TEXT: "x".repeat(50_000) };
        return [`component#c-${n}`, aComponent({ name: `c-${n}`, worker: { environment } })];
      }),
    );
    const { steps } = await planRestore(table, wanted);
    expect(steps.map((step) => keysIn(step).length)).toEqual([5, 5, 5, 5]);
  });

  it("has in each change what there is room for beside who makes it and why, a row too large for that alone", async () => {
    const { table } = aRoutingTable();
    const rowOf = (n: number, length: number): [RowKey, Row] => [
      `component#c-${n}`,
      aComponent({ name: `c-${n}`, worker: { environment: { TEXT: "x".repeat(length) } } }),
    ];
    const sizeOf = ([key, after]: [RowKey, Row]) => JSON.stringify({ key, before: null, after }).length + 1;
    const room = MAX_CHANGE_BYTES - 32 * 1024;
    const stepsOf = async (...rows: [RowKey, Row][]) =>
      (await planRestore(table, new Map(rows))).steps.map((step) => keysIn(step).length);
    const first = rowOf(1, 10);
    const fits = room - sizeOf(first) - sizeOf(rowOf(2, 0));
    expect(await stepsOf(first, rowOf(2, fits))).toEqual([2]);
    expect(await stepsOf(first, rowOf(2, fits + 1))).toEqual([1, 1]);
    expect(await stepsOf(rowOf(1, room), rowOf(2, 1))).toEqual([1, 1]);
  });

  it("puts what others refer to there first and takes it away last, and sets guardrails after all else", async () => {
    const { table, change } = aRoutingTable();
    await change({
      kind: "put rows",
      rows: [
        { key: "component#old", row: aComponent({ name: "old" }) },
        { key: "project#old", row: aSubjectRow({ customer: "acme" }) },
        { key: "component#kept", row: aComponent({ name: "kept" }) },
      ],
    });
    const cohorts = { staff: { description: "", who: "ada", at: "2026-11-20T10:00:00.000Z" } };
    const wanted = new Map<RowKey, Row>([
      ["settings#guardrails", { protectedSubjects: [], expiryRequiredFor: [] }],
      ["customer#new", aSubjectRow({ cohorts: ["staff"] })],
      ["component#kept", aComponent({ name: "kept", timeoutMs: 7 })],
      ["component#new", aComponent({ name: "new" })],
      ["settings#cohorts", cohorts],
      ["source#shop", { source: "shop" }],
    ]);
    const plan = await planRestore(table, wanted);
    expect(plan).toMatchObject({ added: 5, changed: 1, removed: 2 });
    const keys = keysIn(plan.edit);
    expect(keys.slice(0, 4).sort()).toEqual(["component#kept", "component#new", "settings#cohorts", "source#shop"]);
    expect(keys.slice(4)).toEqual(["customer#new", "project#old", "component#old", "settings#guardrails"]);
  });

  it("leaves alone a row whose fields only stand in another order", async () => {
    const { table, change } = aRoutingTable();
    await change({ kind: "put rows", rows: [{ key: "customer#acme", row: { pins: {}, cohorts: [], plan: "paid" } }] });
    const reordered: [RowKey, Row] = ["customer#acme", { plan: "paid", cohorts: [], pins: {} }];
    expect((await planRestore(table, new Map([reordered]))).steps).toEqual([]);
    const made = await change({ kind: "put rows", rows: [{ key: reordered[0], row: reordered[1] }] });
    expect(made).toEqual({ revision: 1, rows: [] });
  });
});
