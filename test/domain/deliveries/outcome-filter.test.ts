import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Attempt, deliveryStatuses } from "../../../shared/domain/deliveries/delivery.ts";
import {
  type EventOutcome,
  type OutcomeFilter,
  outcomeFilter,
  outcomesOf,
} from "../../../shared/domain/deliveries/event-outcome.ts";
import { becauses } from "../../../shared/domain/routing/decide-route.ts";
import { isMemberOn } from "../../../shared/domain/routing/subject-rows.ts";
import { anEvent, bodyOf, rowsOf } from "../../support/builders.ts";
import { ARRIVED, anEntry, aRecord } from "../../support/stored-events.ts";

const isMember = isMemberOn(rowsOf({ "customer#acme": { cohorts: ["staff"] }, "project#api": { cohorts: ["early"] } }));

const record = aRecord({
  subject: { project: "site", customer: "acme", plan: "pro", user: "ada" },
  body: bodyOf(anEvent({ detail: { amount: 12 } })),
});
const entry = anEntry({ alias: "beta", because: "customer pin", executedVersion: "24", replay: "tidy-up" });
const outcome: EventOutcome = { record, status: "done", component: "mailer", entry };

const passes = (filter: OutcomeFilter, about: Partial<EventOutcome> = {}) =>
  outcomeFilter(filter)({ ...outcome, ...about }, isMember);

