import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fairTurns } from "../../shared/event-queue/fair-turns.ts";

const start = Date.parse("2026-11-20T10:00:00.000Z");

/** Turns in ms since the start, of messages that come so many ms after it. */
function turns() {
  const turnOf = fairTurns();
  return (group: string | undefined, ms: number) => turnOf(group, start + ms) - start;
}

/** How far apart a group's turns are: what the second of two at once has to wait. */
const spacing = ((turnOf) => turnOf("acme", 0) + turnOf("acme", 0))(turns());

describe("a message's turn", () => {
  it("is when it comes, for one without a group and for a group that keeps the distance between its turns", () => {
    const turnOf = turns();
    expect(spacing).toBeGreaterThan(0);
    expect([1, 1, 1].map((at) => turnOf(undefined, at))).toEqual([1, 1, 1]);
    expect([0, spacing, 5 * spacing].map((at) => turnOf("acme", at))).toEqual([0, spacing, 5 * spacing]);
  });

  it("lies in the future for a group that sends more, until it has kept quiet for as long", () => {
    const turnOf = turns();
    const places = (...of: number[]) => of.map((place) => place * spacing);
    expect([0, 0, 0, 0].map((at) => turnOf("acme", at))).toEqual(places(0, 1, 2, 3));
    expect(turnOf("acme", 2)).toBe(4 * spacing);
    expect(turnOf("acme", 10 * spacing)).toBe(10 * spacing);
  });

  it("doesn't depend on what other groups send", () => {
    const turnOf = turns();
    for (let n = 0; n < 1_000; n++) turnOf("acme", 0);
    expect(turnOf("beta", 1)).toBe(1);
    expect(turnOf(undefined, 1)).toBe(1);
  });

  it("is remembered for a group that is ahead of the clock, however many others come and go", () => {
    const turnOf = turns();
    for (let n = 0; n < 20_000; n++) turnOf("acme", 0);
    for (let n = 0; n < 12_000; n++) turnOf(`group-${n}`, 5);
    expect(turnOf("acme", 6)).toBe(20_000 * spacing);
  });

  it("never comes before the message, and rises within its group", () => {
    const sends = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat(3)), { maxLength: 200 });
    fc.assert(
      fc.property(sends, (all) => {
        const turnOf = turns();
        const last = new Map<string, number>();
        let now = 0;
        for (const [group, ms] of all) {
          now += ms;
          const turn = turnOf(group, now);
          expect(turn).toBeGreaterThanOrEqual(now);
          expect(turn).toBeGreaterThan(last.get(group) ?? -1);
          last.set(group, turn);
        }
      }),
    );
  });
});
