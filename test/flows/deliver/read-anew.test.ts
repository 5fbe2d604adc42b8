import { expect, it } from "vitest";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { readAnew } from "../../../shared/flows/deliver/route-message.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import { aMessage, aRouter, putRows, T0 } from "../../support/router.ts";

it("an event that couldn't be read is read by where its source's customer stands now, in the place that it had", async () => {
  const source = { source: "shop", customer: "detail.order" };
  const { ports, table, records } = await aRouter({ rows: { "source#shop": source } });
  const about = { id: "e-1", detail: { order: { by: "acme" } }, sequence: 7 };
  await routeBatch(ports, [aMessage({ ...about, messageId: "m-1" })]);
  const [stored] = await records();
  if (stored === undefined) throw new Error("nothing is stored");
  const read = () => routingCache(table).decideOn((view) => readAnew({ ...stored, sequence: 7 }, view, T0));
  expect(stored.rejected).toContain("detail.order");
  expect(await read()).toBeUndefined();
  await putRows(table, { "source#shop": { ...source, customer: "detail.order.by" } });
  const anew = await read();
  expect(anew?.record).toMatchObject({ id: "e-1", subject: { customer: "acme" }, t0: stored.t0, sequence: 7 });
  expect(anew?.record.eventKey).not.toBe(stored.eventKey);
});
