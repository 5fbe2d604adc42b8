import { describe, expect, it } from "vitest";
import { entryExpiry, recordExpiry } from "../../../shared/domain/deliveries/retention.ts";
import { EventSource, retentionDaysOf } from "../../../shared/domain/events/event.ts";
import { read } from "../../../shared/domain/text/schema.ts";

const t0 = new Date("2026-03-01T10:00:00.123Z");
const shop: EventSource = { source: "shop", retentionDays: 7, retentionDaysByType: { "order placed": 400 } };

describe("an event's retention", () => {
  it("is 30 days where its source says nothing, or isn't registered", () => {
    expect(retentionDaysOf(undefined, "order placed")).toBe(30);
    expect(retentionDaysOf({ source: "shop" }, "order placed")).toBe(30);
  });

  it("is the source's, unless its type has one of its own", () => {
    expect(retentionDaysOf(shop, "page viewed")).toBe(7);
    expect(retentionDaysOf(shop, "order placed")).toBe(400);
    expect(retentionDaysOf({ source: "shop", retentionDaysByType: { a: 1 } }, "b")).toBe(30);
  });

  it.each(["constructor", "__proto__", "toString"])("of the type '%s' is no other than any type's", (detailType) => {
    expect(retentionDaysOf(shop, detailType)).toBe(7);
  });

  it("ends so many whole days after its arrival, whatever the clocks do", () => {
    expect(recordExpiry(shop, "page viewed", t0)).toEqual(new Date("2026-03-08T10:00:00.123Z"));
    expect(recordExpiry(undefined, "", t0)).toEqual(new Date("2026-03-31T10:00:00.123Z"));
  });

  it("is outlived by the ledger's 28 days", () => {
    expect(entryExpiry({ expiresAt: t0 })).toEqual(new Date("2026-03-29T10:00:00.123Z"));
  });
});

describe("an event source", () => {
  it.each([1, 3_650])("may keep events for %i days", (days) => {
    const source = { source: "shop", retentionDays: days, retentionDaysByType: { "order placed": days } };
    expect(read(EventSource, source)).toEqual({ ok: true, value: source });
  });

  it.each([0, 3_651, 1.5, "30"])("refuses to keep them for %j days, and names the field", (days) => {
    for (const [wrong, where] of [
      [{ retentionDays: days }, "retentionDays: "],
      [{ retentionDaysByType: { "order placed": days } }, "retentionDaysByType.order placed: "],
    ] as const) {
      expect(read(EventSource, { source: "shop", ...wrong } as never)).toEqual({
        ok: false,
        problem: expect.stringContaining(where),
      });
    }
  });

  it("refuses a type without a name", () => {
    expect(read(EventSource, { source: "shop", retentionDaysByType: { "": 3 } }).ok).toBe(false);
  });
});
