import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CohortRoute } from "../../../shared/domain/routing/cohort.ts";
import { type ComponentChange, changeComponent } from "../../../shared/domain/routing/component-change.ts";
import { bucketOf, type Rollout } from "../../../shared/domain/routing/rollout.ts";
import { aComponent } from "../../support/builders.ts";

const route = (cohort: string, alias = "beta"): CohortRoute => ({ cohort, alias });
const rollout = (about: Partial<Rollout> = {}): Rollout => {
  return { alias: "beta", basisPoints: 500, by: "customer", salt: "first", ...about };
};
const retired = { stable: { target: { kind: "worker" } }, old: { target: { kind: "worker" }, retired: true } } as const;

describe("a cohort route", () => {
  const order = (change: ComponentChange, routes = [route("staff"), route("partners")]) =>
    changeComponent(aComponent({ cohortRoutes: routes }), change).cohortRoutes.map(({ cohort }) => cohort);

  it("a cohort route that is new comes last, or before another one", () => {
    expect(order({ set: "cohort route", route: route("press") })).toEqual(["staff", "partners", "press"]);
    expect(order({ set: "cohort route", route: route("press"), before: "staff" })).toEqual([
      "press",
      "staff",
      "partners",
    ]);
  });

  it("a cohort route that is there keeps its place until it is told another one", () => {
    const change = { set: "cohort route", route: route("staff", "stable") } as const;
    const changed = changeComponent(aComponent({ cohortRoutes: [route("staff"), route("partners")] }), change);
    expect(changed.cohortRoutes).toEqual([route("staff", "stable"), route("partners")]);
    expect(order({ set: "cohort route", route: route("partners"), before: "staff" })).toEqual(["partners", "staff"]);
  });

  it("is taken away, and refused where there is none or none to go before", () => {
    expect(order({ remove: "cohort route", cohort: "staff" })).toEqual(["partners"]);
    expect(() => order({ remove: "cohort route", cohort: "press" })).toThrow("it has staff, partners");
    expect(() => order({ set: "cohort route", route: route("press"), before: "nope" })).toThrow("'nope'");
    expect(() => order({ set: "cohort route", route: route("staff"), before: "staff" })).toThrow("'staff'");
  });
});

describe("a rollout", () => {
  it("keeps its salt when anything else changes, and draws a new one only to reshuffle", () => {
    const component = aComponent({ rollout: rollout() });
    const wanted = rollout({ alias: "stable", basisPoints: 900, by: "project", salt: "second" });
    const kept = changeComponent(component, { set: "rollout", rollout: wanted }).rollout;
    expect(kept).toEqual({ ...wanted, salt: "first" });
    expect(changeComponent(component, { set: "rollout", rollout: wanted, reshuffle: true }).rollout).toEqual(wanted);
    expect(changeComponent(aComponent(), { set: "rollout", rollout: wanted }).rollout).toEqual(wanted);
  });

  it("never puts a customer out when its share is raised, whatever salt comes with the change", () => {
    const share = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), share, share, fc.string({ minLength: 1 }), (customer, a, b, salt) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const before = aComponent({ rollout: rollout({ basisPoints: low }) });
        const raised = rollout({ basisPoints: high, salt });
        const after = changeComponent(before, { set: "rollout", rollout: raised }).rollout;
        const isIn = ({ salt: of, basisPoints }: Rollout) => bucketOf(customer, of) < basisPoints;
        expect(isIn(rollout({ basisPoints: low })) && !isIn(after ?? raised)).toBe(false);
      }),
    );
  });

  it("is taken away, and refused where there is none", () => {
    const component = aComponent({ rollout: rollout() });
    expect("rollout" in changeComponent(component, { remove: "rollout" })).toBe(false);
    expect(() => changeComponent(aComponent(), { remove: "rollout" })).toThrow("has no rollout");
  });
});

