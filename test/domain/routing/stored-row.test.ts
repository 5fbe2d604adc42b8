import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loggedRow, readKeyedRow, readRow, rowText, storedRow } from "../../../shared/domain/routing/stored-row.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { canonical } from "../../../shared/domain/text/canonical-json.ts";
import { anyGivenRow } from "../../support/any-row.ts";
import { aComponent } from "../../support/builders.ts";

const KEY = "component#release-coordinator";

describe("a row that is accepted", () => {
  it("is read back as it was given, whatever it holds", () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyGivenRow("0f3c9a4e"), ({ key, row }) => {
        const read = readKeyedRow(key, row);
        if (!read.ok) return;
        const { value } = read;
        accepted++;
        const back = storedRow(value.key, rowText(value.row));
        expect(back).not.toBeInstanceOf(UnreadableRow);
        expect(canonical(back)).toBe(canonical(value.row));
        // Nothing that was given is left out without a word.
        expect(leaves(back)).toEqual(expect.arrayContaining(leaves(row)));
        expect(canonical(loggedRow(value.key, JSON.parse(JSON.stringify(value.row))))).toBe(canonical(back));
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });

  it.each([
    ["an infinity beside anything-but", { pattern: { source: [{ "anything-but": Number.POSITIVE_INFINITY }] } }],
    ["an infinity in its list", { pattern: { source: [{ "anything-but": [1, Number.NEGATIVE_INFINITY] }] } }],
    ["an infinity as a value", { pattern: { source: [Number.POSITIVE_INFINITY] } }],
    ["an alias named __proto__", { aliases: JSON.parse('{"stable":{},"__proto__":{}}') }],
    ["a variable named __proto__", { worker: { environment: JSON.parse('{"__proto__":"x"}') } }],
  ])("never has %s", (_, about) => {
    const { retry: _retry, ...given } = { ...aComponent(), ...about };
    expect(readRow(KEY, given)).toMatchObject({ ok: false, problem: expect.stringMatching(/too large|__proto__/) });
  });

  it("an accepted row of an earlier Turnout has what was added since at its default", () => {
    const { retry: _, invocation: __, ...earlier } = aComponent();
    expect(storedRow(KEY, JSON.stringify(earlier))).toEqual(aComponent());
  });
});

describe("a row that can't be read", () => {
  it("stands in JSON as what is stored, and is read from there as the same", () => {
    for (const text of ['{"name":"x"}', "null", "not JSON", "[1]"]) {
      const row = storedRow(KEY, text);
      expect(row).toMatchObject({ text, problem: expect.any(String) });
      const logged = loggedRow(KEY, JSON.parse(JSON.stringify({ row })).row);
      if (text !== "null") expect(logged).toMatchObject({ text });
    }
  });
});

/** Every leaf with its path, as JSON has it. */
function leaves(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path}=${JSON.stringify(value)}`];
  return Object.keys(value).flatMap((key) => leaves((value as Record<string, unknown>)[key], `${path}/${key}`));
}
