import { describe, expect, it } from "vitest";
import { type ListedFilter, listedOutcomes } from "../../../shared/domain/notices/listed-outcomes.ts";
import { anEvent, bodyOf } from "../../support/builders.ts";
import { aRecord } from "../../support/stored-events.ts";

const shown = (filter: ListedFilter, source: string, status: "unmatched" | "dead") =>
  listedOutcomes(filter)({ record: aRecord({ source }), status }, () => false);

describe("a listing of events", () => {
  it("leaves out Turnout's own notices that no component listens to", () => {
    expect(shown({}, "turnout", "unmatched")).toBe(false);
    expect(shown({}, "turnout", "dead")).toBe(true);
    expect(shown({}, "shop", "unmatched")).toBe(true);
    expect(shown({ customer: "acme" }, "turnout", "unmatched")).toBe(false);
    expect(shown({ source: "shop" }, "turnout", "unmatched")).toBe(false);
  });

  it.each<ListedFilter>([
    { notices: true },
    { source: "turnout" },
    { source: ["shop", "turnout"] },
    { pattern: { source: ["turnout"] } },
  ])("has them where they are asked for: %j", (filter) => {
    const record = aRecord({ source: "turnout", body: bodyOf(anEvent({ source: "turnout" })) });
    expect(listedOutcomes(filter)({ record, status: "unmatched" }, () => false)).toBe(true);
  });
});
