import { describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS, type Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import { previewMove } from "../../../shared/flows/change/preview-move.ts";
import { aComponent } from "../../support/builders.ts";
import { noEvents } from "../../support/no-events.ts";
import { aRoutingTable } from "../../support/routing-table.ts";
import { aRecord } from "../../support/stored-events.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const move = { component: "mailer", alias: "stable", from: "1", to: "2" };

async function preview(about: Partial<Guardrails>, from: string | null = "1", hasEvents = true) {
  const { table, change } = aRoutingTable();
  await change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  await change({ kind: "set plan", customer: "acme", plan: "paid" });
  await change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, ...about } });
  const record = aRecord({ t0: now, components: ["mailer"], subject: { customer: "acme" } });
  const events = {
    ...noEvents,
    async *records({ from: since, to }: { from: Date; to: Date }) {
      if (hasEvents && record.t0 >= since && record.t0 < to) yield [record];
    },
  };
  return previewMove({ table, events }, { ...move, from }, "publish", now);
}

describe("the preview of a move", () => {
  it("counts customers where there is a budget of them, events where there were some, and protected subjects", async () => {
    expect((await preview({})).impacts).toEqual([{ component: "mailer", eventShareMoved: 10_000, protectedMoved: [] }]);
    expect((await preview({}, "1", false)).impacts).toEqual([{ component: "mailer", protectedMoved: [] }]);
    const guarded = await preview({ maxCustomersOff: 5, protectedSubjects: ["customer#acme"] }, "1", false);
    expect(guarded.impacts).toEqual([{ component: "mailer", customersMoved: 1, protectedMoved: ["customer#acme"] }]);
    expect(guarded.objections).toHaveLength(1);
    expect(guarded.revision).toBe(3);
  });

  it("has nothing against the first version of an alias: it takes nobody from another", async () => {
    const first = await preview({ protectedSubjects: ["customer#acme"] }, null);
    expect([first.impacts, first.objections]).toEqual([[], []]);
  });
});
