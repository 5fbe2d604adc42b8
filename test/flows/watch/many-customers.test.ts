import { expect, it } from "vitest";
import { hasManyCustomers } from "../../../shared/flows/watch/many-customers.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import type { RouterOptions } from "../../support/router.ts";
import { aRouter, T0 } from "../../support/router.ts";

type Rows = NonNullable<RouterOptions["rows"]>;

const onBeta = () => ({ pins: { "release-coordinator": aPin({ alias: "beta" }) } });

async function isForMany(rows: Rows, aliases = ["beta"], component = aComponent()): Promise<boolean> {
  const { table } = await aRouter({ components: [component], rows });
  return hasManyCustomers(table, "release-coordinator", aliases, T0);
}

const customers = (count: number, alias = "beta"): Rows =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => {
      const pins = { "release-coordinator": aPin({ alias }) };
      return [`customer#${alias}-${n}`, aSubjectRow({ pins })];
    }),
  );

it.each([
  [0, false],
  [2, false],
  [3, true],
])("%i customers on an alias are many: %s", async (count, isMany) => {
  expect(await isForMany(customers(count))).toBe(isMany);
});

it("manyCustomers counts those of all the aliases, and a customer with its projects once", async () => {
  const both = { ...customers(2), ...customers(1, "branch") };
  const component = aComponent({ aliases: ["stable", "beta", "branch"] });
  expect(await isForMany(both, ["beta"], component)).toBe(false);
  expect(await isForMany(both, ["beta", "branch"], component)).toBe(true);
  const projects = Object.fromEntries(
    ["a", "b", "c"].map((id) => [`project#acme/${id}`, aSubjectRow({ customer: "acme", ...onBeta() })]),
  );
  expect(await isForMany({ "customer#acme": aSubjectRow(), ...projects })).toBe(false);
  const orphans = Object.fromEntries(["a", "b", "c"].map((id) => [`project#${id}`, aSubjectRow(onBeta())]));
  expect(await isForMany(orphans)).toBe(true);
});

it("manyCustomers takes a plan, and whoever is nobody in particular, for any number", async () => {
  expect(await isForMany({ "plan#free": aSubjectRow(onBeta()) })).toBe(true);
  expect(await isForMany({}, ["stable"])).toBe(true);
  expect(await isForMany({}, [])).toBe(false);
});
