import { expect, it } from "vitest";
import { stepsOf } from "../../../shared/domain/routing/edit-steps.ts";
import { MAX_ROWS_PER_CHANGE } from "../../../shared/domain/routing/routing-change.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";

const MANY = 2 * MAX_ROWS_PER_CHANGE + 1;
const numbers = Array.from({ length: MANY }, (_, n) => `${n}`);
const members = numbers.map((n) => `customer#${n}` as const);
const edits: RoutingEdit[] = [
  { kind: "set members", cohort: "staff", members, member: true },
  { kind: "set directory rows", rows: numbers.map((id) => ({ level: "customer", id, plan: "paid" })) },
  { kind: "put rows", rows: members.map((key) => ({ key, row: null })) },
];

it.each(edits)("An edit to $kind is cut into changes that each can be committed, in its order", (edit) => {
  const partOf = (step: RoutingEdit): readonly unknown[] =>
    "members" in step ? step.members : "rows" in step ? step.rows : [];
  const steps = stepsOf(edit);
  expect(steps.map((step) => partOf(step).length)).toEqual([MAX_ROWS_PER_CHANGE, MAX_ROWS_PER_CHANGE, 1]);
  expect(steps.flatMap(partOf)).toEqual(partOf(edit));
  expect(steps.map((step) => ({ ...step, rows: [], members: [] }))).toEqual(
    Array.from({ length: 3 }, () => ({ ...edit, rows: [], members: [] })),
  );
});

it("An edit of one place is a step already, and one of no rows takes none", () => {
  const edit: RoutingEdit = { kind: "remove cohort", cohort: "staff" };
  expect(stepsOf(edit)).toEqual([edit]);
  expect(stepsOf({ kind: "put rows", rows: [] })).toEqual([]);
});
