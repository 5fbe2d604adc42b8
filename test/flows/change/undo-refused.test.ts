import { expect, it } from "vitest";
import { DEFAULT_GUARDRAILS, type Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { undoIsRefused } from "../../../shared/flows/change/undo-refused.ts";
import { aComponent, aPin } from "../../support/builders.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const freeze = { who: "ada", why: "incident 42", at: now.toISOString() };
const unpin: RoutingEdit = { kind: "unpin", level: "customer", id: "acme", component: "mailer" };

/** Whether taking back that acme was unpinned would be refused, under these guardrails. */
async function isRefused(about: Partial<Guardrails>, edit: RoutingEdit = unpin) {
  const { table, change } = aRoutingTable();
  await change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  await change({ kind: "set plan", customer: "acme", plan: "paid" });
  await change({ kind: "pin", level: "customer", id: "acme", component: "mailer", pin: aPin() });
  const guardrails = { ...DEFAULT_GUARDRAILS, ...about };
  await change({ kind: "set guardrails", guardrails }, { force: true });
  await change(unpin, { force: true });
  const [entry] = await table.changesAfter((await table.head()) - 1, 1);
  return undoIsRefused({ table }, edit, { rows: entry?.rows ?? [], guardrails }, now);
}

it("taking a change back is refused by a budget that counts the way back, by a protected subject and by a freeze", async () => {
  expect(await isRefused({ maxCustomersOff: 0 })).toBe(true);
  expect(await isRefused({ maxCustomersOff: 1 })).toBe(false);
  expect(await isRefused({ protectedSubjects: ["customer#acme"] })).toBe(true);
  expect(await isRefused({ protectedSubjects: ["customer#globex"] })).toBe(false);
  expect(await isRefused({ freeze })).toBe(true);
});

it("a change of the guardrails can be taken back whatever they are, and so can any where none counts", async () => {
  const guardrails = { ...DEFAULT_GUARDRAILS, freeze };
  expect(await isRefused({ freeze }, { kind: "set guardrails", guardrails })).toBe(false);
  expect(await isRefused({})).toBe(false);
});
