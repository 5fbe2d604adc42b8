import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countedOutcomes } from "../../../shared/domain/deliveries/outcome-count.ts";
import { addedUp, type DeliveryCount } from "../../../shared/domain/health/delivery-count.ts";
import {
  type CountedDelivery,
  type CountedSpan,
  deliveryTally,
  OTHERS,
} from "../../../shared/domain/health/delivery-tally.ts";
import { FAILURES_KEPT_PER_MINUTE } from "../../../shared/domain/health/failure.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);
const attempt = { kind: "first", durationMs: 5 } as const;

function aDelivery(about: Partial<CountedDelivery> = {}): CountedDelivery {
  return { component: "mailer", version: "7", alias: "stable", type: "sent", outcome: "done", attempt, ...about };
}

function failing(message: string, deliveryKey: string): CountedDelivery {
  const failure = { at: start, deliveryKey, eventId: "e", component: "mailer", version: "7", alias: "stable" };
  const about = {
    because: "default alias",
    type: "sent",
    subject: {},
    errorType: "Broken",
    message,
    requestId: "r",
  } as const;
  const error = { type: "Broken", message };
  return aDelivery({ outcome: "failed", attempt: { ...attempt, error }, failure: { ...failure, ...about } });
}

function never(): never {
  throw new Error("it has no failure");
}

const minutesOf = (spans: readonly CountedSpan[]) => spans.filter(({ span }) => span === "minute");
const firstsOf = (counts: readonly DeliveryCount[]) => addedUp(counts).firsts;

