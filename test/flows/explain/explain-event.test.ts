import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { explainDelivery, findEvents } from "../../../shared/flows/explain/explain-event.ts";
import { anyEdit, anySubject } from "../../support/any-routing.ts";
import { type AboutEvent, aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aMessage, aRouter, T0 } from "../../support/router.ts";

const window = { from: new Date(0), to: new Date("2100-01-01") };

describe("the explanation of a delivery", () => {
  it("says what the ledger says was done, whatever the routing was then and became since", async () => {
    const step = fc.record({ edit: anyEdit, subject: anySubject });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        const { ports, table, events, time } = await aRouter({ components: [aComponent({ name: "mailer" })] });
        for (const [n, { edit, subject }] of steps.entries()) {
          const meta = { who: "ada", why: "", command: "test", at: time.now() };
          await changeRoutes(table, { ...meta, changeId: `edit-${n}`, edit });
          await routeBatch(ports, [aMessage({ ...(subject as AboutEvent), id: `e-${n}`, messageId: `m-${n}` })]);
        }
        for (const [n] of steps.entries()) {
          const [found] = await Array.fromAsync(findEvents(events, window, `e-${n}`, T0));
          for (const outcome of found?.outcomes ?? []) {
            const { entry, atDecision, component } = await explainDelivery(table, outcome, time.now());
            if (component === undefined) continue;
            expect(atDecision?.revision).toBe(entry?.routingRevision);
            expect(atDecision?.decision).toMatchObject({ alias: entry?.alias, because: entry?.because });
            expect(atDecision?.subject).toEqual(found?.record.subject);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("looks at periods as of the claim, not of today", async () => {
    const until = new Date(T0.getTime() + 60_000).toISOString();
    const rows = { "customer#acme": aSubjectRow({ pins: { "release-coordinator": aPin({ until }) } }) } as const;
    const { ports, table, events, time } = await aRouter({ rows });
    const decidedAt = time.now();
    await routeBatch(ports, [aMessage({ customer: "acme" })]);
    const [found] = await Array.fromAsync(findEvents(events, window, "event-1", T0));
    const [outcome] = found?.outcomes ?? [];
    if (outcome === undefined) throw new Error("no delivery");
    const later = new Date(time.now().getTime() + 3_600_000);
    const explained = await explainDelivery(table, outcome, later);
    expect(explained.atDecision?.decision.because).toBe("customer pin");
    expect(explained.decidedAt).toEqual(decidedAt);
    expect(explained.now?.decision.because).toBe("default alias");
  });

  it("is left out where nothing was decided: an unreadable event, one that nobody listened to", async () => {
    const component = aComponent({ pattern: { source: ["elsewhere"] } });
    const { ports, table, events, time } = await aRouter({ components: [component] });
    await routeBatch(ports, [aMessage({ messageId: "bad", body: "{" }), aMessage({ id: "unheard" })]);
    for (const name of ["bad", "unheard"]) {
      const [found] = await Array.fromAsync(findEvents(events, window, name, T0));
      const [outcome] = found?.outcomes ?? [];
      if (outcome === undefined) throw new Error("no outcome");
      expect(await explainDelivery(table, outcome, time.now())).toEqual(outcome);
    }
  });
});
