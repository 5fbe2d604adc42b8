import { describe, expect, it } from "vitest";
import type { RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import type { Subject } from "../../../shared/domain/subject.ts";
import { effectOf, effectOfMove } from "../../../shared/flows/change/change-effect.ts";
import type { RoutingView } from "../../../shared/flows/routing-cache.ts";
import { aComponent, aPin, aSubjectRow, rowsOf } from "../../support/builders.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const mailer = aComponent({ name: "mailer" });
const pinned = aSubjectRow({ pins: { mailer: aPin() } });

/** Where acme's project site is pinned to nothing, and its customer neither. */
function aView(rows: Parameters<typeof rowsOf>[0] = {}, components = [mailer]): RoutingView {
  const listeners = components.map((component) => ({ component, matches: () => true }));
  const subjectRow = rowsOf({ "project#site": { customer: "acme" }, ...rows });
  const nothing = { rowOf: () => undefined, problemOf: () => undefined };
  return { revision: 1, listeners, held: [], missing: new Set(), subjectRow, ...nothing };
}

const effect = (rows: RowChange[], subject: Subject, view = aView()) => effectOf(rows, now)(subject, view);

describe("what a change of rows does to a subject", () => {
  it("is told at each component: where it goes before and after, and whether that is off the default", () => {
    const rows: RowChange[] = [{ key: "customer#acme", before: null, after: pinned }];
    const view = aView({}, [mailer, aComponent({ name: "invoice" })]);
    const [atMailer, atInvoice] = effect(rows, { project: "site" }, view);
    expect(atMailer).toEqual({
      ...{ component: "mailer", from: "stable", to: "beta", offBefore: false, offAfter: true },
      keys: expect.arrayContaining(["project#site", "customer#acme"]),
    });
    expect(atInvoice).toMatchObject({ component: "invoice", from: "stable", to: "stable", offAfter: false });
  });

  it("follows the directory as it is after the change, a row that goes, and one that can't be read then", () => {
    const elsewhere: RowChange[] = [{ key: "project#site", before: null, after: aSubjectRow({ customer: "globex" }) }];
    const view = aView({ "customer#globex": pinned, "customer#acme": pinned });
    expect(effect(elsewhere, { project: "site" }, view)[0]).toMatchObject({ from: "beta", to: "beta" });
    const onGlobex = aView({ "customer#globex": pinned });
    expect(effect(elsewhere, { project: "site" }, onGlobex)[0]).toMatchObject({
      ...{ from: "stable", to: "beta" },
      keys: expect.arrayContaining(["customer#globex"]),
    });
    for (const after of [null, new UnreadableRow("is broken", "{")]) {
      const gone: RowChange[] = [{ key: "customer#acme", before: pinned, after }];
      expect(effect(gone, { customer: "acme" }, view)[0]).toMatchObject({
        ...{ from: "beta", to: "stable", offBefore: true, offAfter: false },
      });
    }
  });

  it("is by the component's rules as they are after the change, and stays as it is where that is removed", () => {
    const key = "component#mailer";
    const beta = { ...mailer, defaultAlias: "beta" };
    expect(effect([{ key, before: mailer, after: beta }], {})[0]).toMatchObject({
      ...{ from: "stable", to: "beta", offBefore: false, offAfter: false },
    });
    expect(effect([{ key, before: mailer, after: null }], {})[0]).toMatchObject({ from: "stable", to: "stable" });
  });
});

describe("what the move of an alias does to a subject", () => {
  const move = { component: "mailer", alias: "beta", from: "1", to: "2" };
  const on = (subject: Subject, about: Partial<{ from: string | null }> = {}) =>
    effectOfMove({ ...move, ...about }, now)(subject, aView({ "customer#acme": pinned }));

  it("is another version where it is on the alias, and nothing where it isn't", () => {
    expect(on({ customer: "acme" })).toEqual([
      { component: "mailer", from: "1", to: "2", offBefore: true, offAfter: true, keys: ["customer#acme"] },
    ]);
    expect(on({ project: "site" })).toMatchObject([{ from: "1", to: "2" }]);
    expect(on({ customer: "globex" })).toMatchObject([{ from: "stable", to: "stable", offBefore: false }]);
    expect(on({ customer: "acme" }, { from: null })).toMatchObject([{ from: "nowhere", to: "2" }]);
  });

  it("is nothing at a component that isn't there", () => {
    expect(effectOfMove({ ...move, component: "gone" }, now)({ customer: "acme" }, aView())).toEqual([]);
  });
});
