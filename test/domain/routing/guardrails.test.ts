import { describe, expect, it } from "vitest";
import {
  countsMoves,
  DEFAULT_GUARDRAILS,
  exceeded,
  Guardrails,
  guardrailsIn,
  type Impact,
  lacksEnd,
  objectionsToMove,
} from "../../../shared/domain/routing/guardrails.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { read } from "../../../shared/domain/text/schema.ts";

const impact = (about: Partial<Impact> = {}): Impact => ({ component: "mailer", protectedMoved: [], ...about });
const budgets: Guardrails = { ...DEFAULT_GUARDRAILS, maxCustomersOff: 10, maxEventShareOff: 500 };

describe("guardrails", () => {
  it("guardrails that nobody has set ask for an end of pins to experimental, and for nothing else", () => {
    expect(DEFAULT_GUARDRAILS).toEqual({ protectedSubjects: [], expiryRequiredFor: ["experimental"] });
    const large = { customersOff: { before: 0, after: 1e6 }, eventShareOff: { before: 0, after: 10_000 } };
    expect(exceeded(DEFAULT_GUARDRAILS, [impact(large)])).toEqual([]);
    expect(lacksEnd(DEFAULT_GUARDRAILS, { alias: "experimental" })).toBe(true);
    expect(lacksEnd(DEFAULT_GUARDRAILS, { alias: "experimental", until: "2999-01-01T00:00:00.000Z" })).toBe(false);
    expect(lacksEnd(DEFAULT_GUARDRAILS, { alias: "beta" })).toBe(false);
  });

  it("are exceeded by one more than the budget, not by the budget", () => {
    const off = (customers: number, share: number) =>
      exceeded(budgets, [
        impact({ customersOff: { before: 0, after: customers }, eventShareOff: { before: 0, after: share } }),
      ]);
    expect(off(10, 500)).toEqual([]);
    expect(off(11, 501)).toEqual([
      "11 customers would sit off mailer's default alias; the budget is 10",
      "5.01% of the last hour's events would go off mailer's default alias; the budget is 5%",
    ]);
  });

  it("guardrails that are exceeded already don't stand in the way of a change that makes it no worse", () => {
    const shift = (before: number, after: number) => exceeded(budgets, [impact({ customersOff: { before, after } })]);
    expect(shift(20, 19)).toEqual([]);
    expect(shift(20, 20)).toEqual([]);
    expect(shift(20, 21)).toHaveLength(1);
  });

  it("say that they are told of everything at the fallback alias, where that was counted", () => {
    const shift = { customersOff: { before: 0, after: 11 } };
    expect(exceeded(budgets, [impact({ ...shift, ifAllStable: true })])).toEqual([
      "were mailer all stable, 11 customers would sit off mailer's default alias; the budget is 10",
    ]);
  });

  it("hold those back who would change version at once, beyond the budget", () => {
    const moved = (customersMoved: number, eventShareMoved: number) =>
      exceeded(budgets, [impact({ customersMoved, eventShareMoved })]);
    expect(moved(10, 500)).toEqual([]);
    expect(moved(11, 501)).toEqual([
      "11 customers would change version at once on mailer; the budget is 10",
      "5.01% of the last hour's events would change version at once on mailer; the budget is 5%",
    ]);
  });

  it("ask for whoever moves to be counted only where something depends on it", () => {
    expect(countsMoves(DEFAULT_GUARDRAILS)).toBe(false);
    for (const set of [{ maxCustomersOff: 0 }, { maxEventShareOff: 0 }, { protectedSubjects: ["customer#acme"] }]) {
      expect(countsMoves({ ...DEFAULT_GUARDRAILS, ...set })).toBe(true);
    }
  });

  it("stand against a move by a freeze, by what was found of its version, and by whom it moves; never against a rollback", () => {
    const at = "2026-11-20T10:00:00.000Z";
    const strict = { ...budgets, freeze: { who: "ada", why: "42", at } };
    const bad = { version: "4", alias: "beta", why: "it fails", at };
    const found = objectionsToMove("promote", strict, [impact({ customersMoved: 11 })], bad).map(({ says }) => says);
    expect(found).toEqual([
      expect.stringContaining("frozen by ada"),
      `version 4 was found to be bad behind beta at ${at} (it fails)`,
      expect.stringContaining("11 customers"),
    ]);
    expect(objectionsToMove("promote", budgets, [])).toEqual([]);
    expect(objectionsToMove("rollback", strict, [impact({ customersMoved: 11 })], bad)).toEqual([]);
  });

  it("that can't be read are as a freeze, so that nothing is done that they would have refused", () => {
    expect(guardrailsIn(undefined)).toBe(DEFAULT_GUARDRAILS);
    expect(guardrailsIn(budgets)).toBe(budgets);
    expect(guardrailsIn(new UnreadableRow("is broken", "{")).freeze).toMatchObject({
      who: "Turnout",
      why: expect.stringContaining("can't be read (is broken)"),
    });
  });

  it("name the protected subjects that would move, and where", () => {
    expect(exceeded(DEFAULT_GUARDRAILS, [impact({ protectedMoved: ["customer#acme", "plan#paid"] })])).toEqual([
      "events of customer acme, plan paid would move on mailer, and are protected",
    ]);
  });

  it("may allow nobody, and everybody", () => {
    for (const set of [{ maxCustomersOff: 0 }, { maxEventShareOff: 0 }, { maxEventShareOff: 10_000 }]) {
      expect(read(Guardrails, set)).toMatchObject({ ok: true, value: set });
    }
  });

  it.each([
    [{ maxCustomersOff: -1 }, "maxCustomersOff"],
    [{ maxEventShareOff: -1 }, "maxEventShareOff"],
    [{ maxEventShareOff: 10_001 }, "maxEventShareOff"],
    [{ protectedSubjects: ["user#ada"] }, "protectedSubjects"],
    [{ protectedSubjects: ["acme"] }, "protectedSubjects"],
    [{ expiryRequiredFor: ["Not An Alias"] }, "expiryRequiredFor"],
  ])("refuse %j and name the field", (wrong, field) => {
    expect(read(Guardrails, wrong)).toEqual({ ok: false, problem: expect.stringContaining(field) });
  });
});
