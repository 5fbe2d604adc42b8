import { expect, it } from "vitest";
import { deliveryCounter } from "../../../shared/flows/deliver/count-deliveries.ts";
import { eventually } from "../../support/port-calls.ts";

it("what couldn't be stored is told, and stored with what comes next: at once where that has taken as long", async () => {
  let nowMs = 0;
  const [stored, waits, counted, errors]: [number[], number[], unknown[], unknown[]] = [[], [], [], []];
  let over = () => {};
  const counter = deliveryCounter({
    events: {
      count: async ({ spans }) => {
        nowMs += 7_000;
        if (errors.length === 0) throw new Error("the store is away");
        stored.push(spans[0]?.counts.length ?? 0);
      },
    },
    now: () => new Date(nowMs),
    whileIdle: (ms) => {
      waits.push(ms);
      return new Promise((resolve) => {
        over = resolve;
      });
    },
    newId: () => "counter-1",
    onCounted: ({ version }) => void counted.push(version),
    onError: (error) => void errors.push(error),
  });
  counter.add({ component: "mailer", version: "1", alias: "stable", type: "sent", outcome: "done" });
  await counter.settle();
  expect([errors.length, waits, counted]).toEqual([1, [0], ["1"]]);
  over();
  await eventually(() => stored.length === 1);
  expect(stored).toEqual([1]);
});

it("batches that end one after the other wait for one store of what they have counted, and the next for another", async () => {
  let nowMs = Date.parse("2026-11-20T10:00:00.000Z");
  const stored: number[] = [];
  const waits: { ms: number; over: () => void }[] = [];
  const counter = deliveryCounter({
    events: { count: async ({ spans }) => void stored.push(spans[0]?.counts.length ?? 0) },
    now: () => new Date(nowMs),
    whileIdle: (ms) => new Promise((over) => waits.push({ ms, over })),
    newId: () => "counter-1",
    onError: (error) => {
      throw error;
    },
  });
  const batch = async (version: string) => {
    counter.add({ component: "mailer", version, alias: "stable", type: "sent", outcome: "done" });
    await counter.settle();
    nowMs += 1_000;
  };
  for (const version of ["1", "2", "3"]) await batch(version);
  expect([stored, waits.map(({ ms }) => ms)]).toEqual([[1], [4_000]]);
  waits[0]?.over();
  await eventually(() => stored.length === 2);
  expect(stored).toEqual([1, 3]);
  await batch("4");
  expect(waits).toHaveLength(2);
});
