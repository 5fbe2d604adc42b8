import { describe, expect, it } from "vitest";
import type { VersionHealth } from "../../../shared/flows/watch/health.ts";
import { msText, percent, standingOn, standingText, unresolvedText } from "../../../shared/flows/watch/health-told.ts";
import type { Standing } from "../../../shared/flows/watch/standing-subjects.ts";

const standing = (about: Partial<Standing> = {}): Standing => {
  return { named: 0, isMore: false, hasOthers: false, basisPoints: 0, ...about };
};

describe("whose events a version gets", () => {
  it("is told of all aliases that point at it, and of no other component's", () => {
    const found = new Map([
      [
        "mailer",
        new Map([
          ["stable", standing({ named: 12, hasOthers: true })],
          ["beta", standing({ named: 3, isMore: true, basisPoints: 500 })],
          ["old", standing({ named: 99 })],
        ]),
      ],
    ]);
    const on = (component: string, ...pointing: string[]) => standingOn({ component, pointing }, found);
    expect(on("mailer", "stable", "beta")).toEqual({ named: 15, isMore: true, hasOthers: true, basisPoints: 500 });
    expect(on("mailer", "beta")).toEqual({ named: 3, isMore: true, hasOthers: false, basisPoints: 500 });
    expect([on("mailer"), on("other", "stable")]).toEqual([standing(), standing()]);
  });

  it.each<[string, Partial<Standing>]>([
    ["12", { named: 12 }],
    ["0", {}],
    ["3 + 5%", { named: 3, basisPoints: 500 }],
    ["5%", { basisPoints: 500 }],
    ["0.01%", { basisPoints: 1 }],
    ["1", { named: 1 }],
    ["≥0 + 5%", { isMore: true, basisPoints: 500 }],
    ["40 + rest", { named: 40, hasOthers: true, basisPoints: 500 }],
    ["rest", { hasOthers: true }],
    ["≥0 + rest", { hasOthers: true, isMore: true }],
    ["≥7", { named: 7, isMore: true }],
  ])("reads '%s': %j", (text, about) => {
    expect(standingText(standing(about))).toBe(text);
  });
});

it("what is unresolved of a version is told as at least so much where not all its failures were looked at", () => {
  const told = (unresolved: number, failed: number, listed: number) =>
    unresolvedText({ unresolved, counts: { failed }, failures: Array(listed).fill({}) } as unknown as VersionHealth);
  expect([told(0, 3, 3), told(2, 3, 3), told(2, 4, 3), told(0, 4, 3)]).toEqual(["", "2", "2+", "0+"]);
});

it("durations and shares are told in a few characters", () => {
  expect([undefined, 4.24, 9.99, 10, 999.4, 1_000, 1_349].map(msText)).toEqual([
    ...["", "4.2ms", "10.0ms", "10ms", "999ms", "1.0s", "1.3s"],
  ]);
  expect([percent(1, 3), percent(0, 3), percent(0, 0)]).toEqual(["33.3", "0.0", ""]);
});
