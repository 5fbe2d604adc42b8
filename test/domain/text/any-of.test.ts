import { expect, it } from "vitest";
import { eachOf, isWanted } from "../../../shared/domain/text/any-of.ts";

it("what is asked for is one thing, or any of several", () => {
  expect([eachOf("a"), eachOf(["a", "b"])]).toEqual([["a"], ["a", "b"]]);
  expect([isWanted("a", "a"), isWanted("a", "b"), isWanted("a", undefined)]).toEqual([true, false, false]);
  expect([isWanted(["a", "b"], "b"), isWanted(["a", "b"], "c"), isWanted(undefined, "c")]).toEqual([true, false, true]);
});
