import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RowKey } from "../../../shared/domain/routing/routing-change.ts";
import type { WantedRow } from "../../../shared/domain/routing/routing-edit.ts";
import type { Subject } from "../../../shared/domain/subject.ts";
import { parseEvent, routeMessage } from "../../../shared/flows/deliver/route-message.ts";
import { explainRoute } from "../../../shared/flows/explain/explain-route.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import { routingTableAt } from "../../../shared/flows/routing-table-at.ts";
import type {} from "../../../shared/routing-table/routing-table.ts";
import {
  anyComponent,
  anyEdit,
  anySubject,
  anySubjectRow,
  anyTime,
  componentNames,
  subjectKeys,
} from "../../support/any-routing.ts";
import type { AboutEvent } from "../../support/builders.ts";
import { aMessage } from "../../support/router.ts";
import { withRoutingTable } from "../../support/routing-table.ts";

/** Components and some subjects, as one change. */
const anyTable = fc
  .tuple(...componentNames.map(anyComponent), ...subjectKeys.map((key) => fc.option(anySubjectRow(key))))
  .map((rows) => {
    const keys: RowKey[] = [...componentNames.map((name) => `component#${name}` as const), ...subjectKeys];
    return keys.flatMap((key, index): WantedRow[] => {
      const row = rows[index] ?? null;
      return row === null ? [] : [{ key, row }];
    });
  });

type AnyTable = Parameters<typeof routingCache>[0];

/** What the router decides for an event of this subject, by component. */
async function routed(table: AnyTable, subject: Subject, now: Date) {
  const routing = routingCache(table);
  await routing.refresh();
  const message = parseEvent(aMessage(subject as AboutEvent));
  const { routes, record } = await routing.decideOn((view) => routeMessage(message, view, now));
  return routes.map(({ component, decision }) => ({ component: component.name, subject: record.subject, decision }));
}

describe("an explanation", () => {
  it("says what the router does, for every table, subject and time", async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, anySubject, anyTime, (rows, subject, now) =>
        withRoutingTable(async ({ table, change }) => {
          await change({ kind: "put rows", rows });
          const decided = await routed(table, subject, now);
          expect(decided.map(({ component }) => component).sort()).toEqual([...componentNames].sort());
          for (const { component, decision, subject: resolved } of decided) {
            const explained = await explainRoute(table, component, subject, now);
            expect(explained).toMatchObject({ subject: resolved, revision: 1 });
            const { rule, passedOver, ...outcome } = explained?.decision ?? {};
            expect(decision).toMatchObject(outcome);
            expect(rule).not.toBe("");
            for (const { key, row } of explained?.rows ?? []) {
              expect(row).toEqual(rows.find((keyed) => keyed.key === key)?.row ?? null);
            }
          }
        }),
      ),
      { numRuns: 120 },
    );
  });

  it("an explanation of an earlier revision says what the router did then", async () => {
    const edits = fc.array(anyEdit, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(anyTable, edits, anySubject, anyTime, (rows, later, subject, now) =>
        withRoutingTable(async ({ table, change }) => {
          await change({ kind: "put rows", rows });
          const then = await routed(table, subject, now);
          for (const edit of later) await change(edit);
          expect(await routed(routingTableAt(table, 1), subject, now)).toEqual(then);
          for (const { component, decision } of then) {
            const explained = await explainRoute(routingTableAt(table, 1), component, subject, now);
            const { alias, because, fallback } = decision;
            expect(explained?.decision).toMatchObject({ alias, because, fallback });
          }
        }),
      ),
      { numRuns: 60 },
    );
  });
});

describe("a rule", () => {
  it("a rule for another subject, another component or a cohort without a route moves nobody else", async () => {
    const unrelated = fc
      .constantFrom("project", "customer", "plan")
      .chain((level) =>
        anySubjectRow(level).map((row) => ({ key: `${level}#somebody-else` as `plan#${string}`, row })),
      );
    await fc.assert(
      fc.asyncProperty(
        anyTable,
        anySubject,
        anyTime,
        unrelated,
        anyComponent("billing"),
        (rows, subject, now, row, other) =>
          withRoutingTable(async ({ table, change }) => {
            await change({ kind: "put rows", rows });
            const before = await routed(table, subject, now);
            await change({ kind: "put rows", rows: [row, { key: "component#billing", row: other }] });
            const customer = rows.find(({ key }) => key === "customer#c1")?.row ?? { pins: {}, cohorts: [] };
            await change({ kind: "put rows", rows: [{ key: "customer#c1", row: withExtras(customer) }] });
            const after = await routed(table, subject, now);
            expect(after.filter(({ component }) => component !== "billing")).toEqual(before);
          }),
      ),
      { numRuns: 80 },
    );
  });
});

function withExtras(row: object): WantedRow["row"] {
  const { pins, cohorts, ...rest } = row as { pins: object; cohorts: string[] };
  const pin = { alias: "beta", who: "ada", why: "x", at: "2026-11-20T10:00:00.000Z" };
  return { ...rest, pins: { ...pins, billing: pin }, cohorts: [...cohorts, "unrouted"] };
}
