import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isExactNumber, readExactJson } from "../../../shared/domain/text/exact-json.ts";

const readValue = (text: string): unknown => {
  const json = readExactJson(text);
  if (!json.ok) throw new Error(json.problem);
  return json.value;
};

describe("JSON that is read exactly", () => {
  it("is written back digit by digit, whatever its numbers", () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,20})?([eE][+-]?\d{1,4})?$/);
    const text = fc
      .array(
        fc.oneof(
          digits,
          fc.json().map((json) => JSON.stringify(JSON.parse(json))),
        ),
      )
      .map((values) => `[${values.join(",")}]`);
    fc.assert(
      fc.property(text, (json) => {
        expect(JSON.stringify(readValue(json))).toBe(json);
      }),
    );
  });

  it.each(["12345678901234567890", "1e400", "1.0", "-0", "1E2"])("keeps %s apart from a number", (text) => {
    expect(isExactNumber(readValue(text))).toBe(true);
    expect(JSON.stringify({ a: readValue(text) })).toBe(`{"a":${text}}`);
  });

  it("leaves what JavaScript writes as it stands, and everything that isn't a number", () => {
    const text = '{"a":[1,-2.5,1e+21,"1.0",null,true]}';
    expect(readValue(text)).toEqual({ a: [1, -2.5, 1e21, "1.0", null, true] });
    expect(isExactNumber(readValue("1"))).toBe(false);
  });

  it("fails with the position of what isn't JSON", () => {
    expect(readExactJson("{")).toEqual({ ok: false, problem: expect.stringMatching(/^not JSON: .*position 1/) });
  });
});
