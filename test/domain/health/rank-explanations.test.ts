import { describe, expect, it } from "vitest";
import { worseThanStable } from "../../../shared/domain/health/evidence.ts";
import { rankExplanations } from "../../../shared/domain/health/rank-explanations.ts";
import { traitText } from "../../../shared/domain/health/trait.ts";
import { type Case, traitIndex } from "../../../shared/domain/health/trait-index.ts";

const BASE: Case = {
  failed: false,
  at: new Date("2026-11-20T10:00:00Z"),
  type: "push",
  version: "22",
  alias: "stable",
  because: "default alias",
  subject: { customer: "globex" },
  event: {},
};
const acme = { customer: "acme" };

/** So many cases of a kind. */
const times = (count: number, about: Partial<Case>) =>
  Array.from({ length: count }, (): Case => ({ ...BASE, ...about }));

function rankingOf(...kinds: Case[][]) {
  const index = traitIndex();
  for (const one of kinds.flat()) index.add(one);
  return rankExplanations(index);
}

/** What explains the failures of these cases, e.g. `customer acme + type push (or source = "shop"): 40 of 41`. */
function explained(...kinds: Case[][]): string[] {
  return rankingOf(...kinds).explanations.map(({ traits, alike, failed, passed }) => {
    const or = alike.length === 0 ? "" : ` (or ${alike.map(traitText).join(", ")})`;
    return `${traits.map(traitText).join(" + ")}${or}: ${failed.length} of ${failed.length + passed}`;
  });
}

describe("what explains failures", () => {
  it("is what those that failed have and others haven't, one after the other, the strongest first", () => {
    const initech = { customer: "initech" };
    const found = explained(
      times(30, { failed: true, subject: initech }),
      times(60, { failed: true, subject: acme }),
      times(1, { subject: acme }),
      times(300, {}),
    );
    expect(found).toEqual(["customer acme: 60 of 61", "customer initech: 30 of 30"]);
  });

  it("names first what can be acted on, then what stands nearest to the top of an event, then by name", () => {
    const event = { detail: { z: 1, y: 1, deep: { a: 1 } } };
    const found = explained(times(60, { failed: true, subject: acme, event }), times(300, { event: { detail: {} } }));
    expect(found).toEqual(["customer acme (or detail.y = 1, detail.z = 1, detail.deep.a = 1): 60 of 60"]);
  });

  it("is two traits where only together they fail", () => {
    const found = explained(
      times(60, { failed: true, type: "pull", subject: acme }),
      times(100, { subject: acme }),
      times(100, { type: "pull" }),
      times(100, {}),
    );
    expect(found).toEqual(["customer acme + type pull: 60 of 60"]);
  });

  it("names of two traits the one first that a pin acts on, whichever says more", () => {
    const found = explained(
      times(60, { failed: true, type: "pull", subject: acme }),
      times(30, { subject: acme }),
      times(400, { type: "pull" }),
      times(100, {}),
    );
    expect(found[0]).toBe("customer acme + type pull: 60 of 60");
    const other = explained(
      times(60, { failed: true, type: "pull", subject: acme }),
      times(400, { subject: acme }),
      times(30, { type: "pull" }),
      times(100, {}),
    );
    expect(other[0]).toBe("customer acme + type pull: 60 of 60");
  });

  it("is two traits too where most of the one fail, and the few others of it go well", () => {
    const found = explained(
      times(100, { failed: true, subject: acme }),
      times(6, { type: "ping", subject: acme }),
      times(300, {}),
      times(300, { type: "ping" }),
    );
    expect(found).toEqual(["customer acme + type push: 100 of 100"]);
  });

  it("is one trait where too few of it haven't a second to tell that it takes both", () => {
    const found = explained(
      times(31, { failed: true, type: "pull", subject: acme }),
      times(18, { type: "pull", subject: acme }),
      times(3, { subject: acme }),
      times(226, {}),
      times(51, { failed: true }),
      times(38, { type: "pull" }),
    );
    expect(found).toEqual(["customer acme: 31 of 52"]);
  });
});

