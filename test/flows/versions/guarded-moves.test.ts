import { describe, expect, it, onTestFinished } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import type { AliasMove } from "../../../shared/domain/routing/alias-move.ts";
import { DEFAULT_GUARDRAILS, type Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { sqliteEventStore } from "../../../shared/event-store/sqlite-event-store.ts";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { previewMove } from "../../../shared/flows/change/preview-move.ts";
import { type MoveRequest, moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import { sqliteRoutingTable } from "../../../shared/routing-table/sqlite-routing-table.ts";
import { openDatabase } from "../../../shared/sqlite/database.ts";
import { aComponent, aPin, aRecord } from "../../support/builders.ts";
import { memoryCatalog } from "../../support/memory-catalog.ts";
import { eventually, portCalls, surrounded } from "../../support/port-calls.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const pin = (level: "customer" | "project", id: string): RoutingEdit => {
  return { kind: "pin", level, id, component: "mailer", pin: aPin({ alias: "beta" }) };
};
const guardrails = (about: Partial<Guardrails>): RoutingEdit => {
  return { kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, ...about } };
};

/**
 * Mailer, whose stable is at version 1 and beta at 2, and another component, which nobody asks about. Customers acme,
 * globex and initech, of whom acme is on beta; project a-1 of acme, and a-2, which is on beta itself.
 */
async function aTable(...edits: RoutingEdit[]) {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const table = sqliteRoutingTable(database);
  const events = sqliteEventStore(database);
  const { catalog, versionOf } = memoryCatalog({ stable: "1", beta: "2" });
  let ids = 0;
  const newId = () => `id-${++ids}`;
  const said = { who: "ada", why: "a test", command: "test", at: now };
  const change = (edit: RoutingEdit) => changeRoutes(table, { edit, changeId: newId(), ...said });
  for (const name of ["mailer", "other"]) {
    await change({
      kind: "apply component",
      component: aComponent({ name, aliases: ["stable", "beta", "experimental"] }),
    });
  }
  await change({
    kind: "set directory rows",
    rows: [
      ...["acme", "globex", "initech"].map((id) => ({ level: "customer", id, plan: "paid" }) as const),
      { level: "project", id: "a-1", customer: "acme" },
    ],
  });
  for (const edit of [pin("customer", "acme"), pin("project", "a-2"), ...edits]) await change(edit);
  const ports = { table, events, catalog, newId };
  const moveOf = (alias: string, from: string | null, to: string): AliasMove => {
    return { component: "mailer", alias, from, to };
  };
  return {
    ...ports,
    change,
    versionOf,
    preview: (...move: Parameters<typeof moveOf>) => previewMove(ports, moveOf(...move), "promote", now),
    move: (move: Parameters<typeof moveOf>, about: Partial<MoveRequest> = {}, on = ports) =>
      moveAlias(on, { ...said, kind: "promote", move: moveOf(...move), ...about }),
    newest: async () => (await table.changesAfter((await table.head()) - 1, 1))[0],
  };
}

function record(id: string, minutesAgo: number, subject: EventRecord["subject"], component = "mailer"): EventRecord {
  return aRecord({ id, t0: new Date(now.getTime() - minutesAgo * 60_000), subject, components: [component] });
}

describe("the preview of an alias's move", () => {
  it("names who is on the alias, from which version to which", async () => {
    const { preview } = await aTable();
    const { moves, revision } = await preview("beta", "2", "3");
    const versions = { component: "mailer", from: "2", to: "3" };
    expect(moves).toEqual({
      count: 3,
      first: [{ customer: "acme" }, { project: "a-1" }, { project: "a-2" }].map((subject) => ({
        subject,
        ...versions,
      })),
    });
    expect(revision).toBe(5);
    const { moves: onStable } = await preview("stable", "1", "3");
    expect(onStable.first.map(({ subject }) => subject)).toEqual([{}, { customer: "globex" }, { customer: "initech" }]);
  });

  it("says that the version was found to be bad, as the move itself would", async () => {
    const bad = { version: "3", alias: "beta", why: "half of it failed", at: "2026-11-20T09:00:00.000Z" };
    const mark: RoutingEdit = { kind: "change component", component: "mailer", change: { set: "bad version", bad } };
    const { preview, move } = await aTable(mark);
    const says = "version 3 was found to be bad behind beta at 2026-11-20T09:00:00.000Z (half of it failed)";
    expect((await preview("beta", "2", "3")).objections).toEqual([{ says }]);
    await expect(move(["beta", "2", "3"])).rejects.toMatchObject({ objections: [{ says }] });
    expect((await preview("beta", "2", "4")).objections).toEqual([]);
  });

  it("says of a rollback to a version that was found to be bad that it is, with nothing against it", async () => {
    const bad = { version: "2", alias: "stable", why: "half of it failed", at: "2026-11-20T09:00:00.000Z" };
    const mark: RoutingEdit = { kind: "change component", component: "mailer", change: { set: "bad version", bad } };
    const { move, table, events } = await aTable();
    await move(["beta", "2", "3"]);
    const back = (to: string) =>
      previewMove({ table, events }, { component: "mailer", alias: "beta", from: "3", to }, "rollback", now);
    expect(await back("2")).not.toHaveProperty("bad");
    await changeRoutes(table, {
      edit: mark,
      changeId: "mark",
      who: "a guard",
      why: "a test",
      command: "test",
      at: now,
    });
    expect(await back("2")).toMatchObject({ objections: [], bad });
    // The log knows nothing of it there: that is a move as any other, which the mark stands against.
    expect(await back("1")).not.toHaveProperty("bad");
  });

  it("says how many of the last hour's events would go to the other version, of its component alone", async () => {
    const { preview, events } = await aTable();
    await events.record([
      record("1", 1, { customer: "acme" }),
      record("2", 2, { customer: "globex" }),
      record("3", 59, { customer: "stranger" }),
      record("4", 61, { customer: "acme" }),
      record("5", 5, { customer: "acme" }, "other"),
    ]);
    const { traffic } = await preview("beta", "2", "3");
    expect(traffic).toMatchObject({ components: [{ component: "mailer", events: 3, moved: 1 }] });
    expect((await preview("experimental", "2", "3")).traffic).toMatchObject({ components: [{ events: 3, moved: 0 }] });
  });
});

