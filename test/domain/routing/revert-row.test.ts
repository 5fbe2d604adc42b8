import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { revertChanges } from "../../../shared/domain/routing/revert-row.ts";
import type { ChangeLogEntry, Row, RowChange, RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { canonical } from "../../../shared/domain/text/canonical-json.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRelease } from "../../support/releases.ts";

const entry = (revision: number, ...rows: RowChange[]): ChangeLogEntry => {
  const at = new Date("2026-11-20T10:00:00.000Z");
  return { revision, changeId: `${revision}`, at, who: "ada", why: "", command: "", rows };
};
const key = "customer#acme";

/** Takes one change of acme's row back. */
function reverted(before: Row | null, after: Row | null, now: Row | null, of: RowKey = key) {
  return revertChanges([entry(2, { key: of, before, after } as RowChange)], () => now ?? undefined);
}

describe("revertChanges", () => {
  const [free, paid] = [aSubjectRow({ plan: "free" }), aSubjectRow({ plan: "paid" })];

  it("puts back what was there before, and says what it replaces", () => {
    expect(reverted(free, paid, paid)).toEqual({ rows: [{ key, before: paid, after: free }], left: [] });
    expect(reverted(null, paid, paid)).toEqual({ rows: [{ key, before: paid, after: null }], left: [] });
    expect(reverted(free, null, null)).toEqual({ rows: [{ key, before: null, after: free }], left: [] });
  });

  it("changes nothing where all is as it was before already", () => {
    expect(reverted(free, paid, free)).toEqual({ rows: [], left: [] });
    expect(reverted(null, paid, null)).toEqual({ rows: [], left: [] });
  });

  it("leaves a field that something else has been set in since, and says which", () => {
    const enterprise = aSubjectRow({ plan: "enterprise" });
    expect(reverted(free, paid, enterprise)).toEqual({ rows: [], left: [{ key, path: "plan", revision: 2 }] });
  });

  it("takes an imported row back but for the pin that has come since, which it names", () => {
    const imported = aSubjectRow({ plan: "paid", cohorts: ["staff"], pins: { mailer: aPin({ alias: "beta" }) } });
    const later = { ...imported.pins, shop: aPin({ alias: "next" }) };
    const { rows, left } = reverted(null, imported, { ...imported, pins: later });
    expect(rows).toMatchObject([{ after: { pins: { shop: { alias: "next" } }, cohorts: [] } }]);
    expect(JSON.stringify(rows[0]?.after)).not.toContain("mailer");
    expect(left).toEqual([{ key, path: "pins.shop", revision: 2 }]);
  });

  it("takes a pin as one: it is never made of two", () => {
    const [first, second, third] = ["stable", "beta", "next"].map((alias) =>
      aSubjectRow({ pins: { mailer: aPin({ alias }) } }),
    );
    if (!first || !second || !third) throw new Error("no rows");
    const sameAlias = aSubjectRow({ pins: { mailer: aPin({ alias: "beta", why: "for another reason" }) } });
    for (const now of [third, sameAlias]) {
      expect(reverted(first, second, now)).toEqual({ rows: [], left: [{ key, path: "pins.mailer", revision: 2 }] });
    }
  });

  it("leaves what a change hasn't changed, and what is so already", () => {
    const [one, other] = [aSubjectRow({ plan: "one" }), aSubjectRow({ plan: "other" })];
    expect(reverted(one, one, other)).toEqual({ rows: [], left: [] });
    expect(reverted(one, other, one)).toEqual({ rows: [], left: [] });
  });

  it("takes a subject's row that came with the change away with the last thing that it said", () => {
    const came = aSubjectRow({ pins: { mailer: aPin() } });
    const since = aSubjectRow({ pins: { mailer: aPin() }, plan: "paid" });
    expect(reverted(null, came, since)).toMatchObject({
      rows: [{ after: { pins: {}, cohorts: [], plan: "paid" } }],
      left: [{ path: "plan" }],
    });
    const both = aSubjectRow({ pins: { mailer: aPin() }, cohorts: ["staff"] });
    const gone = aSubjectRow({ cohorts: ["staff"] });
    expect(reverted(null, both, gone).rows).toMatchObject([{ after: null }]);
  });

  it("takes cohorts one by one", () => {
    const before = aSubjectRow({ cohorts: ["a", "b"] });
    const after = aSubjectRow({ cohorts: ["b", "c"] });
    const now = aSubjectRow({ cohorts: ["b", "c", "d"] });
    expect(reverted(before, after, now).rows).toMatchObject([{ after: { cohorts: ["a", "b", "d"] } }]);
  });

  it("leaves a whole row that would be none without what it takes back", () => {
    const component = aComponent({ aliases: ["stable", "beta"] });
    const { beta: _, ...aliases } = component.aliases;
    const since = { ...component, defaultAlias: "beta" };
    const of = `component#${component.name}` as const;
    expect(reverted({ ...component, aliases }, component, since, of)).toEqual({
      rows: [],
      left: [{ key: of, path: "", revision: 2 }],
    });
  });

  it("leaves a component whose row has come with the change and was changed since", () => {
    const component = aComponent();
    const of = `component#${component.name}` as const;
    const { rows, left } = reverted(null, component, { ...component, timeoutMs: 5 }, of);
    expect([rows, left]).toEqual([[], [{ key: of, path: "", revision: 2 }]]);
  });

  it("takes a component's fields back beside what was changed since", () => {
    const component = aComponent();
    const of = `component#${component.name}` as const;
    const now = { ...component, timeoutMs: 5, defaultAlias: "beta" };
    expect(reverted(component, { ...component, timeoutMs: 5 }, now, of).rows).toEqual([
      { key: of, before: now, after: { ...component, defaultAlias: "beta" } },
    ]);
  });

  it("takes the rules back that a release has set, and not how far it has come", () => {
    const of = "component#mailer";
    const plain = aComponent({ name: "mailer" });
    const release = aRelease({ made: 1 });
    const routed = { ...plain, cohortRoutes: [{ cohort: "staff", alias: "beta" }] };
    const stepped = { ...routed, release };
    expect(reverted({ ...plain, release: aRelease() }, stepped, stepped, of).rows).toEqual([
      { key: of, before: stepped, after: { ...plain, release } },
    ]);
    // Nothing but the release was changed, or has changed since.
    expect(reverted(plain, { ...plain, release }, { ...plain, release }, of)).toEqual({ rows: [], left: [] });
    expect(reverted({ ...plain, release }, { ...routed, release }, routed, of).rows).toEqual([
      { key: of, before: routed, after: plain },
    ]);
  });

  it("takes guardrails back beside those that were set since, and to no row where none are left", () => {
    const of = "settings#guardrails";
    const first = { ...DEFAULT_GUARDRAILS, maxCustomersOff: 5 };
    const now = { ...first, protectedSubjects: ["customer#acme"] };
    const after = { ...DEFAULT_GUARDRAILS, protectedSubjects: ["customer#acme"] };
    expect(reverted(null, first, now, of).rows).toEqual([{ key: of, before: now, after }]);
    expect(reverted(null, first, first, of).rows).toEqual([{ key: of, before: first, after: null }]);
  });

  it("takes the last cohort that was created back to no register", () => {
    const of = "settings#cohorts";
    const staff = { description: "us", who: "ada", at: "2026-11-20T10:00:00.000Z" };
    const press = { ...staff, description: "them" };
    expect(reverted(null, { staff }, { staff, press }, of).rows).toMatchObject([{ after: { press } }]);
    const { rows } = revertChanges(
      [
        entry(3, { key: of, before: { staff }, after: { press } }),
        entry(2, { key: of, before: null, after: { staff } }),
      ],
      () => ({ press }),
    );
    expect(rows).toEqual([{ key: of, before: { press }, after: null }]);
  });

  it("leaves guardrails as a row where one stood before that said nothing", () => {
    const of = "settings#guardrails";
    const after = { ...DEFAULT_GUARDRAILS, maxCustomersOff: 5 };
    const now = { ...after, expiryRequiredFor: [] };
    expect(reverted(DEFAULT_GUARDRAILS, after, now, of).rows).toEqual([
      { key: of, before: now, after: { ...DEFAULT_GUARDRAILS, expiryRequiredFor: [] } },
    ]);
  });

  it("leaves a source whole that was removed and changed, as it has no fields of its own", () => {
    const of = "source#shop";
    const [was, now] = [
      { source: "shop", idempotencyKey: "detail.a" },
      { source: "shop", idempotencyKey: "detail.b" },
    ];
    expect(reverted(was, null, now, of)).toEqual({ rows: [], left: [{ key: of, path: "", revision: 2 }] });
  });

  it("takes several changes back from the newest on, each from what the others have left", () => {
    const gold = aSubjectRow({ plan: "gold" });
    const [first, second] = [
      entry(2, { key, before: free, after: paid }),
      entry(4, { key, before: paid, after: gold }),
    ];
    expect(revertChanges([second, first], () => gold).rows).toEqual([{ key, before: gold, after: free }]);
    const foreign = entry(4, { key, before: aSubjectRow({ plan: "trial" }), after: gold });
    expect(revertChanges([foreign, first], () => gold)).toMatchObject({
      rows: [{ key, before: gold, after: { plan: "trial" } }],
      left: [{ key, path: "plan", revision: 2 }],
    });
  });

  it("repairs what has been damaged since, and refuses to put back what couldn't be read", () => {
    const damaged = new UnreadableRow("not JSON", "{");
    const change = entry(2, { key, before: free, after: paid });
    expect(revertChanges([change], () => damaged).rows).toEqual([{ key, before: damaged, after: free }]);
    expect(() => revertChanges([entry(2, { key, before: damaged, after: paid })], () => paid)).toThrow("revision 2");
  });

  it("leaves exactly what a later change of other places has done, whatever they are", () => {
    const places = ["plan", "mailer", "shop", "staff", "partners"] as const;
    type Place = (typeof places)[number];
    const with_ = (set: Partial<Record<Place, string>>) => {
      const pins = Object.entries(set).filter(([name]) => name === "mailer" || name === "shop");
      const cohorts = Object.keys(set).filter((name) => name === "staff" || name === "partners");
      const row = {
        pins: Object.fromEntries(pins.map(([name, alias]) => [name, aPin({ alias })])),
        cohorts: cohorts.sort(),
      };
      return aSubjectRow({ ...row, ...(set.plan && { plan: set.plan }) });
    };
    const values = fc.record(
      Object.fromEntries(places.map((place) => [place, fc.constantFrom("a", "b", "c")])) as Record<
        Place,
        fc.Arbitrary<string>
      >,
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, values, values, fc.subarray([...places]), (start, first, second, taken) => {
        const of = (from: Partial<Record<Place, string>>, names: readonly Place[]) =>
          Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
        const others = places.filter((place) => !taken.includes(place));
        const after = { ...of(first, taken), ...of(start, others) };
        const now = { ...of(first, taken), ...of(second, others) };
        const wanted = with_({ ...of(start, taken), ...of(second, others) });
        const { rows, left } = revertChanges([entry(2, { key, before: with_(start), after: with_(after) })], () =>
          with_(now),
        );
        const result = rows.length === 0 ? with_(now) : (rows[0]?.after ?? aSubjectRow());
        expect(canonical(result)).toBe(canonical(wanted));
        expect(left).toEqual([]);
      }),
    );
  });
});
