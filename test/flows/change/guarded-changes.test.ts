import { describe, expect, it, onTestFinished } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import { DEFAULT_GUARDRAILS, type Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { sqliteEventStore } from "../../../shared/event-store/sqlite-event-store.ts";
import { type ChangeRequest, changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { previewChange } from "../../../shared/flows/change/preview-change.ts";
import { pinnedTo } from "../../../shared/flows/explain/find-subjects.ts";
import { sqliteRoutingTable } from "../../../shared/routing-table/sqlite-routing-table.ts";
import { openDatabase } from "../../../shared/sqlite/database.ts";
import { aClaimRequest, aComponent, aPin } from "../../support/builders.ts";
import { eventually, portCalls, surrounded } from "../../support/port-calls.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const frozen = { freeze: { who: "ada", why: "incident 42", at: now.toISOString() } };
const pin = (
  id: string,
  about: Parameters<typeof aPin>[0] = {},
  level: "customer" | "project" | "plan" = "customer",
) => {
  return { kind: "pin", level, id, component: "mailer", pin: aPin(about) } satisfies RoutingEdit;
};
/** As EventBridge sends one. */
const EVENT = { version: "0", id: "e", "detail-type": "order", time: now.toISOString(), detail: {} };

const guardrails = (about: Partial<Guardrails>): RoutingEdit => {
  return { kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, ...about } };
};

/** A table with the component mailer and customers acme, globex and initech, projects a-1 and a-2 of acme. */
async function aTable(...edits: RoutingEdit[]) {
  const database = openDatabase(":memory:");
  onTestFinished(() => database.close());
  const table = sqliteRoutingTable(database);
  const events = sqliteEventStore(database);
  let changes = 0;
  const change = (edit: RoutingEdit, about: Partial<ChangeRequest> = {}, on = table) => {
    const meta = { changeId: `change-${++changes}`, who: "ada", why: "a test", command: "test", at: now };
    return changeRoutes(on, { edit, ...meta, ...about });
  };
  await change({
    kind: "apply component",
    component: aComponent({ name: "mailer", aliases: ["stable", "beta", "experimental"] }),
  });
  await change({
    kind: "set directory rows",
    rows: [
      { level: "customer", id: "acme", plan: "paid" },
      { level: "customer", id: "globex", plan: "free" },
      { level: "customer", id: "initech", plan: "free" },
      { level: "project", id: "a-1", customer: "acme" },
      { level: "project", id: "a-2", customer: "acme" },
    ],
  });
  for (const edit of edits) await change(edit);
  const objections = async (edit: RoutingEdit) =>
    (await previewChange(table, edit, now, events)).objections.map(({ says }) => says);
  const newest = async () => (await table.changesAfter((await table.head()) - 1, 1))[0];
  return { table, events, change, objections, newest };
}

describe("a freeze", () => {
  it("refuses a change, and lets it through with force, which the change log says", async () => {
    const { table, change, newest } = await aTable(guardrails(frozen));
    await expect(change(pin("acme"))).rejects.toMatchObject({ kind: "not allowed" });
    await expect(change(pin("acme"))).rejects.toThrow(/frozen by ada since 2026-11-20T10:00:00.000Z: incident 42/);
    await expect(change(pin("acme"))).rejects.toMatchObject({ remedies: [{ operation: "force change" }] });
    expect(await table.head()).toBe(3);
    await change(pin("acme"), { force: true });
    expect(await newest()).toMatchObject({ revision: 4, forced: true });
  });

  it("lets a change that takes back through, which isn't logged as forced even with force", async () => {
    const { table, change, newest } = await aTable(pin("acme"), guardrails(frozen));
    const [pinned] = await table.changesAfter(2, 1);
    if (pinned === undefined) throw new Error("no change");
    await change({ kind: "revert", changes: [pinned] }, { force: true });
    expect(await newest()).not.toHaveProperty("forced");
    await change(guardrails({}));
    await change(pin("acme"));
    expect(await newest()).not.toHaveProperty("forced");
  });

  it("a freeze that is committed between plan and commit stops the change all the same", async () => {
    const { table, change } = await aTable();
    const calls = portCalls();
    const held = surrounded(table, ["rows", "commit", "components", "head"], calls.around);
    const commit = calls.hold("commit");
    const late = change(pin("acme"), {}, held as typeof table);
    await eventually(commit.reached);
    await change(guardrails(frozen));
    commit.release();
    await expect(late).rejects.toThrow("incident 42");
    expect(await table.head()).toBe(3);
  });
});

describe("a budget", () => {
  it("a budget of customers counts those off the default alias after the change, and is exceeded by one more", async () => {
    const { objections } = await aTable(guardrails({ maxCustomersOff: 1 }), pin("acme"));
    expect(await objections(pin("a-1", { alias: "stable" }, "project"))).toEqual([]);
    expect(await objections(pin("globex", { alias: "stable" }))).toEqual([]);
    expect(await objections(pin("globex"))).toEqual([
      "2 customers would sit off mailer's default alias; the budget is 1",
    ]);
    expect(await objections({ kind: "unpin", level: "customer", id: "acme", component: "mailer" })).toEqual([]);
  });

  it("is refused when the change is made, and forced, in the log", async () => {
    const { table, events, change, newest } = await aTable(guardrails({ maxCustomersOff: 0 }));
    const checked = await previewChange(table, pin("acme"), now, events);
    await expect(change(pin("acme"), { checked })).rejects.toThrow("1 customers would sit off");
    await change(pin("acme"), { checked, force: true });
    expect(await newest()).toMatchObject({ forced: true });
  });

  it("a budget that was set after the preview is a conflict, not a hole", async () => {
    const { table, events, change } = await aTable();
    const checked = await previewChange(table, pin("acme"), now, events);
    await change(guardrails({ maxCustomersOff: 0 }));
    await expect(change(pin("acme"), { checked })).rejects.toMatchObject({ kind: "conflict" });
  });

  it("doesn't count settings, which move nobody", async () => {
    const { objections } = await aTable(pin("acme"), guardrails({ maxCustomersOff: 0 }));
    expect(await objections({ kind: "create cohort", cohort: "staff", description: "", who: "a", at: "b" })).toEqual(
      [],
    );
  });
});

describe("a protected subject", () => {
  const guarded = guardrails({ protectedSubjects: ["customer#acme", "customer#stranger", "plan#free"] });
  const said = (who: string) => [`events of ${who} would move on mailer, and are protected`];

  it("is not moved itself, nor is what is its own", async () => {
    const { objections } = await aTable(guarded);
    expect(await objections(pin("acme"))).toEqual(said("customer acme"));
    expect(await objections(pin("a-1", {}, "project"))).toEqual(said("customer acme"));
    expect(await objections(pin("globex"))).toEqual(said("plan free"));
    expect(await objections(pin("acme", { alias: "stable" }))).toEqual([]);
    expect(await objections(pin("elsewhere"))).toEqual([]);
  });

  it("is not moved by all-stable to another fallback: that is what is refused", async () => {
    const fallback = (alias: string): RoutingEdit => {
      return { kind: "change component", component: "mailer", change: { set: "fallback alias", alias } };
    };
    const { objections, change } = await aTable();
    expect(await objections(fallback("beta"))).toEqual([]);
    await change(guardrails({ protectedSubjects: ["customer#acme"], maxCustomersOff: 2, maxEventShareOff: 0 }));
    const were = "were mailer all stable, ";
    expect(await objections(fallback("beta"))).toEqual([
      `${were}3 customers would sit off mailer's default alias; the budget is 2`,
      `${were}events of customer acme would move on mailer, and are protected`,
    ]);
    expect(await objections({ kind: "remove component", component: "mailer" })).toEqual([]);
    await change(fallback("beta"), { force: true });
    expect(await objections(fallback("stable"))).toEqual([]);
  });

  it("is looked at even when the directory doesn't know it", async () => {
    const { objections } = await aTable(guarded);
    const change = { set: "default alias", alias: "beta" } as const;
    expect(await objections({ kind: "change component", component: "mailer", change })).toEqual([
      expect.stringContaining("customer stranger"),
    ]);
  });
});

describe("the last hour's events", () => {
  const record = (
    id: string,
    minutesAgo: number,
    subject: EventRecord["subject"],
    components = ["mailer"],
  ): EventRecord => {
    const t0 = new Date(now.getTime() - minutesAgo * 60_000);
    const expiresAt = new Date(now.getTime() + 86_400_000);
    const facts = {
      source: "shop",
      detailType: "order",
      time: t0.toISOString(),
      messageId: id,
      id,
      idempotencyKey: id,
    };
    return {
      ...facts,
      t0,
      eventKey: `key-${id}`,
      payloadHash: "a".repeat(64),
      subject,
      components,
      body: "{}",
      expiresAt,
    };
  };

  it("are counted where they would move, with the deliveries that are in flight", async () => {
    const { table, events, objections } = await aTable(guardrails({ maxEventShareOff: 5_000 }));
    await events.record([
      record("1", 1, { customer: "acme" }),
      record("2", 30, { project: "a-1", customer: "acme" }),
      record("3", 59, { customer: "globex" }),
      record("4", 61, { customer: "acme" }),
      record("5", 2, { customer: "acme" }, []),
    ]);
    const claimed = aClaimRequest({ component: "mailer", eventKey: "key-1" });
    const other = aClaimRequest({ component: "mailer", eventKey: "key-3" });
    await events.claim([claimed, other], "owner", now);
    const { traffic } = await previewChange(table, pin("acme"), now, events);
    const off = { before: 0, after: 2 };
    expect(traffic).toEqual({
      cut: false,
      components: [{ component: "mailer", events: 3, moved: 2, inFlight: 1, off }],
    });
    expect(await objections(pin("acme"))).toEqual([
      "66.67% of the last hour's events would go off mailer's default alias; the budget is 50%",
    ]);
    expect(await objections(pin("globex"))).toEqual([]);
  });

  it("are counted where they would no longer reach a component that is removed, or listens to less", async () => {
    const { table, events } = await aTable();
    const of = (detail: string) => JSON.stringify({ ...EVENT, source: detail });
    const listened = ["mailer"];
    await events.record([
      { ...record("1", 1, { customer: "acme" }, listened), body: of("shop") },
      { ...record("2", 2, { customer: "acme" }, listened), body: of("till") },
      record("3", 3, { customer: "acme" }, []),
    ]);
    const unreached = async (edit: RoutingEdit) =>
      (await previewChange(table, edit, now, events)).traffic?.components.map((each) => each.unreached);
    const narrowed = aComponent({ name: "mailer", pattern: { source: ["till"] } });
    expect(await unreached({ kind: "remove component", component: "mailer" })).toEqual([2]);
    expect(await unreached({ kind: "apply component", component: narrowed })).toEqual([1]);
    expect(await unreached(pin("acme"))).toEqual([undefined]);
  });

  it("are looked at up to a bound, the newest first, and it is said when there are more", async () => {
    const { table, events } = await aTable();
    const many = Array.from({ length: 20_001 }, (_, i) => record(`${i}`, i < 20_000 ? 1 : 50, { customer: "acme" }));
    await events.record(many);
    const { traffic } = await previewChange(table, pin("acme"), now, events);
    expect(traffic).toMatchObject({ cut: true, components: [{ events: 20_000, moved: 20_000 }] });
  });
});

describe("the subjects pinned to an alias", () => {
  it("are those whose pin counts, will count, or has it as its successor", async () => {
    const later = { from: "2999-01-01T00:00:00.000Z" };
    const over = {
      kind: "pin",
      level: "plan",
      id: "over",
      component: "mailer",
      pin: aPin({ until: "2026-11-20T10:00:00.001Z" }),
    } as const;
    const { table } = await aTable(
      pin("acme"),
      pin("b", later),
      pin("c", { alias: "stable", successor: "beta" }),
      pin("d", { alias: "stable" }),
      over,
    );
    const found = await Array.fromAsync(pinnedTo(table, "mailer", "beta", new Date(now.getTime() + 1)));
    expect(found).toEqual(["customer#acme", "customer#b", "customer#c"]);
  });
});
