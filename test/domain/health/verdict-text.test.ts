import { describe, expect, it } from "vitest";
import type { GuardVerdict, MetricVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { leastEvidence } from "../../../shared/domain/health/guard-verdict.ts";
import { shareText, verdictText } from "../../../shared/domain/health/verdict-text.ts";

const metric = (about: Partial<MetricVerdict> = {}): MetricVerdict => ({
  ...{ metric: "failed", own: { tried: 160, failed: 41 }, stable: { tried: 1_000, failed: 4 }, level: "ok" },
  ...about,
});
const verdict = (about: Partial<GuardVerdict> = {}): GuardVerdict => {
  return { says: "no verdict", metrics: [metric()], more: 7, ...about };
};

describe("a verdict in a sentence", () => {
  it("says by how much a version is worse, in each of what it is worse in", () => {
    const before = { tried: 100, failed: 1 };
    const evidence = { worseThanStable: 5.24, worseThanBefore: 6 };
    const worse = verdict({
      says: "worse",
      metrics: [
        metric({ level: "act", before, ...evidence }),
        metric({ metric: "slower", level: "act" }),
        metric({ metric: "missing", level: "warn" }),
      ],
    });
    const share = "41 of 160 (25.6 %) of its first attempts";
    const others = "4 of 1000 (0.4 %) of stable's beside it";
    expect(verdictText(worse, "2")).toBe(
      `2 is worse: ${share} failed, ${others}, 1 of 100 (1.0 %) of the same subjects' before ` +
        `(of versions that are no worse at most 1 in 170,000 ever looks so: E = 10^5.2, p ≤ 10^-5.2); 2 is worse: ${share} were slow, ${others}`,
    );
  });

  it("says what is suspected, and that it isn't beyond doubt", () => {
    const suspected = verdict({ metrics: [metric(), metric({ metric: "missing", level: "warn" })] });
    expect(verdictText(suspected, "2")).toMatch(
      /^no verdict: 2 is worse: .* gave no outcome, .*; not beyond doubt; about 7 more/,
    );
    expect(verdictText({ ...suspected, more: 0 }, "2")).toMatch(/; not beyond doubt$/);
  });

  it("says what is missing to it", () => {
    const counts = "no verdict: 41 of 160 first attempts failed";
    expect(verdictText(verdict(), "2")).toBe(`${counts}; about 7 more deliveries would show ×10`);
    expect(verdictText(verdict({ more: null }), "2")).toBe(
      `${counts}; too little is known of before: no number of deliveries would show ×10`,
    );
    const besides = (failed: number) => verdict({ metrics: [metric({ stable: { tried: 10, failed } })], more: null });
    expect(verdictText(besides(6), "2")).toBe(
      `${counts}; stable itself fails too often for any number of deliveries to show ×10`,
    );
    expect(verdictText(besides(5), "2")).toContain("too little is known of before");
    const alone = metric({ stable: { tried: 0, failed: 0 } });
    expect(verdictText(verdict({ metrics: [alone], more: null }), "2")).toBe(
      `${counts}; none of stable's beside it to compare it with so far`,
    );
    expect(verdictText(verdict({ more: 0 }), "2")).toBe(
      `${counts}, more than of stable's and of before, in too few bursts to be beyond doubt`,
    );
    expect(verdictText(verdict({ says: "healthy so far", more: 0 }), "2")).toBe(
      "healthy so far: 41 of 160 first attempts failed",
    );
    expect(verdictText(verdict({ metrics: [], more: null }), "2")).toBe(
      "no verdict; none of stable's beside it to compare it with so far",
    );
  });

  it("has the lesser of two pieces of evidence, where there are two", () => {
    expect(leastEvidence(metric({ worseThanStable: 2, worseThanBefore: 3 }))).toBe(2);
    expect(leastEvidence(metric({ worseThanStable: 3, worseThanBefore: 2 }))).toBe(2);
    expect(leastEvidence(metric({ worseThanStable: 2 }))).toBeUndefined();
    expect(leastEvidence(metric({ worseThanBefore: 2 }))).toBeUndefined();
  });

  it("has shares that can be read", () => {
    expect([shareText({ tried: 0, failed: 0 }), shareText({ tried: 3, failed: 1 })]).toEqual([
      "0 of 0",
      "1 of 3 (33.3 %)",
    ]);
  });
});