describe("a guardrail", () => {
  it("a guardrail of customers counts those on the alias, and not those on others", async () => {
    const { preview } = await aTable(guardrails({ maxCustomersOff: 1 }));
    expect((await preview("stable", "1", "2")).objections).toEqual([
      { says: "2 customers would change version at once on mailer; the budget is 1" },
    ]);
    expect((await preview("beta", "2", "3")).objections).toEqual([]);
    expect((await preview("experimental", "2", "3")).objections).toEqual([]);
  });

  it("a guardrail of events counts the share of the last hour that goes to the alias", async () => {
    const { preview, events } = await aTable(guardrails({ maxEventShareOff: 3_333 }));
    expect((await preview("stable", "1", "2")).objections).toEqual([]);
    await events.record([
      record("1", 1, { customer: "acme" }),
      record("2", 2, { customer: "globex" }),
      record("3", 3, { customer: "initech" }),
    ]);
    expect((await preview("stable", "1", "2")).objections).toEqual([
      { says: "66.67% of the last hour's events would change version at once on mailer; the budget is 33.33%" },
    ]);
    expect((await preview("beta", "2", "3")).objections).toEqual([]);
  });

  it("a guardrail on a subject looks at what is its own, and at whom the directory doesn't know", async () => {
    const { preview } = await aTable(guardrails({ protectedSubjects: ["customer#acme", "customer#stranger"] }));
    const said = (who: string) => [{ says: `events of ${who} would move on mailer, and are protected` }];
    expect((await preview("beta", "2", "3")).objections).toEqual(said("customer acme"));
    expect((await preview("stable", "1", "3")).objections).toEqual(said("customer stranger"));
  });

  it("isn't exceeded by the first version of an alias, which takes nobody from another", async () => {
    const { preview } = await aTable(guardrails({ protectedSubjects: ["customer#acme"], maxCustomersOff: 0 }));
    const { objections, moves } = await preview("beta", null, "1");
    expect(objections).toEqual([]);
    expect(moves).toMatchObject({ count: 3, first: [{ from: "nowhere", to: "1" }, {}, {}] });
  });

  it("refuses the move itself, with nothing moved and nothing logged, and lets it through with force", async () => {
    const { move, table, newest, versionOf } = await aTable(guardrails({ protectedSubjects: ["customer#acme"] }));
    const head = await table.head();
    const remedies = [{ operation: "force change" }];
    const refused = { message: expect.stringContaining("customer acme would move on mailer"), remedies };
    await expect(move(["beta", "2", "3"])).rejects.toMatchObject(refused);
    expect([await table.head(), versionOf("beta")]).toEqual([head, "2"]);
    await move(["beta", "2", "3"], { force: true });
    expect(await newest()).toMatchObject({ forced: true, move: { stage: "settled" } });
    expect(versionOf("beta")).toBe("3");
  });

  it("doesn't have a move logged as forced that exceeds nothing", async () => {
    const { move, newest } = await aTable(guardrails({ protectedSubjects: ["customer#acme"] }));
    await move(["experimental", null, "3"], { force: true });
    expect(await newest()).not.toHaveProperty("forced");
  });

  it("never refuses a rollback to what was there before, and any other as a move", async () => {
    const { move, newest, versionOf, change } = await aTable();
    await move(["beta", "2", "1"]);
    await move(["beta", "1", "2"]);
    await change(guardrails({ protectedSubjects: ["customer#acme"], maxCustomersOff: 0 }));
    const elsewhere = ["beta", "2", "3"] as const;
    await expect(move([...elsewhere], { kind: "rollback" })).rejects.toThrow("acme would move on mailer");
    await move(["beta", "2", "1"], { kind: "rollback" });
    expect(await newest()).not.toHaveProperty("forced");
    expect(versionOf("beta")).toBe("1");
  });

  it("counts again where somebody was pinned to the alias since the preview", async () => {
    const { move, preview, change } = await aTable(guardrails({ maxCustomersOff: 1 }));
    const checked = await preview("beta", "2", "3");
    expect(checked.objections).toEqual([]);
    await change(pin("customer", "globex"));
    await expect(move(["beta", "2", "3"], { checked })).rejects.toThrow("2 customers would change version");
  });

  it("a guardrail that is set at the last moment stops the move all the same", async () => {
    const { move, change, table, events, catalog, newId, versionOf } = await aTable();
    const calls = portCalls();
    const held = surrounded(table, ["commit"], calls.around);
    const commit = calls.hold("commit");
    const late = move(["beta", "2", "3"], {}, { table: held, events, catalog, newId });
    await eventually(commit.reached);
    await change(guardrails({ protectedSubjects: ["customer#acme"] }));
    commit.release();
    await expect(late).rejects.toThrow("customer acme");
    expect(versionOf("beta")).toBe("2");
  });
});
