import { expect, it } from "vitest";
import { DEFAULT_GUARDRAILS, type Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import { exceededBudgets } from "../../../shared/flows/change/exceeded-budgets.ts";
import { aComponent, aPin, aRecord } from "../../support/builders.ts";
import { noEvents } from "../../support/no-events.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const now = new Date("2026-11-20T10:00:00.000Z");

/** What is told of budgets where two customers of three, and half of the last hour's events, are off the default alias. */
async function told(budgets: Partial<Guardrails>): Promise<string[]> {
  const { table, change } = aRoutingTable();
  await change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  for (const id of ["acme", "globex"]) {
    await change({ kind: "pin", level: "customer", id, component: "mailer", pin: aPin() });
  }
  await change({ kind: "set directory rows", rows: [{ level: "customer", id: "initech", plan: "free" }] });
  const of = (id: string, customer: string) => aRecord({ id, t0: now, subject: { customer }, components: ["mailer"] });
  const events = {
    ...noEvents,
    async *records() {
      yield [of("1", "acme"), of("2", "initech")];
    },
  };
  return exceededBudgets(table, events, { ...DEFAULT_GUARDRAILS, ...budgets }, now);
}

const CUSTOMERS = "2 customers off mailer's default alias already, over 1";
const EVENTS = "50% of the last hour's events off mailer's default alias already, over 49%";

it("a budget that is exceeded as things are is told, each by itself and both together", async () => {
  expect(await told({ maxCustomersOff: 1 })).toEqual([CUSTOMERS]);
  expect(await told({ maxEventShareOff: 4_900 })).toEqual([EVENTS]);
  expect(await told({ maxCustomersOff: 1, maxEventShareOff: 4_900 })).toEqual([CUSTOMERS, EVENTS]);
});

it("a budget that is used up and no more isn't exceeded", async () => {
  expect(await told({ maxCustomersOff: 2, maxEventShareOff: 5_000 })).toEqual([]);
  expect(await told({})).toEqual([]);
});
