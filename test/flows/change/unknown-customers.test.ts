import { expect, it } from "vitest";
import { unknownCustomers } from "../../../shared/flows/change/unknown-customers.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

it("A project's customer is unknown when neither the table nor the other rows say anything of it", async () => {
  const { table, change } = aRoutingTable();
  await change({ kind: "set plan", customer: "acme", plan: "paid" });
  const unknown = await unknownCustomers(table, [
    { level: "project", id: "acme/site", customer: "acme" },
    { level: "project", id: "hooli/site", customer: "hooli" },
    { level: "customer", id: "hooli", plan: "free" },
    { level: "project", id: "globex/site", customer: "globbex" },
    { level: "project", id: "globex/shop", customer: "globbex" },
    { level: "project", id: "nobody/site", customer: null },
  ]);
  expect(unknown).toEqual(["globbex"]);
});
