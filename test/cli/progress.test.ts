import { describe, expect, it } from "vitest";
import { progressLine } from "../../scripts/commands/terminal/progress.ts";

describe("a progress bar", () => {
  it.each([
    [0, 112, "[------------------------------]   0 %  0 of 112 changes"],
    [12, 112, "[###---------------------------]  10 %  12 of 112 changes"],
    [111, 112, "[#############################-]  99 %  111 of 112 changes"],
    [112, 112, "[##############################] 100 %  112 of 112 changes"],
  ])("after %i of %i is as full as that, and full only at the end", (done, total, line) => {
    expect(progressLine(done, total, "changes")).toBe(line);
  });
});
