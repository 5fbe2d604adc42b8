import { describe, expect, it } from "vitest";
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

/** What explains the failures of these cases, e.g. `customer acme + type push (or source = "shop"): 40 of 41`. */
function explained(...kinds: Case[][]): string[] {
  const index = traitIndex();
  for (const one of kinds.flat()) index.add(one);
  return rankExplanations(index).explanations.map(({ traits, alike, failed, passed }) => {
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