describe("two fields of an event", () => {
  const both = (event: object, first: object, second: object, neither: object) =>
    explained(
      times(60, { failed: true, event }),
      times(100, { event: first }),
      times(100, { event: second }),
      times(100, { event: neither }),
    );
  const flags = (a: boolean, b: boolean) => ({ a, b });

  it("explain together what only both have", () => {
    const of = (a: boolean, b: boolean) => ({ detail: flags(a, b) });
    expect(both(of(true, true), of(true, false), of(false, true), of(false, false))).toEqual([
      "detail.a = true + detail.b = true: 60 of 60",
    ]);
  });

  it("explain nothing together as values of one array, or of elements of one: no filter asks for both", () => {
    const values = (...list: string[]) => ({ detail: { list } });
    expect(both(values("x", "y"), values("x"), values("y"), values("z"))).toEqual(
      expect.not.arrayContaining([expect.stringContaining("+")]),
    );
    const of = (a: boolean, b: boolean) => ({ detail: { list: [flags(a, b)] } });
    expect(both(of(true, true), of(true, false), of(false, true), of(false, false))).toEqual(
      expect.not.arrayContaining([expect.stringContaining("+")]),
    );
  });

  it("explain together where each is, or is in, an array of its own", () => {
    const of = (a: string, b: string) => ({ detail: { a: [a], b: [{ b }] } });
    expect(both(of("x", "y"), of("x", "n"), of("n", "y"), of("n", "n"))).toEqual([
      'detail.a = "x" + detail.b.b = "y": 60 of 60',
    ]);
  });
});

describe("a ranking", () => {
  it("has the numbers of what it says, of what was compared, and of what could have been found", () => {
    const failing = times(20, { failed: true, subject: acme });
    const ranking = rankingOf(failing, times(2, { subject: acme }), times(30, {}), times(3, { failed: true }));
    expect(ranking).toMatchObject({ failed: 23, passed: 32, traits: 2, pairs: 1 });
    expect(ranking.leftOut).toEqual({ events: 0, paths: 0, values: 0 });
    const [found, ...others] = ranking.explanations;
    expect(others).toEqual([]);
    expect(found).toMatchObject({ failed: failing.map((_, n) => n), passed: 2 });
    const all = [{ candidate: { tried: 22, failed: 20 }, stable: { tried: 33, failed: 3 } }];
    expect(found?.evidence).toBeCloseTo(worseThanStable(all) / Math.LN10, 9);
  });

  it("finds nothing where nothing has failed, all has, or there is nothing", () => {
    expect(rankingOf()).toMatchObject({ explanations: [], failed: 0, passed: 0, traits: 0 });
    expect(rankingOf(times(50, {}), times(50, { subject: acme }))).toMatchObject({ explanations: [], traits: 0 });
    const all = rankingOf(times(50, { failed: true }), times(50, { failed: true, subject: acme }));
    expect(all).toMatchObject({ explanations: [], failed: 100, passed: 0 });
  });

  it("is of ten explanations at most, and names five traits beside each at most", () => {
    const customers = Array.from({ length: 12 }, (_, n) =>
      times(40, { failed: true, subject: { customer: `c-${`${n}`.padStart(2, "0")}` } }),
    );
    expect(explained(...customers, times(2_000, {})).map((text) => text.slice(0, 13))).toEqual(
      Array.from({ length: 10 }, (_, n) => `customer c-${`${n}`.padStart(2, "0")}`),
    );
    const detail = Object.fromEntries([..."abcdefg"].map((name) => [name, 1]));
    const { explanations } = rankingOf(
      times(60, { failed: true, subject: acme, event: { detail } }),
      times(300, { event: { detail: {} } }),
    );
    expect(explanations.map(({ alike }) => alike.map(traitText))).toEqual([
      [..."abcde"].map((name) => `detail.${name} = 1`),
    ]);
  });

  it("compares paths among events that could be looked into alone", () => {
    const { event: _, ...unseen } = BASE;
    const withField = times(60, { failed: true, event: { detail: { a: 1 } } });
    expect(
      explained(
        withField,
        Array.from({ length: 300 }, () => unseen as Case),
      ),
    ).toEqual([]);
    expect(explained(withField, times(300, {}))).toEqual(["detail.a = 1: 60 of 60"]);
  });
});

describe("failures in the course of time", () => {
  const minute = (n: number) => new Date(BASE.at.getTime() + n * 60_000);
  /** An outage of everybody in the first half, in which nearly only one customer had events. */
  const outage = (failures: number) =>
    explained(times(failures, { failed: true, subject: acme, at: minute(0) }), times(200, { at: minute(59) }));

  it("are no customer's whose events nearly all came in an outage of everybody", () => {
    expect(outage(20)).toEqual([]);
    expect(outage(200)).toEqual([]);
  });

  it("are compared as one where there are too few to be told apart by time", () => {
    expect(outage(19)).toEqual(["customer acme: 19 of 19"]);
  });

  it("are a customer's who fails in each stretch alike", () => {
    const hours = Array.from({ length: 60 }, (_, n) => [
      times(2, { failed: true, subject: acme, at: minute(n) }),
      times(10, { at: minute(n) }),
    ]).flat();
    expect(explained(...hours)).toEqual(["customer acme: 120 of 120"]);
  });
});