describe("an alias", () => {
  it("an alias that is new is reached as the default one is; one that is there stays as it is", () => {
    const target = { kind: "lambda", functionArn: "arn:aws:lambda:eu-west-1:123456789012:function:f" } as const;
    const component = aComponent({ aliases: { stable: { target } } });
    expect(changeComponent(component, { set: "alias", alias: "new" }).aliases.new).toEqual({ target });
    expect(changeComponent(component, { set: "alias", alias: "stable" })).toBe(component);
  });

  it.each([
    ["URL", { kind: "http", url: "https://a.example", format: "published" }],
    ["queue", { kind: "sqs", queueArn: "arn:aws:sqs:eu-west-1:123456789012:orders" }],
  ] as const)("is new only in the component's file, where each has a %s of its own", (place, target) => {
    const component = { ...aComponent(), aliases: { stable: { target }, old: { target, retired: true } } };
    const refusal = `has a ${place} of its own. Add it to the component's file`;
    expect(() => changeComponent(component, { set: "alias", alias: "new" })).toThrow(refusal);
    expect(changeComponent(component, { set: "alias", alias: "old" }).aliases.old).toEqual({ target });
  });

  it("is neither retired nor removed where there is none, and what there is is named", () => {
    for (const change of [
      { retire: "alias", alias: "nope" },
      { remove: "alias", alias: "nope" },
    ] as const) {
      expect(() => changeComponent(aComponent(), change)).toThrow("No alias 'nope'");
    }
  });

  it("is retired and taken into use again", () => {
    const once = changeComponent(aComponent(), { retire: "alias", alias: "beta" });
    expect(once.aliases.beta).toEqual({ target: { kind: "worker" }, retired: true });
    expect(changeComponent(once, { set: "alias", alias: "beta" })).toEqual(aComponent());
  });

  it.each([
    ["the default alias", { defaultAlias: "beta" }],
    ["the fallback alias", { fallbackAlias: "beta" }],
    ["the rollout sends to it", { rollout: rollout() }],
    ["the route of cohort 'staff'", { cohortRoutes: [route("staff")] }],
  ])("is neither retired nor removed while in use: %s", (said, about) => {
    for (const change of [
      { retire: "alias", alias: "beta" },
      { remove: "alias", alias: "beta" },
    ] as const) {
      expect(() => changeComponent(aComponent(about), change)).toThrow(said);
    }
  });

  it.each<ComponentChange>([
    { set: "default alias", alias: "old" },
    { set: "fallback alias", alias: "old" },
    { set: "rollout", rollout: rollout({ alias: "old" }) },
    { set: "cohort route", route: route("staff", "old") },
  ])("an alias that is retired or unknown is refused by $set", (change) => {
    expect(() => changeComponent(aComponent({ aliases: retired }), change)).toThrow(
      "'old' of release-coordinator is retired",
    );
    expect(() => changeComponent(aComponent(), change)).toThrow("No alias 'old'");
  });
});

describe("all stable", () => {
  it("is set and taken back, and taking back what isn't set changes nothing", () => {
    const allStable = { who: "ada", why: "24 is bad", at: "2026-11-20T10:00:00.000Z" };
    const component = aComponent();
    const set = changeComponent(component, { set: "all stable", allStable });
    expect(set.allStable).toEqual(allStable);
    expect(changeComponent(set, { remove: "all stable" })).toEqual(component);
    expect(changeComponent(component, { remove: "all stable" })).toBe(component);
  });
});

describe("a version that is marked as bad", () => {
  const bad = (version: string, alias = "beta", at = "2026-11-20T10:00:00.000Z", why = "failing") => {
    return { set: "bad version", bad: { version, alias, why, at } } as const;
  };
  const marks = (...changes: ComponentChange[]) =>
    changes.reduce(changeComponent, aComponent()).badVersions?.map(({ version, alias, why }) => [version, alias, why]);

  it("keeps what was first said of that trip, and says the latest of several", () => {
    expect(marks(bad("24"), bad("24", "beta", "2026-11-20T10:00:00.000Z", "said again"))).toEqual([
      ["24", "beta", "failing"],
    ]);
    expect(marks(bad("24"), bad("24", "beta", "2026-11-21T10:00:00.000Z", "slow"))).toEqual([["24", "beta", "slow"]]);
  });

  it("is marked on each alias, beside other versions, the newest first", () => {
    expect(marks(bad("24"), bad("24", "stable"), bad("25"))).toEqual([
      ["25", "beta", "failing"],
      ["24", "stable", "failing"],
      ["24", "beta", "failing"],
    ]);
  });

  it("pushes the oldest mark out behind twenty", () => {
    const twentyOne = Array.from({ length: 21 }, (_, i) => bad(`${i}`));
    expect(marks(...twentyOne)?.map(([version]) => version)).toEqual(Array.from({ length: 20 }, (_, i) => `${20 - i}`));
  });
});

describe("a guard", () => {
  const guard = { mode: "hold" as const, who: "ada", why: "x", at: "2026-11-20T10:00:00.000Z" };

  it("is taken away alone, and the last one without a trace; where there is none that is refused", () => {
    const guarded = { ...aComponent(), guards: { beta: guard, stable: guard } };
    const once = changeComponent(guarded, { remove: "guard", alias: "beta" });
    expect(once.guards).toEqual({ stable: guard });
    expect(changeComponent(once, { remove: "guard", alias: "stable" })).not.toHaveProperty("guards");
    expect(() => changeComponent(aComponent(), { remove: "guard", alias: "beta" })).toThrow(
      "beta of release-coordinator isn't guarded",
    );
  });

  it("keeps its alias from being retired or removed", () => {
    const guarded = { ...aComponent(), guards: { beta: guard } };
    for (const change of [
      { retire: "alias", alias: "beta" },
      { remove: "alias", alias: "beta" },
    ] as const) {
      expect(() => changeComponent(guarded, change)).toThrow("is still in use: it is guarded.");
    }
  });
});
