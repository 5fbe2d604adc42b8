import { expect, it } from "vitest";
import { newWatch, type TakenOff, type Watch } from "../../../shared/domain/health/watch.ts";
import { carryOn } from "../../../shared/flows/watch/carry-on.ts";
import type { GuardPorts } from "../../../shared/flows/watch/guard-ports.ts";
import { aComponent } from "../../support/builders.ts";

const NOW = new Date("2026-11-20T10:00:00.000Z");
const component = aComponent({ name: "mailer" });
const targets = [{ alias: "beta", version: "2" }];

const taken = (who: string, about: Partial<TakenOff> = {}): TakenOff => ({
  ...{
    who: `customer#${who}`,
    at: NOW.toISOString(),
    stage: "found",
    mode: "watch",
    revision: 7,
    why: `bad for ${who}`,
  },
  ...about,
});

/** A guard that goes on with this watch: what it stores, and what it tells. */
async function carried(about: Partial<Watch>) {
  const watch = { ...newWatch({ component: "mailer", alias: "beta", version: "2" }, NOW, NOW), ...about };
  const stored: Watch[] = [];
  const told: string[] = [];
  const ports = {
    watches: { put: async (one: Watch) => stored[stored.push(one) - 1] },
    notify: async (event: string) => void told.push(JSON.parse(event).detail.about),
    now: () => NOW,
    newId: () => "id",
  } as unknown as GuardPorts;
  await carryOn(ports, component, watch, targets);
  return { stored, told };
}

it("whoever was found is told of once, and nobody who was dealt with before", async () => {
  const before = taken("acme", { stage: "ended", done: "long ago" });
  const { stored, told } = await carried({ taken: [before, taken("globex")] });
  expect(told).toEqual(["customer globex"]);
  expect(stored[0]).toMatchObject({ keeper: { id: "id", until: "2026-11-20T10:01:00.000Z" } });
  expect(stored[1]?.taken).toEqual([before, expect.objectContaining({ who: "customer#globex", stage: "ended" })]);
  expect(stored[1]).not.toHaveProperty("keeper");
  expect(stored[1]).not.toHaveProperty("waits");
});

it("what another guard keeps is left to it until that very moment", async () => {
  const kept = (ms: number) => ({ id: "other", until: new Date(NOW.getTime() + ms).toISOString() });
  expect((await carried({ taken: [taken("acme")], keeper: kept(1) })).stored).toEqual([]);
  expect((await carried({ taken: [taken("acme")], keeper: kept(0) })).told).toEqual(["customer acme"]);
});
