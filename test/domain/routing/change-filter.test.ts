import { describe, expect, it } from "vitest";
import type { LoggedMove } from "../../../shared/domain/routing/alias-move.ts";
import { type ChangeFilter, passesFilter } from "../../../shared/domain/routing/change-filter.ts";
import type { ChangeLogEntry, RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";

const at = new Date("2026-11-20T10:00:00.000Z");

function passes(about: Partial<ChangeLogEntry>, filter: ChangeFilter): boolean {
  const said = { revision: 1, changeId: "c", at, who: "ada", why: "", command: "turnout test", rows: [] };
  return passesFilter({ ...said, ...about }, filter);
}

const pinned = aSubjectRow({ pins: { mailer: aPin() }, plan: "paid" });
const pinning: RowChange = { key: "customer#acme", before: aSubjectRow({ plan: "paid" }), after: pinned };
const belonging: RowChange = { key: "project#site", before: null, after: aSubjectRow({ customer: "acme" }) };

const move: LoggedMove = {
  component: "mailer",
  alias: "stable",
  from: "1",
  to: "2",
  kind: "promote",
  stage: "settled",
};

describe("a filter of changes", () => {
  it.each<[string, Partial<ChangeLogEntry>, ChangeFilter, boolean]>([
    ["nothing", {}, {}, true],
    ["the time it begins at", {}, { from: at }, true],
    ["the time it ends at", {}, { to: at }, false],
    ["a later beginning", {}, { from: new Date(at.getTime() + 1) }, false],
    ["its user", {}, { who: "ada" }, true],
    ["the end of an ARN", { who: "arn:aws:sts::1:assumed-role/admin/ada" }, { who: "ada" }, true],
    ["a part of a name", { who: "nevada" }, { who: "ada" }, false],
    [
      "a component whose row changed",
      { rows: [{ key: "component#mailer", before: null, after: aComponent() }] },
      { component: "mailer" },
      true,
    ],
    ["a component that was pinned", { rows: [pinning] }, { component: "mailer" }, true],
    [
      "a component whose pin stayed",
      { rows: [{ ...pinning, before: { ...pinned, plan: "free" } }] },
      { component: "mailer" },
      false,
    ],
    ["another component", { rows: [pinning] }, { component: "billing" }, false],
    ["a component whose alias was moved", { move, command: "turnout promote a b c" }, { component: "mailer" }, true],
    ["another than that of the alias", { move, command: "turnout x billing" }, { component: "billing" }, false],
    [
      "a component whose alias was moved by an earlier Turnout",
      { command: "turnout alias set mailer beta 7" },
      { component: "mailer" },
      true,
    ],
    [
      "a component that a command with rows only names",
      { command: "turnout x mailer", rows: [belonging] },
      { component: "mailer" },
      false,
    ],
    ["the subject", { rows: [pinning] }, { customer: "acme" }, true],
    ["the same id at another level", { rows: [pinning] }, { project: "acme" }, false],
    ["a customer that a project came to", { rows: [belonging] }, { customer: "acme" }, true],
    ["the project that a customer's name is like", { rows: [belonging] }, { project: "acme" }, false],
    ["a user", { rows: [{ key: "user#ada", before: null, after: aSubjectRow({ pins: {} }) }] }, { user: "ada" }, true],
    ["a plan that a customer came to", { rows: [{ ...pinning, before: null }] }, { plan: "paid" }, true],
    ["a plan that a customer left", { rows: [{ ...pinning, after: null }] }, { plan: "paid" }, true],
    ["a plan that a customer didn't come to", { rows: [{ ...pinning, before: null }] }, { plan: "free" }, false],
    [
      "a component of which one row of several is",
      { rows: [belonging, pinning] },
      { component: "mailer", project: "site" },
      true,
    ],
    ["one of several", { who: "bob" }, { who: ["ada", "bob"] }, true],
    ["none of several", { who: "eve" }, { who: ["ada", "bob"] }, false],
    ["a plan that the row kept", { rows: [pinning] }, { plan: "paid" }, false],
    ["two that both fit", { rows: [pinning] }, { customer: "acme", component: "mailer" }, true],
    ["two of which one fits", { rows: [pinning] }, { customer: "acme", who: "bob" }, false],
    ["a component named like a field of an object", { rows: [pinning] }, { component: "constructor" }, false],
    [
      "a source's row",
      { rows: [{ key: "source#shop", before: null, after: { source: "shop", customer: "detail.x" } }] },
      { customer: "detail.x" },
      false,
    ],
  ])("a filter of changes by %s", (_, about, filter, expected) => {
    expect(passes(about, filter)).toBe(expected);
  });
});
