import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { printOutcomes } from "../../scripts/embedded/outcome-table.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { aComponent } from "../support/builders.ts";
import { aMessage, aRouter, T0 } from "../support/router.ts";

async function printed(components: readonly string[]) {
  const listening = components.map((name) => aComponent({ name, pattern: { "detail-type": ["order placed"] } }));
  const router = await aRouter({ components: listening });
  const ids = ["one", "two", "three"];
  for (const id of ids) {
    const detailType = id === "three" ? "order shipped" : "order placed";
    await routeBatch(router.ports, [aMessage({ messageId: id, id, detailType, idempotencyKey: id })]);
  }
  const out = new PassThrough();
  const window = { from: T0, to: new Date(T0.getTime() + 1) };
  const result = await printOutcomes(router.events, window, new Set(ids), out);
  out.end();
  return { ...result, lines: (await text(out)).trim().split("\n") };
}

it("the table of what a run delivered names each component where there are several, and sums up events and deliveries", async () => {
  const { lines, stored, delivered } = await printed(["mailer", "invoice"]);
  expect([stored, delivered]).toEqual([3, true]);
  expect(lines).toEqual([
    "EVENT TYPE    COMPONENT  ALIAS   VERSION  OUTCOME               EVENTS",
    "order placed  invoice    stable  7        done                       2",
    "order placed  mailer     stable  7        done                       2",
    "1 other type                              no component listens       1",
    "",
    "3 events, 1 without a listener; 4 deliveries: 4 done.",
  ]);
});

it("the table of what a run delivered has no column for the only component", async () => {
  const { lines } = await printed(["mailer"]);
  expect(lines[0]).toMatch(/^EVENT TYPE +ALIAS +VERSION +OUTCOME +EVENTS$/);
  expect(lines.at(-1)).toBe("3 events, 1 without a listener; 2 deliveries: 2 done.");
});
