import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  originTag,
  readOriginTag,
  requestIdIn,
  requestIdOf,
  requestIdsOf,
} from "../../../shared/domain/deliveries/request-id.ts";

describe("the origin of a line in a version's log", () => {
  it("reads as it was written, whatever the event is called", () => {
    const any = fc.record({ requestId: fc.uuid(), attempt: fc.nat(), eventId: fc.string({ unit: "grapheme" }) });
    fc.assert(
      fc.property(any, (origin) => {
        expect(readOriginTag(originTag(origin))).toEqual(origin);
      }),
    );
    expect(readOriginTag(originTag({}))).toEqual({});
    expect(readOriginTag(originTag({ requestId: "r-1" }))).toEqual({ requestId: "r-1" });
  });

  it.each(["r-1", "r-1#1", "r-1#one#e-1", "r-1##e-1", "r-1#-1#e-1"])("is the request alone where it says %s", (tag) => {
    expect(readOriginTag(tag)).toEqual({ requestId: "r-1" });
  });

  it("is the text as it stands where an escape is none", () => {
    expect(readOriginTag("r-1#2#100%")).toEqual({ requestId: "r-1", attempt: 2, eventId: "100%" });
  });
});

// Golden: another value here, and what was printed for an event before isn't found any more.
it("an attempt is called what it has always been called, in the form of a UUID", () => {
  expect(requestIdOf("mailer#e#live", 1)).toBe("6d899a38-1844-44fe-9772-e3f632d4f060");
  const attempts = [{ attempt: 2, at: new Date(0), outcome: "done" as const }];
  expect(requestIdIn({ deliveryKey: "mailer#e#live", attempts }, 1)).toBe(requestIdOf("mailer#e#live", 1));
  expect(requestIdIn({ deliveryKey: "mailer#e#live", attempts }, 2)).toBe(requestIdOf("mailer#e#live", 2));
});

it("every attempt of a delivery is called something else, also those that the ledger remembers no more", () => {
  const at = new Date(0);
  const attempts = [{ attempt: 3, at, outcome: "done" as const, requestId: "its own" }];
  const ids = requestIdsOf({ deliveryKey: "mailer#e#live", attempt: 3, attempts });
  expect([...ids.values()]).toEqual([1, 2, 3]);
  expect([...ids.keys()].at(-1)).toBe("its own");
});
