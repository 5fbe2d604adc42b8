import { describe, expect, it, onTestFinished } from "vitest";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { stepsOf } from "../../../shared/domain/routing/edit-steps.ts";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { previewChange } from "../../../shared/flows/change/preview-change.ts";
import { sqliteRoutingTable } from "../../../shared/routing-table/sqlite-routing-table.ts";
import { openDatabase } from "../../../shared/sqlite/database.ts";
import { aComponent, anEvent, aPin, aRecord, bodyOf } from "../../support/builders.ts";
import { noEvents } from "../../support/no-events.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const component = aComponent({ name: "mailer", aliases: ["stable", "beta"] });
const pin = (level: "project" | "customer" | "plan", id: string, alias = "beta"): RoutingEdit => {
  return { kind: "pin", level, id, component: "mailer", pin: aPin({ alias }) };
};

/** A table with the component, projects p-1 and p-2 of acme, p-3 of globex, and acme on the plan paid. */
async function aTable(...edits: RoutingEdit[]) {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const table = sqliteRoutingTable(database);
  let changes = 0;
  const change = (edit: RoutingEdit) => {
    const changeId = `change-${++changes}`;
    return changeRoutes(table, { edit, changeId, who: "ada", why: "a test", command: "test", at: now });
  };
  await change({ kind: "apply component", component });
  await change({
    kind: "set directory rows",
    rows: [
      { level: "project", id: "p-1", customer: "acme" },
      { level: "project", id: "p-2", customer: "acme" },
      { level: "project", id: "p-3", customer: "globex" },
      { level: "customer", id: "acme", plan: "paid" },
    ],
  });
  for (const edit of edits) await change(edit);

  /** The moves of an edit, e.g. `{"customer":"acme"} stable → beta`; and after it was made none are left to make. */
  async function moves(edit: RoutingEdit): Promise<string[]> {
    const preview = await previewChange(table, edit, now);
    return preview.moves.first.map(({ subject, from, to }) => `${JSON.stringify(subject)} ${from} → ${to}`);
  }
  return { table, moves };
}