describe("a filter", () => {
  it.each<[string, OutcomeFilter, OutcomeFilter]>([
    ["component", { component: "mailer" }, { component: "billing" }],
    ["source", { source: "shop" }, { source: "bank" }],
    ["user", { user: "ada" }, { user: "bob" }],
    ["project", { project: "site" }, { project: "api" }],
    ["customer", { customer: "acme" }, { customer: "Acme" }],
    ["plan", { plan: "pro" }, { plan: "free" }],
    ["cohort of the customer", { cohort: "staff" }, { cohort: "early" }],
    ["alias", { alias: "beta" }, { alias: "stable" }],
    ["version", { executedVersion: "24" }, { executedVersion: "23" }],
    ["status", { status: "done" }, { status: "dead" }],
    ["rule", { because: "customer pin" }, { because: "project pin" }],
    ["replay that finished it", { replay: "tidy-up" }, { replay: "replay-1" }],
    ["pattern", { pattern: { detail: { amount: [{ numeric: [">", 10] }] } } }, { pattern: { source: ["bank"] } }],
  ])("a filter by %s", (_, itsOwn, other) => {
    expect(passes({})).toBe(true);
    expect(passes(itsOwn)).toBe(true);
    expect(passes(other)).toBe(false);
    // Everything that is asked has to be so.
    expect(passes({ ...itsOwn, customer: "globex" })).toBe(false);
  });

  it("a filter by cohort asks today's directory for the project, too", () => {
    const subject = { project: "api" };
    expect(passes({ cohort: "early" }, { record: { ...record, subject } })).toBe(true);
    expect(passes({ cohort: "early" }, { record: { ...record, subject: {} } })).toBe(false);
  });

  it("a filter by version finds one that ran any attempt", () => {
    const attempts = [{ attempt: 1, at: ARRIVED, outcome: "failed", version: "23" } as const];
    expect(passes({ executedVersion: "23" }, { entry: { ...entry, attempts } })).toBe(true);
  });

  it("a filter by several versions finds what any of them ran", () => {
    expect(passes({ executedVersion: ["23", "24"] })).toBe(true);
    expect(passes({ executedVersion: ["22", "23"] })).toBe(false);
  });

  it("a filter by version since a time finds what it ran then or later, an attempt that nobody answered included", () => {
    const since = "2026-11-20T10:00:00.000Z";
    const filter = { executedVersion: "23", ranSince: since };
    const ran = (at: string, about: Partial<Attempt>) => {
      const { executedVersion: _, ...made } = entry;
      const attempts: Attempt[] = [{ attempt: 1, at: new Date(at), outcome: "failed", ...about }];
      return { entry: { ...made, attempts } };
    };
    expect(passes(filter, ran(since, { version: "23" }))).toBe(true);
    expect(passes(filter, ran("2026-11-20T09:59:59.999Z", { version: "23" }))).toBe(false);
    expect(passes(filter, ran(since, {}))).toBe(false);
    expect(passes({ ...filter, ranBehind: "beta" }, ran(since, {}))).toBe(true);
    expect(passes({ ...filter, ranBehind: "stable" }, ran(since, {}))).toBe(false);
    expect(passes({ ...filter, ranBehind: "beta" }, ran(since, { outcome: "postponed" }))).toBe(false);
  });

  it.each<[Attempt["outcome"], boolean]>([
    ["failed", true],
    ["dead", true],
    ["lease lapsed", true],
    ["outcome missing", true],
    ["done", false],
    ["postponed", false],
    ["accepted", false],
  ])(
    "a filter by version takes an attempt of its alias that nobody answered for its own where it is %s: %s",
    (ended, its) => {
      const { executedVersion: _, ...made } = entry;
      const of = (about: Partial<Attempt>) => ({
        entry: { ...made, attempts: [{ attempt: 1, at: ARRIVED, outcome: ended, ...about }] },
      });
      expect(passes({ executedVersion: "23", ranBehind: "beta" }, of({}))).toBe(its);
      expect(passes({ executedVersion: "23", ranBehind: "beta" }, of({ version: "22" }))).toBe(false);
    },
  );

  it("a filter by several of a kind lets through what is any of them", () => {
    const isOf = (source: string) => ({ source: [source] });
    expect(passes({ pattern: [isOf("bank"), isOf("shop")] })).toBe(true);
    expect(passes({ pattern: [isOf("bank"), isOf("post")] })).toBe(false);
    expect(passes({ cohort: ["early", "staff"] })).toBe(true);
    expect(passes({ status: ["dead", "done"] })).toBe(true);
    expect(passes({ status: ["unresolved", "done"] })).toBe(true);
    expect(passes({ status: ["unresolved", "failed"] }, { status: "rejected" })).toBe(true);
    expect(passes({ status: ["unresolved", "failed"] })).toBe(false);
  });

  it("a filter by replay finds what it delivered in its own generation", () => {
    const { replay: _, ...made } = entry;
    expect(passes({ replay: "replay-1" }, { entry: { ...made, generation: "replay-1" } })).toBe(true);
    expect(passes({ replay: "replay-1" }, { entry: made })).toBe(false);
  });

  it.each<[string, OutcomeFilter]>([
    ["alias", { alias: "beta" }],
    ["version", { executedVersion: "24" }],
    ["rule", { because: "customer pin" }],
    ["replay", { replay: "tidy-up" }],
  ])("a filter by %s finds nothing that was never delivered", (_, filter) => {
    const waiting: EventOutcome = { record, status: "waiting", component: "mailer" };
    expect(outcomeFilter(filter)(waiting, isMember)).toBe(false);
  });

  it("a filter by pattern finds nothing that can't be read", () => {
    const filter = { pattern: { source: [{ exists: true }] } };
    expect(passes(filter, { record: { ...record, body: "hello" } })).toBe(false);
  });

  it("a filter by pattern judges by source and type alone what has lost its body", () => {
    const { source, detailType } = record;
    const lost = { record: { ...record, body: "", unavailable: "it is gone" } };
    const detail = { amount: [{ numeric: [">", 10] as const }] };
    const byPattern = (pattern: object) => passes({ pattern } as OutcomeFilter, lost);
    expect(byPattern({ detail })).toBe(true);
    expect(byPattern({ source: [source], detail })).toBe(true);
    expect(byPattern({ source: [source], "detail-type": [detailType] })).toBe(true);
    expect(byPattern({ source: ["bank"], detail })).toBe(false);
    expect(byPattern({ source: [source], "detail-type": ["other"] })).toBe(false);
    expect(passes({ pattern: { source: ["bank"] } }, { record: { ...lost.record, source: "" } })).toBe(true);
  });

  it("refuses a pattern that is none, and says where", () => {
    expect(() => outcomeFilter({ pattern: { detail: { amount: 12 } } as never })).toThrow(/pattern: .*amount/);
  });

  it("a filter by customer, project or plan never yields another's events, whatever else it asks", () => {
    const names = ["acme", "globex", "Acme", "", "constructor"];
    const name = fc.option(fc.constantFrom(...names), { nil: undefined });
    const subject = fc.record({ project: name, customer: name, plan: name }, { requiredKeys: [] });
    const status = fc.constantFrom(...deliveryStatuses);
    const made = fc.record({
      status,
      because: fc.constantFrom(...becauses),
      replay: fc.constantFrom("acme", "globex"),
    });
    const filter = fc.record(
      { project: name, customer: name, plan: name, status, because: fc.constantFrom(...becauses), cohort: name },
      { requiredKeys: [] },
    );
    const anyone = () => true;
    fc.assert(
      fc.property(fc.array(fc.tuple(subject, made)), filter, (events, asked) => {
        const outcomes = events.flatMap(([who, about]) =>
          outcomesOf(aRecord({ subject: defined(who) }), [anEntry(about)]),
        );
        const filtered = outcomes.filter((one) => outcomeFilter(defined(asked))(one, anyone));
        for (const level of ["project", "customer", "plan"] as const) {
          const wanted = asked[level];
          if (wanted === undefined) continue;
          for (const one of filtered) expect(one.record.subject[level]).toBe(wanted);
        }
        // And all of that subject's events: nothing else was asked for.
        const { project, customer, plan } = asked;
        const own = outcomes.filter((one) => outcomeFilter(defined({ project, customer, plan }))(one, anyone));
        const same = (is?: string, found?: string) => is === undefined || is === found;
        expect(own).toEqual(
          outcomes.filter(
            (one) =>
              same(project, one.record.subject.project) &&
              same(customer, one.record.subject.customer) &&
              same(plan, one.record.subject.plan),
          ),
        );
      }),
    );
  });
});

/** Without the fields that say nothing. */
function defined<T extends object>(about: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined)) as never;
}
