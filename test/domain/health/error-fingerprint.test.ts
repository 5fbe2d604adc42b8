import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorFingerprint } from "../../../shared/domain/health/error-fingerprint.ts";

const of = (message: string, type = "Error") => errorFingerprint({ type, message });

describe("an error's fingerprint", () => {
  it.each([
    ["order 42 has 3 items", "order 917 has 12 items", "Error: order N has N items"],
    ["no customer 'acme'", "no customer 'globex'", "Error: no customer '…'"],
    ['no customer "acme inc"', 'no customer "globex"', "Error: no customer '…'"],
    ["run 0190c2e4-7d1f-7c3a-a1a0-94b1 lost", "run 77aa10f2-0000-4c3a-b1a0-ffff lost", "Error: run N lost"],
    ["took 12.5ms", "took 900ms", "Error: took N"],
    ["evt_1a2b is gone", "evt_9z8y is gone", "Error: N is gone"],
    ["GET https://a.example/x?y=1 failed", "GET https://b.example/ failed", "Error: GET URL failed"],
    ["can't mail ada@example.org", "can't mail bob@example.com", "Error: can't mail ADDRESS"],
    ["at 2026-11-20T10:00:00.000Z it broke", "at 2025-01-02T03:04:05.678Z it broke", "Error: at N it broke"],
  ])("of %j is that of %j", (one, other, expected) => {
    expect([of(one), of(other)]).toEqual([expected, expected]);
  });

  it("tells types and words apart, and is of the first line", () => {
    expect(new Set([of("a"), of("b"), of("a", "TypeError"), of("a\nat x.js:1")]).size).toBe(3);
    expect(of("", "TypeError")).toBe("TypeError");
  });

  it("is of the beginning of a long message only", () => {
    const url = `https://a.example/${"x".repeat(400)}`;
    expect(of(`GET ${url} failed`)).toBe("Error: GET URL");
  });

  it("reads 400 characters of a message, and has 100 itself", () => {
    const quoted = (length: number) => of(`"${"x".repeat(length)}"`);
    expect(quoted(398)).toBe("Error: '…'");
    expect(quoted(399)).toBe(`Error: "${"x".repeat(91)}…`);
    expect(of("x".repeat(93))).toBe(`Error: ${"x".repeat(93)}`);
    expect(of("x".repeat(94))).toBe(`Error: ${"x".repeat(92)}…`);
    expect(of("  \n  in the second line")).toBe("Error: in the second line");
  });

  it("is short, well-formed and one line, whatever was thrown", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: "binary", maxLength: 600 }), fc.constant("'".repeat(50_000)));
    fc.assert(
      fc.property(text, text, (type, message) => {
        const fingerprint = errorFingerprint({ type, message });
        expect(fingerprint.length).toBeLessThanOrEqual(100);
        expect(fingerprint).not.toMatch(/\n/);
        expect(fingerprint.isWellFormed()).toBe(true);
      }),
    );
  });
});