describe("the preview of a change", () => {
  it("names the subject that is pinned and those that the directory puts below it", async () => {
    const { moves } = await aTable();
    expect(await moves(pin("project", "p-1"))).toEqual(['{"project":"p-1"} stable → beta']);
    expect(await moves(pin("customer", "acme"))).toEqual([
      '{"customer":"acme"} stable → beta',
      '{"project":"p-1"} stable → beta',
      '{"project":"p-2"} stable → beta',
    ]);
    expect(await moves(pin("plan", "paid"))).toEqual([
      '{"plan":"paid"} stable → beta',
      '{"customer":"acme"} stable → beta',
      '{"project":"p-1"} stable → beta',
      '{"project":"p-2"} stable → beta',
    ]);
  });

  it("leaves out whom a stronger rule keeps where they are", async () => {
    const { moves } = await aTable(pin("project", "p-1", "stable"), pin("customer", "acme"));
    expect(await moves({ kind: "unpin", level: "customer", id: "acme", component: "mailer" })).toEqual([
      '{"customer":"acme"} beta → stable',
      '{"project":"p-2"} beta → stable',
    ]);
    expect(await moves(pin("plan", "paid"))).toEqual(['{"plan":"paid"} stable → beta']);
  });

  it("follows a change of the directory", async () => {
    const { moves } = await aTable(pin("customer", "globex"), pin("plan", "paid"));
    expect(await moves({ kind: "set customer", project: "p-1", customer: "nobody" })).toEqual([
      '{"project":"p-1"} beta → stable',
    ]);
    expect(await moves({ kind: "set plan", customer: "acme", plan: null })).toEqual([
      '{"customer":"acme"} beta → stable',
      '{"project":"p-1"} beta → stable',
      '{"project":"p-2"} beta → stable',
    ]);
    expect(
      await moves({ kind: "set directory rows", rows: [{ level: "project", id: "p-2", customer: "globex" }] }),
    ).toEqual([]);
  });

  it("asks everybody when a component changes, those included that no rule names", async () => {
    const { moves } = await aTable(pin("customer", "acme"));
    const put = (row: Component): RoutingEdit => ({ kind: "put rows", rows: [{ key: `component#${row.name}`, row }] });
    const moved = await moves(put({ ...component, defaultAlias: "beta" }));
    expect(moved).toEqual(["{} stable → beta", '{"project":"p-3"} stable → beta']);
    const { beta: _, ...aliases } = component.aliases;
    expect(await moves(put({ ...component, aliases }))).toHaveLength(3);
    expect(await moves(put({ ...component, name: "new" }))).toEqual([]);
  });

  it("names the first ten and counts all, on a directory of several pages", async () => {
    const rows = Array.from({ length: 1_200 }, (_, i) => ({
      level: "project" as const,
      id: `many-${i}`,
      customer: "acme",
    }));
    const { table } = await aTable(...stepsOf({ kind: "set directory rows", rows }));
    const { moves, revision } = await previewChange(table, pin("customer", "acme"), now);
    expect([moves.count, moves.first.length, revision]).toEqual([1_203, 10, 16]);
  });

  it("changes nothing, and says nothing where all is so already", async () => {
    const { table, moves } = await aTable(pin("customer", "acme"));
    expect(await moves(pin("customer", "acme"))).toEqual([]);
    expect(await table.head()).toBe(3);
  });

  it("settings move nobody, whose events aren't looked at, and a freeze stands against them", async () => {
    const { table } = await aTable();
    const freeze = { who: "ada", why: "peak", at: now.toISOString() };
    const edit: RoutingEdit = { kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } };
    const none = { moves: { count: 0, first: [] }, impacts: [], objections: [] };
    const shown = await previewChange(table, edit, now, noEvents);
    expect(shown).toMatchObject({ ...none, rows: [{ key: "settings#guardrails" }] });
    expect(shown).not.toHaveProperty("traffic");
    await changeRoutes(table, { edit, changeId: "frozen", who: "ada", why: "", command: "test", at: now });
    const cohort: RoutingEdit = {
      kind: "put rows",
      rows: [{ key: "settings#cohorts", row: { staff: { description: "", who: "ada", at: now.toISOString() } } }],
    };
    expect((await previewChange(table, cohort, now)).objections).toHaveLength(1);
    // Of a change that changes nothing nothing is in the way.
    const same: RoutingEdit = { kind: "put rows", rows: [{ key: "customer#nobody", row: null }] };
    expect(await previewChange(table, same, now)).toMatchObject({ ...none, rows: [] });
  });

  it("tells the events that reach a component no more beside its traffic, where there are some", async () => {
    const { table } = await aTable();
    const records = [1, 2].map((n) =>
      aRecord({
        id: `e-${n}`,
        t0: now,
        components: ["mailer"],
        subject: { customer: "acme" },
        body: bodyOf(anEvent({ source: n === 1 ? "shop" : "forge" })),
      }),
    );
    const events = {
      ...noEvents,
      async *records({ from, to }: { from: Date; to: Date }) {
        if (now >= from && now < to) yield records;
      },
    };
    const shown = async (pattern: Component["pattern"]) => {
      const row = { ...component, pattern };
      const edit: RoutingEdit = { kind: "put rows", rows: [{ key: "component#mailer", row }] };
      return (await previewChange(table, edit, now, events)).traffic?.components;
    };
    const [some] = (await shown({ source: ["shop"] })) ?? [];
    expect(some).toMatchObject({ component: "mailer", events: 2, unreached: 1 });
    const [none] = (await shown({ source: ["shop", "forge"] })) ?? [];
    expect(none).toMatchObject({ component: "mailer", events: 2 });
    expect(none).not.toHaveProperty("unreached");
  });

  it("fails as the change itself would", async () => {
    const { moves } = await aTable();
    await expect(moves(pin("customer", "acme", "nope"))).rejects.toThrow("No alias 'nope'");
  });
});

describe("a revert", () => {
  it("puts rows back to what they were, once, and leaves what has changed since", async () => {
    const { table, moves } = await aTable(pin("customer", "acme"));
    const [change] = await table.changesAfter(2, 1);
    if (change === undefined) throw new Error("no change");
    const revert = { kind: "revert", changes: [change] } as const;
    expect(await moves(revert)).toHaveLength(3);
    const meta = { who: "ada", why: "a test", command: "test", at: now };
    expect((await changeRoutes(table, { edit: revert, changeId: "revert-1", ...meta })).revision).toBe(4);
    expect((await changeRoutes(table, { edit: revert, changeId: "revert-2", ...meta })).rows).toEqual([]);
    await changeRoutes(table, { edit: pin("customer", "acme", "stable"), changeId: "again", ...meta });
    expect(await previewChange(table, revert, now)).toMatchObject({
      rows: [],
      left: [{ key: "customer#acme", path: "pins.mailer", revision: 3 }],
    });
  });
});
