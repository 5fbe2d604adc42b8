import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliveryStatuses, type LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import {
  type askedStatuses,
  isUnresolved,
  outcomeFilter,
  outcomesOf,
} from "../../../shared/domain/deliveries/event-outcome.ts";
import { madeGoodBy } from "../../../shared/domain/deliveries/unresolved.ts";
import { ARRIVED, anEntry, aRecord } from "../../support/stored-events.ts";

const plus = (ms: number) => new Date(ARRIVED.getTime() + ms);
const dead = { status: "dead", since: ARRIVED } as const;
const first = { generation: "replay-1", since: plus(1_000) };
const second = { generation: "replay-2", since: plus(2_000) };

/** What each delivery of the event is, in the order given: `dead`, or `repaired by replay-1`. */
function shown(entries: readonly Partial<LedgerEntry>[], record = aRecord()): string[] {
  return outcomesOf(record, entries.map(anEntry)).map(({ status, repairedBy }) =>
    repairedBy === undefined ? status : `${status} by ${repairedBy}`,
  );
}

describe("a dead delivery", () => {
  it.each<[string, Partial<LedgerEntry>[], string[]]>([
    ["that nothing came after is dead", [dead], ["dead"]],
    ["is repaired by the replay that ended done", [dead, first], ["repaired by replay-1", "done"]],
    ["stays dead while the replay is at it", [dead, { ...first, status: "claimed" }], ["dead", "claimed"]],
    ["stays dead where the replay died, too", [dead, { ...first, status: "dead" }], ["dead", "dead"]],
    [
      "is repaired together with the replay that died before the one that ended done",
      [dead, { ...first, status: "dead" }, second],
      ["repaired by replay-2", "repaired by replay-2", "done"],
    ],
    ["names the first replay that made it good", [dead, second, first], ["repaired by replay-1", "done", "done"]],
    ["of a replay isn't repaired by what was done before it", [{}, { ...first, status: "dead" }], ["done", "dead"]],
    [
      "of a replay is repaired where the event's arrival was finished later",
      [
        { since: plus(3_000), replay: "tidy-up" },
        { ...first, status: "dead" },
      ],
      ["done", "repaired by tidy-up"],
    ],
    ["isn't repaired at another component", [dead, { ...first, component: "billing" }], ["dead", "done"]],
    ["isn't repaired by another payload", [dead, { ...first, payloadHash: "other" }], ["dead"]],
    ["isn't repaired by another record of its key", [dead, { ...first, t0: plus(5) }], ["dead"]],
    [
      "is repaired by a replay of the same millisecond, which doesn't repair that one",
      [dead, { ...first, since: ARRIVED }],
      ["repaired by replay-1", "done"],
    ],
    [
      "of a replay isn't repaired by its own millisecond's arrival",
      [{}, { generation: "r", ...dead }],
      ["done", "dead"],
    ],
  ])("%s", (_, entries, expected) => {
    expect(shown(entries)).toEqual(expected);
  });

  it("a dead delivery that was finished is done", () => {
    expect(shown([{ replay: "tidy-up" }])).toEqual(["done"]);
  });
});

describe("what was rejected", () => {
  it("what was rejected for its key stays so, as it never runs, whatever becomes of the payload that came first", () => {
    const refusal = { payloadHash: "other", status: "rejected" } as const;
    const record = aRecord({ payloadHash: "other" });
    expect(shown([dead, first, refusal], record)).toEqual(["rejected"]);
  });

  it("because it couldn't be read stays so until a replay has delivered it, and then is what became of that", () => {
    const record = aRecord({ rejected: "it is no JSON", components: [] });
    expect(shown([], record)).toEqual(["rejected"]);
    expect(shown([first], record)).toEqual(["done"]);
    expect(shown([{ ...first, status: "dead" }], record)).toEqual(["dead"]);
    expect(shown([{ ...first, status: "dead" }, second], record)).toEqual(["repaired by replay-2", "done"]);
  });
});

it("what is unresolved is found by --status dead, rejected and unresolved only until it has been made good", () => {
  const found = (status: (typeof askedStatuses)[number], entries: Partial<LedgerEntry>[]) =>
    outcomesOf(aRecord(), entries.map(anEntry)).filter((one) => outcomeFilter({ status })(one, () => false)).length;
  for (const status of ["dead", "unresolved"] as const) {
    expect(found(status, [dead])).toBe(1);
    expect(found(status, [dead, first])).toBe(0);
  }
  expect(found("repaired", [dead, first])).toBe(1);
  expect(found("unresolved", [{ status: "rejected" }])).toBe(1);
  expect(found("unresolved", [{ status: "failed" }])).toBe(0);
});

describe("of any deliveries of an event to a component", () => {
  const entry = fc.record({
    generation: fc.constantFrom("live", "replay-1", "replay-2", "replay-3"),
    status: fc.constantFrom(...deliveryStatuses),
    since: fc.integer({ min: 0, max: 3 }).map(plus),
  });
  const entries = fc.uniqueArray(entry, { selector: ({ generation }) => generation, minLength: 1 });

  it("none is unresolved that a done one came after, and each that isn't names one", () => {
    fc.assert(
      fc.property(entries, (made) => {
        const all = made.map(anEntry);
        const newestDone = Math.max(...all.map((one) => (one.status === "done" ? one.since.getTime() : -Infinity)));
        for (const { status, entry: of, repairedBy } of outcomesOf(aRecord(), all)) {
          if (of === undefined) continue;
          const givenUp = of.status === "dead" || of.status === "rejected";
          if (givenUp && of.since.getTime() < newestDone) expect(status).toBe("repaired");
          if (givenUp && of.since.getTime() > newestDone) expect(status).toBe(of.status);
          if (!givenUp) expect(status).toBe(of.status);
          expect(isUnresolved({ status })).toBe(givenUp && repairedBy === undefined);
          const repair = all.find(({ generation }) => generation === repairedBy);
          if (repairedBy !== undefined) expect(repair?.status).toBe("done");
        }
      }),
    );
  });

  it("the order in which they are read makes no difference", () => {
    fc.assert(
      fc.property(entries, (made) => {
        const [one, ...others] = made.map(anEntry);
        if (one === undefined) return;
        const repair = madeGoodBy(one, [one, ...others]);
        expect(madeGoodBy(one, [...others.toReversed(), one])?.since).toEqual(repair?.since);
      }),
    );
  });
});
