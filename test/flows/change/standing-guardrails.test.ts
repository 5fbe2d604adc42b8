import { expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { refuseFrozen, standingAgainst } from "../../../shared/flows/change/standing-guardrails.ts";
import { aComponent } from "../../support/builders.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const move = { component: "mailer", alias: "stable", from: "1" };

it("a move to a version that was found to be worse is told so, and one to another isn't", async () => {
  const { table, change } = aRoutingTable();
  await change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  const bad = async (to: string) => (await standingAgainst(table, { ...move, to })).bad?.version;
  expect(await bad("2")).toBeUndefined();
  const found = { alias: "stable", version: "2", why: "it failed", at: now.toISOString() };
  const { rows } = await table.rows(["component#mailer"]);
  const row = { ...(rows.get("component#mailer") as object), badVersions: [found] } as never;
  await change({ kind: "put rows", rows: [{ key: "component#mailer", row }] });
  expect([await bad("2"), await bad("3")]).toEqual(["2", undefined]);
});

it("a freeze refuses what asks, unless that goes past it by force", async () => {
  const { table, change } = aRoutingTable();
  await change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  await expect(refuseFrozen(table, false)).resolves.toBeUndefined();
  const freeze = { who: "ada", why: "42", at: now.toISOString() };
  await change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } });
  await expect(refuseFrozen(table, false)).rejects.toThrow("frozen by ada");
  await expect(refuseFrozen(table, true)).resolves.toBeUndefined();
});
