import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  BEAT_MS,
  endLease,
  holdLease,
  isLive,
  type LaptopLease,
  LEASE_MS,
  lapseText,
  laptopAlias,
  leftChange,
} from "../../../shared/domain/routing/laptop-lease.ts";

const T = new Date("2026-11-20T10:00:00.000Z");
const later = (ms: number) => new Date(T.getTime() + ms);
const ada = { component: "mailer", alias: "laptop-ada", session: "a", owner: "ada on one" };
const bob = { ...ada, session: "b", owner: "bob on two" };

function granted(answer: ReturnType<typeof holdLease>): LaptopLease {
  if ("refused" in answer) throw new Error(`refused: ${answer.refused.owner} has it`);
  return { ...answer.granted, lock: answer.granted.lock + 1 };
}

describe("a laptop's lease", () => {
  it("is had by the first who asks, for 45 s, and held for longer by each beat", () => {
    const first = granted(holdLease(undefined, ada, T));
    expect(first).toEqual({ ...ada, until: later(LEASE_MS).toISOString(), lock: 1 });
    const second = granted(holdLease(first, ada, later(BEAT_MS)));
    expect(second).toEqual({ ...ada, until: later(BEAT_MS + LEASE_MS).toISOString(), lock: 2 });
  });

  it("is refused to everybody else while it is live, and had by them from the moment that it lapses", () => {
    const lease = granted(holdLease(undefined, ada, T));
    expect(holdLease(lease, bob, later(LEASE_MS - 1))).toEqual({ refused: lease });
    expect(granted(holdLease(lease, bob, later(LEASE_MS)))).toMatchObject({ owner: "bob on two", lock: 2 });
  });

  it("is had back by whoever slept past it, with the change that it is about, unless somebody else has it", () => {
    const lease = { ...granted(holdLease(undefined, ada, T)), revision: 28 };
    const back = granted(holdLease(lease, ada, later(10 * LEASE_MS)));
    expect(back).toMatchObject({ session: "a", revision: 28 });
    const taken = granted(holdLease(lease, bob, later(LEASE_MS)));
    expect(taken).not.toHaveProperty("revision");
    expect(holdLease(taken, ada, later(LEASE_MS + 1))).toEqual({ refused: taken });
  });

  it("ends at once when it is handed back, and is anybody's then", () => {
    const ended = endLease(granted(holdLease(undefined, ada, T)), later(1_000));
    expect(ended.until).toBe(later(1_000).toISOString());
    expect(isLive(ended, later(999))).toBe(false);
    expect(granted(holdLease(ended, bob, later(1_000)))).toMatchObject({ session: "b" });
    expect(endLease(ended, later(60_000)).until).toBe(ended.until);
  });

  it("isn't held any longer by a beat of whoever has handed it back", () => {
    const ended = endLease(granted(holdLease(undefined, ada, T)), later(1_000));
    for (const ms of [1_000, LEASE_MS, 10 * LEASE_MS])
      expect(holdLease(ended, ada, later(ms))).toEqual({ refused: ended });
  });

  it("leaves a change behind once it has lapsed, and none while somebody listens or after it was handed back", () => {
    const lease = { ...granted(holdLease(undefined, ada, T)), revision: 28 };
    expect(leftChange(undefined, T)).toBeUndefined();
    expect(leftChange(lease, later(LEASE_MS - 1))).toBeUndefined();
    expect(leftChange(lease, later(LEASE_MS))).toBe(28);
    expect(leftChange(endLease(lease, later(1_000)), later(LEASE_MS))).toBeUndefined();
  });

  it("tells why its laptop can't be had", () => {
    const lease = granted(holdLease(undefined, ada, T));
    expect(lapseText(undefined, T)).toBe("no laptop listens");
    expect(lapseText(lease, T)).toBeUndefined();
    expect(lapseText(lease, later(LEASE_MS))).toBe("laptop lease lapsed 10:00:45");
    expect(lapseText(endLease(lease, later(11_000)), T)).toBe("laptop handed back 10:00:11");
  });
});

const act = fc.record({
  who: fc.constantFrom(ada, bob, { ...ada, session: "c", owner: "ada on three" }),
  does: fc.constantFrom("beat", "end"),
  afterMs: fc.integer({ min: 0, max: 2 * LEASE_MS }),
});

test("whoever does what and when, nobody has a lease while somebody else's is live, and its lock only rises", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      let stored: LaptopLease | undefined;
      let now = T;
      for (const { who, does, afterMs } of acts) {
        now = new Date(now.getTime() + afterMs);
        const before = stored;
        const isOthers = before !== undefined && before.session !== who.session && isLive(before, now);
        if (does === "end") {
          if (before?.session === who.session) stored = { ...endLease(before, now), lock: before.lock + 1 };
        } else {
          const answer = holdLease(before, who, now);
          const isGivenUp = before?.session === who.session && before.ended === true;
          expect("refused" in answer).toBe(isOthers || isGivenUp);
          if ("granted" in answer) stored = granted(answer);
        }
        if (isOthers) expect(stored).toBe(before);
        if (stored !== before) expect(stored?.lock).toBe((before?.lock ?? 0) + 1);
        if (stored !== undefined) expect(Date.parse(stored.until)).toBeLessThanOrEqual(now.getTime() + LEASE_MS);
      }
    }),
  );
});

describe("the alias of somebody's laptop", () => {
  it.each([
    ["ada", "laptop-ada"],
    ["Ada Lovelace", "laptop-ada-lovelace"],
    ["arn:aws:sts::123456789012:assumed-role/Operator/ada@example.com", "laptop-ada-example-com"],
    ["uid 1000", "laptop-uid-1000"],
    ["…", "laptop"],
    ["a".repeat(65), `laptop-${"a".repeat(64)}`],
    [`${"a".repeat(63)} b`, `laptop-${"a".repeat(63)}`],
  ])("of %s is %s", (who, alias) => {
    expect(laptopAlias(who)).toBe(alias);
  });

  it("is an alias that can be used, whatever they are called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (who) => {
        expect(laptopAlias(who)).toMatch(/^laptop(-[a-z0-9-]*[a-z0-9])?$/);
        expect(laptopAlias(who).length).toBeLessThanOrEqual(128);
      }),
    );
  });
});
