import { expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import { unresolvedAmong } from "../../../shared/flows/watch/unresolved-among.ts";
import { ARRIVED, anEntry } from "../../support/stored-events.ts";

const later = new Date(ARRIVED.getTime() + 60_000);
const [first, second] = ["a".repeat(64), "b".repeat(64)] as const;

/** Of failures of these, in a ledger with these besides. */
async function unresolved(failed: (LedgerEntry | string)[], others: LedgerEntry[] = []) {
  const known = failed.filter((one) => typeof one !== "string");
  const all = [...known, ...others];
  let reads = 0;
  const events = {
    deliveries: async (keys: readonly string[]) => {
      reads++;
      return keys.map((key) => all.find(({ deliveryKey }) => deliveryKey === key));
    },
    deliveriesOf: async (keys: readonly string[]) => {
      reads++;
      return Map.groupBy(
        all.filter(({ eventKey }) => keys.includes(eventKey)),
        ({ eventKey }) => eventKey,
      );
    },
  };
  const failures = failed.map((one) => ({ deliveryKey: typeof one === "string" ? one : one.deliveryKey }) as Failure);
  return { count: await unresolvedAmong(events, failures), reads };
}

it("of failures those are unresolved that are dead, and that no later replay has made good", async () => {
  const dead = anEntry({ eventKey: first, status: "dead" });
  const open = anEntry({ eventKey: second, status: "failed" });
  expect(await unresolved([dead, open, "forgotten"])).toEqual({ count: 1, reads: 2 });
  const replayed = anEntry({ eventKey: first, generation: "replay-1", since: later, status: "done" });
  expect((await unresolved([dead], [replayed])).count).toBe(0);
  expect((await unresolved([dead], [{ ...replayed, component: "invoice" }])).count).toBe(1);
  expect((await unresolved([dead, dead])).count).toBe(1);
});

it("what has no failures, or none that is dead, isn't looked at any further", async () => {
  expect(await unresolved([])).toEqual({ count: 0, reads: 0 });
  expect(await unresolved([anEntry({ eventKey: first, status: "done" })])).toEqual({ count: 0, reads: 1 });
});
