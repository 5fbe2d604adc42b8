import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { type ChangeRequest, changeRoutes, planChange } from "../../../shared/flows/change/change-routes.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { memoryRoutingTable, type Rows } from "../../support/memory-routing-table.ts";
import { eventually, portCalls, surrounded } from "../../support/port-calls.ts";

const at = new Date("2026-11-20T10:00:00.000Z");
const mailer = { "component#mailer": aComponent({ name: "mailer" }) };

const pin = (id: string, about: Parameters<typeof aPin>[0] = {}): RoutingEdit => {
  return { kind: "pin", level: "customer", id, component: "mailer", pin: aPin(about) };
};
const aRequest = (edit: RoutingEdit, about: Partial<ChangeRequest> = {}): ChangeRequest => {
  return { edit, changeId: "c-1", who: "ada", why: "trying it", command: "turnout pin", at, ...about };
};

function aTable(first: Rows = mailer) {
  const memory = memoryRoutingTable(first);
  const calls = portCalls();
  return { ...memory, calls, table: surrounded(memory.table, ["rows", "commit", "components", "head"], calls.around) };
}

describe("a change of routes", () => {
  it("is committed with who, why, when and how, and the rows before and after", async () => {
    const { table } = aTable();
    const change = await changeRoutes(table, aRequest(pin("acme")));
    const rows = [{ key: "customer#acme", before: null, after: aSubjectRow({ pins: { mailer: aPin() } }) }];
    expect(change).toEqual({ revision: 2, rows });
    expect(await table.changesAfter(1, 9)).toEqual([
      { revision: 2, changeId: "c-1", who: "ada", why: "trying it", command: "turnout pin", at, rows },
    ]);
  });

  it("a change of routes that changes nothing isn't committed", async () => {
    const { table, calls } = aTable();
    await changeRoutes(table, aRequest(pin("acme")));
    calls.since();
    expect(await changeRoutes(table, aRequest(pin("acme"), { changeId: "c-2" }))).toEqual({ revision: 2, rows: [] });
    expect(calls.made).toEqual(["rows"]);
  });

  it("a change of routes that is only planned says what it would do, and does nothing", async () => {
    const { table, states } = aTable();
    const planned = await planChange(table, pin("acme"), at);
    expect(planned).toMatchObject({ revision: 1, rows: [{ key: "customer#acme" }] });
    expect(states).toHaveLength(2);
  });

  it("a change of routes that lost a race is planned again on the newer rows, so that neither is lost", async () => {
    const { table, calls, put } = aTable({ ...mailer, "customer#acme": aSubjectRow({ plan: "free" }) });
    const commit = calls.hold("commit");
    const change = changeRoutes(table, aRequest(pin("acme")));
    await eventually(commit.reached);
    put({ "customer#acme": aSubjectRow({ plan: "paid" }) });
    commit.release();
    const { revision, rows } = await change;
    expect(revision).toBe(3);
    expect(rows).toMatchObject([{ before: { plan: "paid" }, after: { plan: "paid", pins: { mailer: aPin() } } }]);
  });

  it("a change of routes whose answer was lost can be asked for again", async () => {
    const { table, calls, states } = aTable();
    calls.fail("commit", "after");
    await expect(changeRoutes(table, aRequest(pin("acme")))).rejects.toThrow("commit failed");
    expect(await changeRoutes(table, aRequest(pin("acme")))).toEqual({ revision: 2, rows: [] });
    expect(states).toHaveLength(3);
  });

  it("gives up after losing a thousand races in a row", async () => {
    const { table, put } = aTable();
    const racing = {
      ...table,
      commit: (...request: Parameters<typeof table.commit>) => {
        put({ "customer#other": aSubjectRow() });
        return table.commit(...request);
      },
    };
    await expect(changeRoutes(racing, aRequest(pin("acme")))).rejects.toThrow(
      "Other changes came first 1000 times in a row",
    );
  });

  it("refuses a component that isn't there, and names those that are", async () => {
    const edit: RoutingEdit = { ...pin("acme"), component: "mailr" } as RoutingEdit;
    await expect(changeRoutes(aTable().table, aRequest(edit))).rejects.toThrow(
      "No component 'mailr'. There are: mailer.",
    );
  });
});

