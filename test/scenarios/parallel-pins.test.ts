import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { aComponent, aPin } from "../support/builders.ts";
import { aRoutedCli } from "../support/cli-process.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { aNewRoutingTable, putRows } from "../support/dynamodb-routing.ts";

it("20 processes that pin a customer each at the same moment, under a budget, all do it", async () => {
  const { json, turnout, spawned } = await aRoutedCli();
  await turnout(["guardrails", "set", "--max-customers-off", "50", "--reason", "a test", "--yes"]);
  const customers = Array.from({ length: 20 }, (_, n) => `customer-${n}`);
  const pin = (customer: string) =>
    spawned([
      "pin",
      "--customer",
      customer,
      "--component",
      "release-coordinator",
      "--to",
      "beta",
      "--reason",
      "x",
      "--yes",
    ]);
  const results = await Promise.all(customers.map(pin));
  expect(results.filter(({ code }) => code !== 0)).toEqual([]);
  const pins = await json(["pins"]);
  expect(new Set(pins.map(({ id }) => id))).toEqual(new Set(customers));
});

withDynamoDB("pins at the same moment on DynamoDB", (endpoint) => {
  it("are all made, 30 that don't touch each other", async () => {
    const { table } = await aNewRoutingTable(endpoint);
    await putRows(table, { "component#release-coordinator": aComponent() });
    const pin = (id: string) =>
      changeRoutes(table, {
        edit: { kind: "pin", level: "customer", id, component: "release-coordinator", pin: aPin({ alias: "beta" }) },
        ...{ changeId: randomUUID(), who: "ada", why: "a test", command: "test", at: new Date() },
      });
    const made = await Promise.all(Array.from({ length: 30 }, (_, n) => pin(`customer-${n}`)));
    expect(new Set(made.map(({ revision }) => revision)).size).toBe(30);
    expect(await table.head()).toBe(31);
  });
});
