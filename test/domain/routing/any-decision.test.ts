import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DecisionInput, decideRoute } from "../../../shared/domain/routing/decide-route.ts";
import { bucketOf } from "../../../shared/domain/routing/rollout.ts";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import type { Subject, SubjectKey } from "../../../shared/domain/subject.ts";
import { type AboutComponent, aComponent, aPin, rowsOf } from "../../support/builders.ts";

const now = new Date("2026-11-20T12:00:00.000Z");

type Situation = {
  component?: AboutComponent;
  subject?: Subject;
  rows?: { [key in SubjectKey]?: SubjectRow };
  replayDestination?: string;
};

function decide({ component, rows, ...about }: Situation & Pick<DecisionInput, "trace">) {
  return decideRoute({ component: aComponent(component), subject: {}, rowOf: rowsOf(rows), now, ...about });
}

describe("any decision", () => {
  const alias = fc.constantFrom("stable", "beta", "experimental", "gone");
  const instant = fc.constantFrom(undefined, "2026-11-20T10:00:00.000Z", "2026-11-20T14:00:00.000Z");
  const period = fc
    .record({ from: instant, until: instant })
    .map(({ from, until }) => ({ ...(from && { from }), ...(until && { until }) }));
  const row = fc.record({
    pins: fc.dictionary(
      fc.constantFrom("release-coordinator", "mailer"),
      fc.tuple(alias, period).map(([to, when]) => aPin({ alias: to, ...when })),
    ),
    cohorts: fc.subarray(["staff", "partners"]),
  });
  const id = (...ids: string[]) => fc.option(fc.constantFrom(...ids), { nil: undefined });
  const subject = fc
    .record({ project: id("p1", "p2"), customer: id("c1", "c2"), plan: id("free", "paid"), user: id("u1", "u2") })
    .map((ids): Subject => Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== undefined)));
  const subjectKey = fc.constantFrom<SubjectKey>(
    ...(["project#p1", "project#p2", "customer#c1", "customer#c2", "plan#free", "plan#paid"] as const),
  );
  const rows = fc.dictionary(subjectKey, row) as fc.Arbitrary<{ [key in SubjectKey]?: SubjectRow }>;
  const component = fc
    .record({
      defaultAlias: alias,
      cohortRoutes: fc.array(
        fc
          .tuple(fc.constantFrom("staff", "partners"), alias, period)
          .map(([cohort, to, when]) => ({ cohort, alias: to, ...when })),
        { maxLength: 3 },
      ),
      rollout: fc.option(
        fc
          .record({
            alias,
            basisPoints: fc.integer({ min: 0, max: 10_000 }),
            by: fc.constantFrom("project" as const, "customer" as const, "user" as const),
            salt: fc.constantFrom("one", "two"),
          })
          .chain((share) => period.map((when) => ({ ...share, ...when }))),
        { nil: undefined },
      ),
    })
    .map(({ rollout: share, ...rest }): AboutComponent => ({ ...rest, ...(share && { rollout: share }) }));
  const replayDestination = fc.option(alias, { nil: undefined, freq: 9 });
  const situation = fc
    .record({ component, subject, rows, replayDestination })
    .map(({ replayDestination: to, ...rest }): Situation => ({ ...rest, ...(to && { replayDestination: to }) }));

  it("has an alias that the component has, and says so when it isn't the one that was named", () => {
    fc.assert(
      fc.property(situation, (about) => {
        const decision = decide(about);
        expect(["stable", "beta"]).toContain(decision.alias);
        expect(decision.fallback).toBe(decision.named !== undefined);
        if (decision.fallback) expect(["gone", "experimental"]).toContain(decision.named);
      }),
    );
  });

  it("is the same every time, and the same with the trace off", () => {
    fc.assert(
      fc.property(situation, (about) => {
        const decision = decide(about);
        expect(decide(about)).toStrictEqual(decision);
        const { rule: _, ...outcome } = decision;
        expect(decide({ ...about, trace: false })).toMatchObject({ ...outcome, passedOver: [] });
      }),
    );
  });

  it("isn't changed by a rule for a subject that the event isn't about", () => {
    fc.assert(
      fc.property(situation, subjectKey, row, (about, key, other) => {
        const [level = "", ofId] = key.split("#");
        fc.pre(Object.entries(about.subject ?? {}).every(([of, value]) => of !== level || value !== ofId));
        expect(decide({ ...about, rows: { ...about.rows, [key]: other } })).toStrictEqual(decide(about));
      }),
    );
  });

  it("isn't changed by a pin of another component", () => {
    fc.assert(
      fc.property(situation, subjectKey, alias, (about, key, to) => {
        const before = about.rows?.[key] ?? { pins: {}, cohorts: [] };
        const after = { ...before, pins: { ...before.pins, mailer: aPin({ alias: to }) } };
        expect(decide({ ...about, rows: { ...about.rows, [key]: after } })).toStrictEqual(decide(about));
      }),
    );
  });

  it("keeps everybody in a rollout whose share is raised", () => {
    const share = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), share, share, (customer, salt, a, b) => {
        const isIn = (basisPoints: number) =>
          decide({
            subject: { customer },
            component: { rollout: { alias: "beta", by: "customer", salt, basisPoints } },
          }).because === "rollout";
        expect(isIn(Math.min(a, b)) && !isIn(Math.max(a, b))).toBe(false);
        expect(isIn(a)).toBe(bucketOf(customer, salt) < a);
        expect(isIn(0)).toBe(false);
        expect(isIn(10_000)).toBe(true);
      }),
    );
  });
});
