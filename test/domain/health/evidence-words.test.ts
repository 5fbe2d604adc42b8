import { expect, it } from "vitest";
import { chanceText, oddsText } from "../../../shared/domain/health/evidence-words.ts";

it("odds against chance are told as far as they mean something", () => {
  expect([undefined, -1e9, 0, 0.2, 1, 2.345, 3.5, 5.999, 6, Number.POSITIVE_INFINITY].map(oddsText)).toEqual([
    "not known",
    "none",
    "none",
    "1.6 to 1",
    "10 to 1",
    "220 to 1",
    "3,200 to 1",
    "1,000,000 to 1",
    "over a million to 1",
    "over a million to 1",
  ]);
});

it("evidence is told in words first, and its numbers follow", () => {
  expect(chanceText(3.66)).toBe(
    "of versions that are no worse at most 1 in 4,600 ever looks so: E = 10^3.7, p ≤ 10^-3.7",
  );
  expect(chanceText(6)).toContain("at most 1 in a million ever");
  expect(chanceText(0.5)).toContain("at most 1 in 3.2 ever");
  expect(chanceText(-3)).toContain("at most 1 in 1.0 ever looks so: E = 10^-3.0, p ≤ 10^3.0");
  expect(chanceText(250)).toBe(
    "of versions that are no worse at most 1 in a million ever looks so: E = 10^99.0, p ≤ 10^-99.0",
  );
});
