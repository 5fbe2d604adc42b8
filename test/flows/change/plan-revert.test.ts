import { expect, it } from "vitest";
import { planRevert } from "../../../shared/flows/change/plan-revert.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

/** Revisions 1 to 3: acme is free, then paid; globex is paid. */
async function threeChanges() {
  const { table, change } = aRoutingTable();
  for (const [customer, plan] of [
    ["acme", "free"],
    ["acme", "paid"],
    ["globex", "paid"],
  ] as const) {
    await change({ kind: "set plan", customer, plan });
  }
  return { table, change };
}

it("planRevert takes changes back as one edit, and step by step from the newest on, each once", async () => {
  const { table, change } = await threeChanges();
  const { changes, edit, steps } = await planRevert(table, [1, 3, 2, 3]);
  expect(changes.map(({ revision }) => revision)).toEqual([3, 2, 1]);
  expect(steps.map((step) => step.kind === "revert" && step.changes.map(({ revision }) => revision))).toEqual([
    [3],
    [2],
    [1],
  ]);
  // Together they take acme from paid to no plan at all.
  expect((await change(edit)).rows).toMatchObject([
    { key: "customer#globex", before: { plan: "paid" }, after: null },
    { key: "customer#acme", before: { plan: "paid" }, after: null },
  ]);
  expect((await table.rows(["customer#acme", "customer#globex"])).rows.size).toBe(0);
});

it("planRevert fails for a revision that isn't there, and says which is the newest", async () => {
  const { table } = await threeChanges();
  await expect(planRevert(table, [2, 9])).rejects.toThrow("There is no revision 9; the newest is 3.");
});
