import { expect, it } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import { type SampledStore, sampledDeliveries } from "../../../shared/flows/watch/sampled-deliveries.ts";
import { aRecord } from "../../support/builders.ts";

const FROM = new Date("2026-11-20T10:00:00.000Z");
const NOW = new Date("2026-11-20T11:00:00.000Z");

/** What is read of a store that has an event each second, in pages of so many, by one look into one stretch of the hour. */
async function reads(components: string[], { random = 0, each = 5, pageSize = 5 } = {}) {
  const windows: number[] = [];
  let read = 0;
  const store: SampledStore = {
    async *records({ from, to }): AsyncGenerator<EventRecord[]> {
      windows.push((from.getTime() - FROM.getTime()) / 1_000);
      for (let at = from.getTime(); at < to.getTime(); at += 1_000 * pageSize) {
        read += pageSize;
        yield Array.from({ length: pageSize }, (_, n) => aRecord({ id: `${at}-${n}`, t0: new Date(at), components }));
      }
    },
    deliveries: async (keys) => keys.map(() => undefined),
  };
  const sampling = { stretches: 1, each, component: "mailer" };
  const window = { from: FROM, to: new Date(NOW.getTime() + 1) };
  await Array.fromAsync(sampledDeliveries(store, window, NOW, () => random, sampling));
  return { windows, read };
}

it("no more is read of a stretch than is asked for, from where chance begins in it", async () => {
  expect(await reads(["mailer"], { random: 0.5 })).toEqual({ windows: [1_800], read: 5 });
});

it("a stretch in which a component has hardly any is given up after ten times as many, before and behind", async () => {
  expect(await reads(["invoice"], { random: 0.5 })).toEqual({ windows: [1_800, 0], read: 2 * 50 });
});
