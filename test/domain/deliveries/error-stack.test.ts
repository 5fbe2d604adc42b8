import { expect, it } from "vitest";
import { stackOf } from "../../../shared/domain/deliveries/error-stack.ts";

it("a function's error tells where it failed, whichever name its runtime has for that, in lines of text", () => {
  expect(stackOf({ trace: ["Error: no", "    at x.js:1  "] })).toEqual({ stack: "Error: no\n    at x.js:1" });
  expect(stackOf({ stackTrace: ["  File x.py, line 1\n"] })).toEqual({ stack: "  File x.py, line 1" });
  expect(stackOf({ trace: ["a"], stackTrace: ["b"] })).toEqual({ stack: "a" });
  expect(stackOf({ trace: ["a", 7, null, "b"] })).toEqual({ stack: "a\nb" });
});

it.each([{}, { trace: [] }, { trace: "at x.js:1" }, { stackTrace: null }])(
  "%j tells nothing of where it failed",
  (said) => {
    expect(stackOf(said)).toEqual({});
  },
);
