import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyIn } from "../../../shared/domain/deliveries/inbox-item.ts";
import type { ListenerSaid } from "../../../shared/flows/listen/laptop-listener.ts";
import { failedHere } from "../../../shared/flows/listen/left-dead.ts";
import { anItem } from "../../contracts/laptop-store.contract.ts";
import { done, failed } from "../../support/router.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const itemOf = (n: number) => {
  const item = anItem({ requestId: `r-${n}` });
  return { ...item, turnout: { ...item.turnout, idempotencyKey: `${String(n).padStart(64, "0")}#live`, attempt: 1 } };
};
const keyOf = (n: number) => deliveryKeyIn(itemOf(n));
const entryOf = (n: number, about: Partial<LedgerEntry>) => anEntry({ deliveryKey: keyOf(n), attempt: 1, ...about });
const ended = (n: number, result: typeof done | typeof failed): ListenerSaid =>
  ({ said: "ended", item: itemOf(n), record: aRecord({}), result }) as ListenerSaid;

/** @param looks what the ledger has at each look; the last one stays */
async function leftDead(said: readonly ListenerSaid[], ...looks: LedgerEntry[][]) {
  const here = failedHere();
  for (const one of said) here.hear(one);
  const asked: (readonly string[])[] = [];
  const events = {
    deliveries: async (keys: readonly string[]) => {
      const ledger = looks[Math.min(asked.push(keys), looks.length) - 1] ?? [];
      return keys.map((key) => ledger.find(({ deliveryKey }) => deliveryKey === key));
    },
  };
  return { left: await here.leftDead({ events, delay: async () => {} }), asked };
}

describe("failedHere", () => {
  it("tells how many deliveries are dead that failed here, and when their events arrived", async () => {
    const [t1, t2] = [new Date("2026-11-20T10:00:00.000Z"), new Date("2026-11-20T10:05:00.000Z")];
    const ledger = [
      entryOf(1, { status: "dead", t0: t2 }),
      entryOf(2, { status: "dead", t0: t1 }),
      entryOf(3, { status: "failed", t0: new Date("2026-11-20T11:00:00.000Z") }),
    ];
    const { left } = await leftDead([ended(1, failed), ended(2, failed), ended(3, failed)], ledger);
    expect(left).toEqual({ dead: 2, window: { from: t1, to: new Date("2026-11-20T10:05:00.001Z") } });
  });

  it("asks for nothing where nothing failed, or all of it was done after that", async () => {
    const { left, asked } = await leftDead([ended(1, failed), ended(1, done), ended(2, done)]);
    expect([left, asked]).toEqual([undefined, []]);
  });

  it("waits until the outcome of what failed last was taken", async () => {
    const accepted = entryOf(1, { status: "accepted" });
    const { left, asked } = await leftDead(
      [ended(1, failed)],
      [accepted],
      [accepted],
      [entryOf(1, { status: "dead" })],
    );
    expect([left?.dead, asked.length]).toEqual([1, 3]);
  });

  it("waits for no attempt after that, which is somebody else's", async () => {
    const { left, asked } = await leftDead([ended(1, failed)], [entryOf(1, { status: "claimed", attempt: 2 })]);
    expect([left, asked.length]).toEqual([undefined, 1]);
  });

  it("gives up where nobody takes outcomes", async () => {
    const { left, asked } = await leftDead([ended(1, failed)], [entryOf(1, { status: "accepted" })]);
    expect([left, asked.length]).toEqual([undefined, 15]);
  });
});
