import fc from "fast-check";
import type { Component } from "../../shared/domain/routing/component.ts";
import { guardModes } from "../../shared/domain/routing/guard-rule.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import type { SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import type { Subject, SubjectKey } from "../../shared/domain/subject.ts";
import { aComponent, aPin } from "./builders.ts";
import { aRelease } from "./releases.ts";

/** Generated routing on a handful of names, so that rules, directory and subjects meet often. */
export const componentNames = ["mailer", "release-coordinator"] as const;

const ids = { user: ["u1", "u2"], project: ["p1", "p2"], customer: ["c1", "c2"], plan: ["free", "paid"] } as const;

export const subjectKeys: readonly SubjectKey[] = Object.entries(ids).flatMap(([level, named]) =>
  named.map((id) => `${level}#${id}` as SubjectKey),
);

const usableAlias = fc.constantFrom("stable", "beta", "experimental");
const anyAlias = fc.constantFrom("stable", "beta", "experimental", "gone");
const instant = fc.constantFrom(undefined, "2026-11-20T10:00:00.000Z", "2026-11-20T14:00:00.000Z");
const cohort = fc.constantFrom("staff", "partners");

/** Before, between and after all the periods' ends, and at them. */
export const anyTime = fc
  .constantFrom("09:59:59.999", "10:00:00.000", "12:00:00.000", "14:00:00.000", "23:00:00.000")
  .map((time) => new Date(`2026-11-20T${time}Z`));

const period = fc
  .record({ from: instant, until: instant })
  .map(({ from, until }) => ({ ...(from && { from }), ...(until && { until }) }));

const pin = fc.tuple(anyAlias, period, fc.option(anyAlias, { nil: undefined })).map(([alias, when, successor]) => {
  return aPin({ alias, ...when, ...(successor && { successor }) });
});

/** A subject's row; a project may name its customer, a customer its plan. */
export function anySubjectRow(level: string): fc.Arbitrary<SubjectRow> {
  const customer = level === "project" ? fc.constantFrom(undefined, ...ids.customer) : fc.constant(undefined);
  const plan = level === "customer" ? fc.constantFrom(undefined, ...ids.plan) : fc.constant(undefined);
  return fc
    .record({
      customer,
      plan,
      pins: fc.dictionary(fc.constantFrom(...componentNames), pin),
      cohorts: fc.subarray(["partners", "staff"]),
    })
    .map(({ customer: of, plan: on, ...row }) => ({ ...row, ...(of && { customer: of }), ...(on && { plan: on }) }));
}

const anyRelease = fc
  .record({ made: fc.integer({ min: 0, max: 4 }), isPaused: fc.boolean(), isEnded: fc.boolean() })
  .map(({ made, isPaused, isEnded }) => {
    const said = { who: "ada", why: "slow", at: "2026-11-20T10:00:00.000Z" };
    return aRelease({
      made,
      ...(isPaused && { paused: said }),
      ...(isEnded && { ended: { ...said, how: "aborted" } }),
    });
  });

const anyGuard = fc
  .constantFrom(...guardModes)
  .map((mode) => ({ mode, who: "ada", why: "careful", at: "2026-11-20T10:00:00.000Z" }));

const anyBadVersion = fc
  .record({ version: fc.constantFrom("22", "23"), alias: usableAlias })
  .map((which) => ({ ...which, why: "worse", at: "2026-11-20T10:00:00.000Z" }));

export function anyComponent(name: string): fc.Arbitrary<Component> {
  const rollout = fc
    .record({
      alias: usableAlias,
      basisPoints: fc.integer({ min: 0, max: 10_000 }),
      by: fc.constantFrom("project" as const, "customer" as const, "user" as const),
      salt: fc.constantFrom("one", "two"),
    })
    .chain((share) => period.map((when) => ({ ...share, ...when })));
  return fc
    .record({
      defaultAlias: usableAlias,
      cohortRoutes: fc.array(
        fc.tuple(cohort, usableAlias, period).map(([of, alias, when]) => ({ cohort: of, alias, ...when })),
        { maxLength: 3 },
      ),
      rollout: fc.option(rollout, { nil: undefined }),
      release: fc.option(anyRelease, { nil: undefined, freq: 6 }),
      allStable: fc.option(fc.constant({ who: "ada", why: "fire", at: "2026-11-20T10:00:00.000Z" }), {
        nil: undefined,
        freq: 6,
      }),
      guards: fc.option(fc.dictionary(usableAlias, anyGuard), { nil: undefined, freq: 6 }),
      badVersions: fc.option(fc.array(anyBadVersion, { maxLength: 2 }), { nil: undefined, freq: 6 }),
    })
    .map(({ rollout: share, release, allStable, guards, badVersions, ...rest }) =>
      aComponent({
        name,
        aliases: ["stable", "beta", "experimental"],
        ...rest,
        ...(share && { rollout: share }),
        ...(release && { release }),
        ...(allStable && { allStable }),
        ...(guards && { guards }),
        ...(badVersions && { badVersions }),
      }),
    );
}

const id = (...known: readonly string[]) => fc.option(fc.constantFrom(...known, "unknown"), { nil: undefined });

/** What an event may state of its subject. */
export const anySubject: fc.Arbitrary<Subject> = fc
  .record({ project: id(...ids.project), customer: id(...ids.customer), plan: id(...ids.plan), user: id(...ids.user) })
  .map((stated): Subject => Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined)));

const anySubjectEdit = fc
  .constantFrom(...subjectKeys)
  .chain((key) => fc.option(anySubjectRow(key), { nil: null }).map((row) => ({ key, row })));

const anyComponentEdit = fc
  .constantFrom(...componentNames)
  .chain((name) =>
    fc.option(anyComponent(name), { nil: null, freq: 6 }).map((row) => ({ key: `component#${name}` as const, row })),
  );

const anySourceEdit = fc
  .option(fc.constantFrom("detail.repo", "detail.site"), { nil: null })
  .map((project) => ({ key: "source#shop" as const, row: project && { source: "shop", project } }));

/** A change of up to four rows of any kind, each once. */
export const anyEdit: fc.Arbitrary<RoutingEdit> = fc
  .uniqueArray(fc.oneof({ weight: 4, arbitrary: anySubjectEdit }, anyComponentEdit, anySourceEdit), {
    selector: ({ key }) => key,
    minLength: 1,
    maxLength: 4,
  })
  .map((rows): RoutingEdit => ({ kind: "put rows", rows }));
