import { describe, expect, it } from "vitest";
import { sightings, strataOf, triedIn } from "../../../shared/domain/health/burst.ts";
import { type DeliveryCount, noCounts } from "../../../shared/domain/health/delivery-count.ts";

const start = Date.parse("2026-11-20T10:00:00.000Z");
const at = (ms: number) => new Date(start + ms);
const count = (ms: number, firsts: number, failed: number, type = "order"): DeliveryCount => {
  return { ...noCounts(), component: "c", version: "2", alias: "beta", type, at: at(ms), firsts, failed };
};
const failure = (ms: number, subject: { customer?: string; project?: string }, deliveryKey = "d", type = "order") => {
  return { at: at(ms), type, subject, deliveryKey };
};
const key = (ms: number, type = "order") => `${at(ms).getTime()} ${type}`;

describe("first attempts by stretch and type", () => {
  it("add up, and what failed of one customer within a minute is one burst", () => {
    const counts = [count(0, 10, 3), count(0, 5, 1), count(60_000, 7, 2), count(0, 2, 0, "refund")];
    const failures = [
      failure(0, { customer: "acme" }),
      failure(59_999, { customer: "acme", project: "site" }),
      failure(1, { customer: "globex" }),
      failure(60_000, { customer: "acme" }),
    ];
    expect([...sightings(counts, failures)]).toEqual([
      [key(0), { tried: 15, failed: 4, bursts: 2, listed: 3 }],
      [key(60_000), { tried: 7, failed: 2, bursts: 1, listed: 1 }],
      [key(0, "refund"), { tried: 2, failed: 0, bursts: 0, listed: 0 }],
    ]);
  });

  it("are told apart by project where no customer is known, and else by delivery", () => {
    const failures = [
      failure(0, { project: "site" }, "1"),
      failure(0, { project: "site" }, "2"),
      failure(0, {}, "3"),
      failure(0, {}, "4"),
    ];
    expect(sightings([count(0, 9, 4)], failures).get(key(0))).toMatchObject({ bursts: 3, listed: 4 });
  });

  it("of an hour have the failures of its minutes, each minute's burst for itself", () => {
    const failures = [failure(0, { customer: "acme" }), failure(120_000, { customer: "acme" })];
    expect(sightings([count(0, 9, 2)], failures).get(key(0))).toMatchObject({ bursts: 2, listed: 2 });
  });

  it("have no failures of what wasn't counted", () => {
    expect(sightings([count(0, 9, 2)], [failure(0, {}, "d", "refund")]).get(key(0))).toMatchObject({ listed: 0 });
    expect(sightings([], [failure(0, {})]).size).toBe(0);
  });
});

describe("a version beside stable", () => {
  const sighted = (tried: number, failed: number, bursts: number, listed = failed) => ({
    tried,
    failed,
    bursts,
    listed,
  });

  it("has the bursts of its own against it, and of stable's what isn't listed as well", () => {
    const own = new Map([
      ["a", sighted(10, 5, 2)],
      ["b", sighted(4, 1, 1)],
    ]);
    const stable = new Map([
      ["a", sighted(100, 9, 3, 4)],
      ["c", sighted(7, 7, 7)],
    ]);
    expect(strataOf(own, stable)).toEqual([
      { candidate: { tried: 10, failed: 2 }, stable: { tried: 100, failed: 8 } },
      { candidate: { tried: 4, failed: 1 }, stable: { tried: 0, failed: 0 } },
    ]);
    expect(strataOf(own, new Map([["a", sighted(100, 2, 1, 4)]]))[0]?.stable).toEqual({ tried: 100, failed: 1 });
  });

  it("keeps its share of failures where each burst counts once", () => {
    expect(triedIn([sighted(10, 5, 2), sighted(6, 0, 0)])).toEqual({ tried: 10, failed: 2 });
    expect(triedIn([])).toEqual({ tried: 0, failed: 0 });
  });
});