describe("a tally of deliveries", () => {
  it("adds up what has all its names in common, by the minute and the hour", () => {
    const tally = deliveryTally();
    tally.add(plus(0), aDelivery());
    tally.add(
      plus(59_999),
      aDelivery({ outcome: "failed", attempt: { ...attempt, error: { type: "A", message: "" } } }),
    );
    tally.add(plus(60_000), aDelivery({ attempt: { kind: "retry", durationMs: 9 } }));
    const { spans } = tally.take();
    expect(spans.map(({ span, from, counts }) => [span, from, counts.length])).toEqual([
      ["minute", start, 1],
      ["minute", plus(60_000), 1],
      ["hour", start, 1],
    ]);
    expect(spans[2]?.counts).toMatchObject([{ firsts: 2, failed: 1, retries: 1, durations: new Map([[4, 2]]) }]);
  });

  it("gives out all of a span that has changed, and nothing of one that has not", () => {
    const tally = deliveryTally();
    tally.add(plus(0), aDelivery());
    expect(tally.take().spans).toHaveLength(2);
    expect(tally.take()).toEqual({ spans: [], failures: [] });
    tally.add(plus(1), aDelivery());
    expect(tally.take().spans.map(({ counts }) => firstsOf(counts))).toEqual([2, 2]);
  });

  it("gives out again what could not be stored, with what has come since", () => {
    const tally = deliveryTally();
    tally.add(plus(0), failing("one", "a"));
    const taken = tally.take();
    tally.add(plus(60_000), failing("two", "b"));
    tally.putBack(taken);
    const again = tally.take();
    expect(again.spans.map(({ span, counts }) => [span, firstsOf(counts)])).toEqual([
      ["minute", 1],
      ["minute", 1],
      ["hour", 2],
    ]);
    expect(again.failures.map(({ deliveryKey }) => deliveryKey)).toEqual(["a", "b"]);
  });

  it("says how much it has let go of that could never be stored", () => {
    const tally = deliveryTally();
    for (let minute = 0; minute < 12; minute++) {
      tally.add(plus(minute * 60_000), aDelivery());
      tally.putBack(tally.take());
    }
    const minutes = minutesOf(tally.take().spans);
    expect(minutes).toHaveLength(10);
    expect(minutes.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(2);
  });

  it("takes back nothing of a span that it has let go of meanwhile", () => {
    const tally = deliveryTally();
    tally.add(plus(0), aDelivery());
    const taken = tally.take();
    for (let minute = 1; minute <= 10; minute++) tally.add(plus(minute * 60_000), aDelivery());
    tally.putBack(taken);
    expect(minutesOf(tally.take().spans).map(({ from }) => from)[0]).toEqual(plus(60_000));
  });

  it("has lost nothing of what was stored before it let go of it", () => {
    const tally = deliveryTally();
    for (let n = 0; n < 12; n++) {
      tally.add(plus(n * 60_000), aDelivery());
      expect(tally.take().spans).toMatchObject([{ dropped: 0 }, { dropped: 0 }]);
    }
  });

  it("counts on in the newest span when the clock is set back: what was stored is never stored with less", () => {
    const tally = deliveryTally();
    tally.add(plus(0), aDelivery());
    tally.take();
    tally.add(plus(-60_000), aDelivery());
    expect(minutesOf(tally.take().spans)).toMatchObject([{ from: start, counts: [{ firsts: 2 }] }]);
  });

  it("keeps so many failures of a version and minute, and counts them all", () => {
    const tally = deliveryTally();
    for (let n = 0; n < FAILURES_KEPT_PER_MINUTE + 20; n++) tally.add(start, failing(`no ${n}`, `${n}`));
    const { spans, failures } = tally.take();
    expect(failures).toHaveLength(100);
    expect(spans[0]?.counts).toMatchObject([{ failed: FAILURES_KEPT_PER_MINUTE + 20 }]);
  });

  it("tells so many errors of a span apart, and counts the others together", () => {
    const tally = deliveryTally();
    const letters = "abcdefghijklmnopqrstuvwxyz";
    for (const letter of letters) tally.add(start, failing(`wrong ${letter}`, letter));
    const [minute] = tally.take().spans;
    const errors = [...(minute?.counts[0]?.errors ?? [])];
    expect(errors).toHaveLength(11);
    expect(errors.at(-1)).toEqual([OTHERS, letters.length - 10]);
  });

  it("keeps two hours, and two thousand failures, while they can't be stored", () => {
    const tally = deliveryTally();
    for (let hour = 0; hour < 3; hour++) tally.add(plus(hour * 3_600_000), aDelivery());
    const hours = tally.take().spans.filter(({ span }) => span === "hour");
    expect(hours.map(({ from, dropped }) => [from, dropped])).toEqual([
      [plus(3_600_000), 0],
      [plus(7_200_000), 1],
    ]);
    for (let n = 0; n < 2_001; n++) {
      const at = plus(Math.floor(n / FAILURES_KEPT_PER_MINUTE) * 60_000);
      tally.add(at, failing("lost", `${n}`));
    }
    const taken = tally.take();
    expect(taken.failures).toHaveLength(2_000);
    tally.add(plus(86_400_000), failing("new", "new"));
    tally.putBack(taken);
    const kept = tally.take().failures;
    expect(kept).toHaveLength(2_000);
    expect(kept.at(-1)?.deliveryKey).toBe("1999");
  });

  it("adds up what was given up before to what is given up now", () => {
    const tally = deliveryTally();
    const restored = () => tally.putBack(tally.take());
    for (let minute = 0; minute < 22; minute++) {
      tally.add(plus(minute * 60_000), aDelivery());
      restored();
    }
    const dropped = minutesOf(tally.take().spans).reduce((sum, one) => sum + one.dropped, 0);
    expect(dropped).toBe(12);
  });

  it("keeps failures of each version by itself, and anew in every minute", () => {
    const tally = deliveryTally();
    const of = (version: string, key: string): CountedDelivery => {
      const delivery = failing("lost", key);
      return { ...delivery, version, failure: { ...(delivery.failure ?? never()), version } };
    };
    for (let n = 0; n < FAILURES_KEPT_PER_MINUTE + 1; n++) {
      for (const version of ["7", "8"]) tally.add(start, of(version, `${n}`));
    }
    tally.add(plus(60_000), of("7", "later"));
    expect(tally.take().failures).toHaveLength(2 * FAILURES_KEPT_PER_MINUTE + 1);
  });

  it("tells 300 names of a span apart, and counts the types of the others together", () => {
    const tally = deliveryTally();
    for (let n = 0; n < 302; n++) tally.add(start, aDelivery({ type: `type ${n}` }));
    tally.add(start, aDelivery({ type: "type 3" }));
    const { counts } = minutesOf(tally.take().spans)[0] ?? { counts: [] };
    expect(counts).toHaveLength(301);
    expect(counts.find(({ type }) => type === OTHERS)?.firsts).toBe(2);
    expect(counts.find(({ type }) => type === "type 3")?.firsts).toBe(2);
  });

  it("changes nothing any more of what it has given out", () => {
    const tally = deliveryTally();
    const error = { type: "A", message: "" };
    tally.add(start, aDelivery({ attempt: { ...attempt, error } }));
    const [minute] = tally.take().spans;
    tally.add(start, aDelivery({ attempt: { ...attempt, error } }));
    const counted = { outcomes: new Map([["done", 1]]), durations: new Map([[4, 1]]), errors: new Map([["A", 1]]) };
    expect(minute?.counts).toMatchObject([{ firsts: 1, ...counted }]);
  });

  it("counts what a replay ran, and what ran nothing, beside the first attempts", () => {
    const tally = deliveryTally();
    tally.add(start, aDelivery({ attempt: { kind: "replayed", durationMs: 5 } }));
    const { attempt: _, ...unattempted } = aDelivery({ outcome: "duplicate" });
    tally.add(start, unattempted);
    tally.add(start, aDelivery({ attempt: { kind: "first" } }));
    expect(minutesOf(tally.take().spans)[0]?.counts).toMatchObject([
      { firsts: 1, failed: 0, retries: 0, replayed: 1, durations: new Map() },
    ]);
  });

  it("stays bounded under a million types, versions and errors, and loses none", () => {
    const tally = deliveryTally();
    for (let n = 0; n < 20_000; n++) {
      const error = { type: `E${"x".repeat(n % 50)}${"y".repeat(n % 31)}`, message: "" };
      tally.add(start, aDelivery({ type: `type ${n} ${"z".repeat(500)}`, attempt: { ...attempt, error } }));
    }
    const { counts } = tally.take().spans[0] ?? { counts: [] };
    expect(counts.length).toBeLessThan(400);
    expect(firstsOf(counts)).toBe(20_000);
    const others = counts.find(({ type }) => type === OTHERS);
    expect(others?.errors.size).toBeLessThan(20);
    expect(JSON.stringify(counts.map(({ errors, ...rest }) => [rest, [...errors]])).length).toBeLessThan(400_000);
  });

  it("counts together what has the same names once they are cut, however long each of them was", () => {
    for (const length of [128, 129, 300, 1_000]) {
      const tally = deliveryTally();
      const name = (end: string) => "v".repeat(length - 1) + end;
      for (const end of ["a", "b", "b"]) tally.add(start, aDelivery({ version: name(end), type: name(end) }));
      const [minute] = minutesOf(tally.take().spans);
      const told = minute?.counts.map(({ version, type, firsts }) => [version, type, firsts]);
      const cut = `${"v".repeat(127)}…`;
      const apart = [
        [name("a"), name("a"), 1],
        [name("b"), name("b"), 2],
      ];
      expect(told, `${length}`).toEqual(length <= 128 ? apart : [[cut, cut, 3]]);
    }
  });

  it("never mixes two up, and never loses one, whatever they are called", () => {
    const name = fc.oneof(fc.constantFrom("", " ", "\n", "done", "__proto__"), fc.string({ maxLength: 40 }));
    const one = fc.record({ version: name, alias: name, type: name, outcome: fc.constantFrom(...countedOutcomes) });
    fc.assert(
      fc.property(fc.array(one), (all) => {
        const tally = deliveryTally();
        const sums = new Map<string, number>();
        const keyOf = (count: Pick<CountedDelivery, "version" | "alias" | "type">) =>
          JSON.stringify([count.version, count.alias, count.type]);
        for (const about of all) {
          tally.add(start, aDelivery(about));
          sums.set(keyOf(about), (sums.get(keyOf(about)) ?? 0) + 1);
        }
        const { counts } = tally.take().spans[0] ?? { counts: [] };
        expect(new Map(counts.map((count) => [keyOf(count), count.firsts]))).toEqual(sums);
      }),
    );
  });
});
