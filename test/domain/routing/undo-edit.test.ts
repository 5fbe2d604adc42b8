import { expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../../shared/domain/routing/guardrails.ts";
import { undoOfMove, undoOfPin } from "../../../shared/domain/routing/undo-edit.ts";
import { aPin } from "../../support/builders.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const usable = ["stable", "beta"];
const frozen = { ...DEFAULT_GUARDRAILS, freeze: { who: "ada", why: "incident 42", at: now.toISOString() } };

it("undoOfPin puts back the pin that was there, and none where there was none", () => {
  const pin = aPin({ alias: "beta", until: "2026-11-20T10:00:00.001Z" });
  expect(undoOfPin(pin, usable, DEFAULT_GUARDRAILS, now)).toEqual({ undo: "pin", pin });
  expect(undoOfPin(undefined, usable, DEFAULT_GUARDRAILS, now)).toEqual({ undo: "unpin" });
});

it("undoOfPin reverts where the pin would be refused now: it has run out, its alias is retired, or it lacks an end", () => {
  const expired = aPin({ alias: "beta", until: now.toISOString() });
  expect(undoOfPin(expired, usable, DEFAULT_GUARDRAILS, now)).toEqual({ undo: "revert" });
  const [gone, succeeded] = [aPin({ alias: "old" }), aPin({ alias: "beta", successor: "old" })];
  for (const pin of [gone, succeeded]) {
    expect(undoOfPin(pin, usable, DEFAULT_GUARDRAILS, now)).toEqual({ undo: "revert" });
  }
  const strict = { ...DEFAULT_GUARDRAILS, expiryRequiredFor: ["beta"] };
  expect(undoOfPin(aPin({ alias: "beta" }), usable, strict, now)).toEqual({ undo: "revert" });
});

it("undoOfMove rolls a promotion back, and sets again what was rolled back, which a freeze stands against", () => {
  const move = { component: "mailer", alias: "stable", from: "1", to: "2" };
  const back = { component: "mailer", alias: "stable", to: "1", refused: false };
  const preview = { guardrails: frozen, impacts: [] };
  expect(undoOfMove(move, "promote", preview)).toEqual({ ...back, kind: "rollback" });
  expect(undoOfMove(move, "rollback")).toEqual({ ...back, kind: "set" });
  expect(undoOfMove(move, "rollback", preview)).toEqual({ ...back, kind: "set", refused: true });
  expect(undoOfMove(move, "rollback", { guardrails: DEFAULT_GUARDRAILS, impacts: [] })).toMatchObject({
    refused: false,
  });
  expect(undoOfMove({ ...move, from: null }, "promote")).toBeUndefined();
});
