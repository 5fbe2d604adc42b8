import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable, printableJson } from "../../../shared/domain/text/printable.ts";

describe("text that is shown", () => {
  it.each([
    ["a control character", "a\u001b[31mb", "a\\u001b[31mb"],
    ["a line end", "a\nb", "a\\u000ab"],
    ["a direction mark", "a\u202eb\u2066\u200f", "a\\u202eb\\u2066\\u200f"],
    ["a space without a width", "acme\u200b", "acme\\u200b"],
    ["a joiner, a soft hyphen and a byte order mark", "a\u200d\u00ad\ufeff", "a\\u200d\\u00ad\\ufeff"],
    ["a filler and a selector", "a\u3164\ufe0f", "a\\u3164\\ufe0f"],
    ["a tag, which is two units", "a\u{e0041}", "a\\u{e0041}"],
    ["half a surrogate pair", "a\ud800", "a\\ud800"],
  ])("has %s as an escape", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it("has everything else as it is", () => {
    const text = "acme/site — Größe, 日本, 🙂, a b, \\ '";
    expect(printable(text)).toBe(text);
  });
});

describe("JSON that is shown", () => {
  it("means the same, and shows whatever isn't seen", () => {
    const value = fc.jsonValue({ stringUnit: "binary" });
    fc.assert(
      fc.property(value, (given) => {
        const json = printableJson(JSON.stringify(given));
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(given)));
        expect(printable(json)).toBe(json);
      }),
    );
    expect(printableJson('"a\u200b\u{e0041}"')).toBe('"a\\u200b\\udb40\\udc41"');
  });
});
