import fc from "fast-check";
import { expect } from "vitest";
import type { ClaimRequest, Close } from "../../shared/domain/deliveries/delivery.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";

/** One owner claims a delivery, or closes the attempt that it last won there, perhaps long after. */
type Deed = { does: "claim" | "done" | "failed" | "postponed"; owner: string; delivery: number };

/** Deeds that are done at once, and how much later than the ones before, in ms. Leases are short. */
export type Round = { wait: number; deeds: Deed[] };

export const turmoil: fc.Arbitrary<Round[]> = fc.array(
  fc.record({
    wait: fc.constantFrom(0, 1, 10, 11),
    deeds: fc.array(
      fc.record({
        does: fc.constantFrom("claim", "claim", "claim", "done", "failed", "postponed"),
        owner: fc.constantFrom("ada", "bob", "cleo", "dan"),
        delivery: fc.nat(1),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  }),
  { maxLength: 12 },
);

/** An attempt that somebody won. */
type Won = { owner: string; at: number; round: number; leaseUntil: number };
/** A close that took effect. */
type Taken = { attempt: number; round: number; outcome: Close["outcome"] };

/** Does all deeds of a round at once, through several stores in turn, and checks what the ledger promises. */
export async function inTurmoil(
  stores: readonly EventStore[],
  requests: readonly ClaimRequest[],
  rounds: readonly Round[],
  start: Date,
): Promise<void> {
  const histories = requests.map((request) => historyOf(request));
  let now = start.getTime();
  for (const [round, { wait, deeds }] of rounds.entries()) {
    now += wait;
    // Decided before any of them: in the same round nobody knows of the others.
    const calls = deeds.flatMap((deed, n) => histories[deed.delivery]?.callOf(deed, round, now, n) ?? []);
    await Promise.all(calls.map((call, n) => call(stores[n % stores.length] as EventStore)));
    for (const history of histories) await history.check(stores[round % stores.length] as EventStore, round);
  }
}

function historyOf(request: ClaimRequest) {
  const { deliveryKey, eventKey } = request;
  const won = new Map<number, Won>();
  const taken: Taken[] = [];
  let newest = 0;

  async function claim(store: EventStore, owner: string, round: number, now: number): Promise<void> {
    const [answer] = await store.claim([request], owner, new Date(now));
    if (answer === undefined || !answer.won) return;
    const { attempt, leaseUntil } = answer;
    const known = won.get(attempt);
    if (known !== undefined) expect(known.owner, `attempt ${attempt} has two owners`).toBe(owner);
    else won.set(attempt, { owner, at: now, round, leaseUntil: leaseUntil.getTime() });
  }

  async function close(store: EventStore, closing: Close, round: number): Promise<void> {
    const [effect] = await store.close([closing]);
    if (effect === true) taken.push({ attempt: closing.attempt, round, outcome: closing.outcome });
  }

  return {
    callOf({ does, owner, delivery: _ }: Deed, round: number, now: number, n: number) {
      // A fresh owner per claim and batch, as the router draws them: an owner that repeats would recognise itself.
      const name = `${owner} in round ${round}${n % 3 === 0 ? "" : `, ${n}`}`;
      if (does === "claim") return [(store: EventStore) => claim(store, name, round, now)];
      const mine = [...won].filter(([, attempt]) => attempt.owner.startsWith(owner)).map(([attempt]) => attempt);
      const attempt = mine.at(-1);
      if (attempt === undefined) return [];
      const base = { deliveryKey, attempt, at: new Date(now) };
      const error = { type: "Error", message: does };
      const closing: Close =
        does === "done"
          ? { ...base, outcome: "done" }
          : { ...base, outcome: does, error, nextAttemptAt: new Date(now + 1) };
      return [(store: EventStore) => close(store, closing, round)];
    },

    async check(store: EventStore, round: number): Promise<void> {
      const [entry] = (await store.deliveriesOf([eventKey])).get(eventKey) ?? [];
      const attempt = entry?.attempt ?? 0;
      expect(attempt, "the attempt fell").toBeGreaterThanOrEqual(newest);
      expect(attempt, "an attempt that nobody won").toBe(Math.max(0, ...won.keys()));
      newest = attempt;
      for (const [number, { at, round: wonIn }] of won) {
        if (wonIn !== round || number === 1) continue;
        const before = won.get(number - 1);
        const over = (before?.leaseUntil ?? Infinity) <= at;
        const closedBefore = taken.some((close) => close.attempt === number - 1 && close.round <= round);
        expect(over || closedBefore, `attempt ${number} began while ${number - 1} was live`).toBe(true);
      }
      for (const { attempt: number, round: closedIn, outcome } of taken) {
        if (closedIn === round) {
          const overtaken = (won.get(number + 1)?.round ?? Infinity) < round;
          expect(overtaken, `attempt ${number} closed after ${number + 1} had begun`).toBe(false);
        }
        if (outcome === "done") expect(attempt, "claimed again after it was done").toBe(number);
      }
      expect(new Set(taken.map((close) => close.attempt)).size, "closed twice").toBe(taken.length);
    },
  };
}
