import { describe, expect, it } from "vitest";
import type { EventOutcome, OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { listEvents } from "../../../shared/flows/explain/list-events.ts";
import { aComponent, aSubjectRow } from "../../support/builders.ts";
import { aMessage, aRouter, putRows, T0 } from "../../support/router.ts";

const window = { from: T0, to: new Date(T0.getTime() + 60_000) };
const orders = aComponent({ name: "mailer", pattern: { "detail-type": ["order placed"] } });

async function aDay() {
  const router = await aRouter({ components: [orders, aComponent({ name: "auditor" })] });
  const { ports, events, time } = router;
  await routeBatch(ports, [
    aMessage({ id: "e-1", messageId: "m-1", customer: "acme" }),
    aMessage({ id: "e-2", messageId: "m-2", customer: "globex", sentAt: new Date(T0.getTime() + 1_000) }),
    aMessage({ id: "e-3", messageId: "m-3", detailType: "seen", sentAt: new Date(T0.getTime() + 2_000) }),
    aMessage({ id: "late", messageId: "m-4", sentAt: window.to }),
  ]);
  router.calls.since();
  return {
    ...router,
    pages: (filter: OutcomeFilter) =>
      Array.fromAsync(listEvents({ events, routing: ports.routing }, window, filter, time.now())),
  };
}

const told = (pages: EventOutcome[][]) =>
  pages.flat().map(({ record, component, status }) => `${record.id} ${component} ${status}`);

describe("the list of events", () => {
  it("has one line per event and component, the oldest first, of the window alone", async () => {
    const { pages } = await aDay();
    const all = ["e-1 auditor", "e-1 mailer", "e-2 auditor", "e-2 mailer", "e-3 auditor"].map((line) => `${line} done`);
    expect(told(await pages({}))).toEqual(all);
  });

  it("shows what matches, and no page where nothing does", async () => {
    const { pages } = await aDay();
    expect(told(await pages({ customer: "globex", component: "mailer" }))).toEqual(["e-2 mailer done"]);
    expect(await pages({ customer: "initech" })).toEqual([]);
  });

  it("knows who is in a cohort by the directory as it is when it is asked", async () => {
    const { pages, table } = await aDay();
    const inStaff = { cohort: "staff", component: "mailer" };
    expect(await pages(inStaff)).toEqual([]);
    await putRows(table, { "customer#acme": aSubjectRow({ cohorts: ["staff"] }) });
    expect(told(await pages(inStaff))).toEqual(["e-1 mailer done"]);
  });

  it("asks nothing of the directory unless it is about a cohort", async () => {
    const { pages, calls } = await aDay();
    await pages({ component: "mailer" });
    expect(calls.since()).toEqual([]);
  });

  it("refuses a pattern that is none", async () => {
    const { pages } = await aDay();
    await expect(pages({ pattern: { source: [] } })).rejects.toThrow("The pattern: ");
  });
});
