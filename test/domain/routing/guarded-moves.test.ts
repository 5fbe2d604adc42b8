import { describe, expect, it } from "vitest";
import {
  countsMoves,
  DEFAULT_GUARDRAILS,
  type Guardrails,
  type Impact,
  objectionsToMove,
} from "../../../shared/domain/routing/guardrails.ts";
import { objectionsTo, type RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";

const freeze = { who: "ada", why: "incident 42", at: "2026-11-20T10:00:00.000Z" };
const budgets: Guardrails = { ...DEFAULT_GUARDRAILS, maxCustomersOff: 10, maxEventShareOff: 500 };
const impact = (about: Partial<Impact>): Impact => ({ component: "mailer", protectedMoved: [], ...about });
/** More than any guardrail allows. */
const grave = impact({
  customersOff: { before: 0, after: 11 },
  eventShareOff: { before: 0, after: 501 },
  customersMoved: 11,
  eventShareMoved: 501,
  protectedMoved: ["customer#acme"],
});

describe("the guardrails on moves of aliases", () => {
  it("are exceeded by one more customer or event than the budget, not by the budget", () => {
    const moved = (customersMoved: number, eventShareMoved: number) =>
      objectionsToMove("promote", budgets, [impact({ customersMoved, eventShareMoved })]);
    expect(moved(10, 500)).toEqual([]);
    expect(moved(11, 501)).toEqual([
      { says: "11 customers would change version at once on mailer; the budget is 10" },
      { says: "5.01% of the last hour's events would change version at once on mailer; the budget is 5%" },
    ]);
  });

  it("protect subjects from another version as from another alias", () => {
    expect(objectionsToMove("set", DEFAULT_GUARDRAILS, [impact({ protectedMoved: ["customer#acme"] })])).toEqual([
      { says: "events of customer acme would move on mailer, and are protected" },
    ]);
  });

  it("let everything pass that nobody has limited", () => {
    const none = { ...grave, protectedMoved: [] };
    expect(objectionsToMove("publish", DEFAULT_GUARDRAILS, [none])).toEqual([]);
  });

  it.each(["publish", "promote", "set"] as const)("name the freeze too, which stands against a %s", (kind) => {
    expect(objectionsToMove(kind, { ...budgets, freeze }, [grave])).toHaveLength(4 + 2);
    expect(objectionsToMove(kind, { ...DEFAULT_GUARDRAILS, freeze }, [])).toEqual([
      { says: expect.stringContaining("incident 42") },
    ]);
  });

  it("never stand against a rollback", () => {
    expect(objectionsToMove("rollback", { ...budgets, freeze }, [grave])).toEqual([]);
  });

  it.each([
    ["nothing", {}, false],
    ["the end of pins alone", { expiryRequiredFor: ["beta"] }, false],
    ["a budget of no customers", { maxCustomersOff: 0 }, true],
    ["a budget of no events", { maxEventShareOff: 0 }, true],
    ["a protected subject", { protectedSubjects: ["customer#acme"] }, true],
  ])("the guardrails on moves of aliases with %s ask who moves: %j %s", (_, about, asks) => {
    expect(countsMoves({ ...DEFAULT_GUARDRAILS, ...about })).toBe(asks);
  });
});

describe("what sends everything to safety", () => {
  const edits: [string, RoutingEdit][] = [
    ["all-stable", { kind: "change component", component: "mailer", change: { set: "all stable", allStable: freeze } }],
    ["freeze", { kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } }],
  ];

  it.each(edits)("is never refused: %s", (_, edit) => {
    expect(objectionsTo(edit, { ...budgets, freeze }, [grave])).toEqual([]);
  });

  it("is refused when it is taken back", () => {
    const off: RoutingEdit = { kind: "change component", component: "mailer", change: { remove: "all stable" } };
    expect(objectionsTo(off, DEFAULT_GUARDRAILS, [grave])).toEqual([
      { says: expect.stringContaining("customer acme") },
    ]);
  });
});
