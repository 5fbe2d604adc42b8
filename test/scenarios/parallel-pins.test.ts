import { expect, it } from "vitest";
import { aRoutedCli } from "../support/cli-process.ts";

it("20 processes that pin a customer each at the same moment, under a budget, all do it", {
  timeout: 180_000,
}, async () => {
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