describe("a change that expects a revision", () => {
  it("is committed on that revision", async () => {
    const { table } = aTable();
    expect(await changeRoutes(table, aRequest(pin("acme"), { expectedRevision: 1 }))).toMatchObject({ revision: 2 });
  });

  it("is refused when another came before it was planned, and names that one", async () => {
    const { table, put, states } = aTable();
    put({ "customer#bolt": aSubjectRow({ plan: "paid" }) });
    const refused = changeRoutes(table, aRequest(pin("acme"), { expectedRevision: 1 }));
    await expect(refused).rejects.toMatchObject({ kind: "conflict" });
    await expect(refused).rejects.toThrow("at revision 2, not 1: 'put' by ada (a test)");
    expect(states).toHaveLength(3);
  });

  it("is refused when another came between plan and commit", async () => {
    const { table, calls, put } = aTable();
    const commit = calls.hold("commit");
    const change = changeRoutes(table, aRequest(pin("acme"), { expectedRevision: 1 }));
    await eventually(commit.reached);
    put({ "customer#bolt": aSubjectRow({ plan: "paid" }) });
    commit.release();
    await expect(change).rejects.toThrow("at revision 2, not 1: 'put' by ada (a test)");
  });

  it("is refused when that revision is still to come", async () => {
    const refused = changeRoutes(aTable().table, aRequest(pin("acme"), { expectedRevision: 9 }));
    await expect(refused).rejects.toThrow("at revision 1, not 9: there is no such revision yet");
  });
});

describe("operators who change the same rows at the same time", () => {
  const customers = ["acme", "bolt"] as const;
  const edit = fc.oneof(
    fc.record({
      kind: fc.constant("pin" as const),
      level: fc.constant("customer" as const),
      id: fc.constantFrom(...customers),
      component: fc.constantFrom("mailer", "invoice"),
      pin: fc.constantFrom(aPin(), aPin({ alias: "stable" })),
    }),
    fc.record({
      kind: fc.constant("unpin" as const),
      level: fc.constant("customer" as const),
      id: fc.constantFrom(...customers),
      component: fc.constantFrom("mailer", "invoice"),
    }),
    fc.record({
      kind: fc.constant("set plan" as const),
      customer: fc.constantFrom(...customers),
      plan: fc.constantFrom("free", "paid", null),
    }),
  );

  it("lose none of their changes: each was made on the rows that the one before it left", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(edit, { minLength: 2, maxLength: 6 }), async (scheduler, edits) => {
        const { table, states } = memoryRoutingTable({
          ...mailer,
          "component#invoice": aComponent({ name: "invoice" }),
        });
        const held = surrounded(table, ["rows", "commit"], async (call, work) => {
          await scheduler.schedule(Promise.resolve(), `${call} asked`);
          const value = await work();
          await scheduler.schedule(Promise.resolve(), `${call} answered`);
          return value;
        });
        const change = (one: RoutingEdit, index: number) =>
          changeRoutes(held, aRequest(one, { changeId: `c-${index}` }));
        const changes = await scheduler.waitFor(Promise.all(edits.map(change)));

        const log = await table.changesAfter(1, 99);
        expect(log.map(({ changeId }) => changeId).toSorted()).toEqual(
          changes.flatMap(({ rows }, index) => (rows.length === 0 ? [] : [`c-${index}`])),
        );
        for (const { revision, rows } of log) {
          for (const { key, before, after } of rows) {
            expect(states[revision - 1]?.get(key) ?? null).toEqual(before);
            expect(states[revision]?.get(key) ?? null).toEqual(after);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
