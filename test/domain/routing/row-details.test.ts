import { expect, it } from "vitest";
import { leftDetails, rowDetails, wholeRowDetails } from "../../../shared/domain/routing/row-details.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { aSubjectRow } from "../../support/builders.ts";

const key = "customer#acme";
const [free, paid] = [aSubjectRow({ plan: "free" }), aSubjectRow({ plan: "paid" })];
const damaged = new UnreadableRow("not JSON", "{");

it("a row that changes is told place by place, and one that is new or goes in one line", () => {
  expect(rowDetails({ key, before: free, after: paid })).toEqual(["customer acme:", '    plan: "free" → "paid"']);
  expect(rowDetails({ key, before: free, after: aSubjectRow() })).toEqual(["customer acme:", '  - plan: "free"']);
  expect(rowDetails({ key, before: null, after: paid })).toEqual(["customer acme is new"]);
  expect(rowDetails({ key, before: paid, after: null })).toEqual(["customer acme goes"]);
  expect(rowDetails({ key, before: damaged, after: null })).toEqual([
    "customer acme can't be read (not JSON): it goes",
  ]);
  expect(rowDetails({ key, before: damaged, after: paid })).toEqual([
    "customer acme can't be read (not JSON): it is replaced",
  ]);
});

it("all that a row says is told where it is new or goes, if that is asked for", () => {
  expect(wholeRowDetails({ key, before: null, after: paid })).toContain('  + plan: "paid"');
  expect(wholeRowDetails({ key, before: paid, after: null })).toContain('  - plan: "paid"');
  for (const change of [
    { key, before: free, after: paid },
    { key, before: damaged, after: paid },
  ] as const) {
    expect(wholeRowDetails(change)).toEqual(rowDetails(change));
  }
});

it("a value of more than 120 characters is told by its beginning", () => {
  const planOf = (length: number) =>
    rowDetails({ key, before: aSubjectRow(), after: aSubjectRow({ plan: "p".repeat(length - 2) }) })[1];
  expect(planOf(120)).toBe(`  + plan: "${"p".repeat(118)}"`);
  expect(planOf(121)).toBe(`  + plan: "${"p".repeat(118)}…`);
});

it("what a revert leaves is told by its place, or as the whole row", () => {
  const left = { key, revision: 7 } as const;
  expect(
    leftDetails([
      { ...left, path: "pins.mailer" },
      { ...left, path: "" },
    ]),
  ).toEqual([
    "pins.mailer of customer acme has changed again since revision 7",
    "customer acme has changed again since revision 7",
  ]);
});
