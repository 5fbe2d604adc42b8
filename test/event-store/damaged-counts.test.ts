import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deliveryTally } from "../../shared/domain/health/delivery-tally.ts";
import type { Failure } from "../../shared/domain/health/failure.ts";
import { encodeFailure, encodeSpan, together } from "../../shared/event-store/count-codec.ts";
import { readCountItem, readFailureItem } from "../../shared/event-store/dynamodb-count-requests.ts";

const minute = new Date("2026-11-20T10:00:00.000Z");
const key = { component: "billing", version: "23", alias: "stable", type: "order placed" };

/** A text that was stored, with anything in one place of it, however deep. */
function damaged(text: string): fc.Arbitrary<string> {
  const places: ((to: unknown) => unknown)[] = [];
  const root: unknown[] = [JSON.parse(text)];
  const visit = (holder: Record<string, unknown> | unknown[]) => {
    for (const name of Object.keys(holder)) {
      const inner = (holder as Record<string, unknown>)[name];
      places.push((to) => {
        (holder as Record<string, unknown>)[name] = to;
        const changed = JSON.stringify(root[0]);
        (holder as Record<string, unknown>)[name] = inner;
        return changed;
      });
      if (typeof inner === "object" && inner !== null) visit(inner as Record<string, unknown>);
    }
  };
  visit(root);
  const anything = fc.constantFrom<unknown>(null, true, "", "x", -1, [], [[]], {}, { a: 1 }, ["x"], [null, null]);
  return fc.tuple(fc.constantFrom(...places), anything).map(([put, to]) => `${put(to)}`);
}

function aSpan(): string {
  const tally = deliveryTally();
  const attempt = { kind: "first", durationMs: 5, error: { type: "Broken", message: "it broke" } } as const;
  tally.add(minute, { ...key, outcome: "done", attempt: { kind: "first", durationMs: 5 } });
  tally.add(minute, { ...key, outcome: "failed", attempt } as Parameters<typeof tally.add>[1]);
  const [span] = tally.take().spans;
  if (span === undefined) throw new Error("nothing was counted");
  return encodeSpan(span);
}

describe("what is stored of a minute's counts, with anything in one place of it", () => {
  it("is counted as numbers, or not at all", () => {
    fc.assert(
      fc.property(damaged(aSpan()), (c) => {
        const { counts, dropped } = together([readCountItem(minute, { pk: "c#2026-11-20T10:00", sk: "router-1", c })]);
        expect(dropped).toBeTypeOf("number");
        for (const { firsts, failed, retries, replayed, outcomes, durations, errors, ...of } of counts) {
          const numbers = [firsts, failed, retries, replayed, ...outcomes.values(), ...durations, ...errors.values()];
          for (const one of numbers.flat()) expect(one).toBeTypeOf("number");
          for (const text of [of.component, of.version, of.alias, of.type]) expect(text).toBeTypeOf("string");
        }
      }),
    );
  });

  it("costs none of the others beside it: an attribute of before layout 3 that is no number", () => {
    const item = { pk: "c#2026-11-20T10:00", sk: "3", "billing#done#1": "many", "billing#dead#1": 2, "billing#": {} };
    const { counts } = readCountItem(minute, item);
    expect(counts.map(({ version, outcomes }) => [version, [...outcomes]])).toEqual([["1", [["dead", 2]]]]);
  });

  it.each([7, null, undefined, [], {}, new Uint8Array([1, 2])])("is nothing where it is %j", (c) => {
    expect(readCountItem(minute, { pk: "c#2026-11-20T10:00", sk: "router-1", c }).counts).toEqual([]);
  });
});

describe("what is stored of a failure, with anything in one place of it", () => {
  const failure: Failure = {
    at: minute,
    component: "billing",
    deliveryKey: "billing#e#live",
    ...{ eventId: "e-1", version: "23", alias: "stable", because: "default alias", type: "order placed" },
    ...{ subject: { customer: "acme" }, errorType: "Broken", message: "it broke", requestId: "r-1" },
  };

  it("is a failure, or is left out", () => {
    const sk = `${String(minute.getTime()).padStart(14, "0")}#billing#e#live`;
    const read = (e: unknown) => readFailureItem("billing", { pk: "f#billing#2026-11-20T10", sk, e });
    expect(read(encodeFailure(failure))).toEqual([failure]);
    fc.assert(
      fc.property(damaged(encodeFailure(failure)), (e) => {
        for (const { subject, at, ...texts } of read(e)) {
          expect(at).toEqual(minute);
          for (const text of [...Object.values(texts), ...Object.values(subject)]) expect(text).toBeTypeOf("string");
        }
      }),
    );
    for (const e of [7, null, undefined, "{", "[]"]) expect(read(e)).toEqual([]);
  });
});
