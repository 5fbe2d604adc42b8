import { describe, expect, it } from "vitest";
import { mutationsOf } from "./find-mutations.ts";

const whatOf = (source: string) => mutationsOf("a.ts", source).map(({ line, what }) => `${line}: ${what}`);

describe("the mutations of a file", () => {
  it("are its comparisons, conditions, numbers, statements and calls, each on its line", () => {
    expect(whatOf("export function a(b: number): boolean {\n  return b < 2;\n}\n")).toEqual([
      "2: b < 2 → b <= 2",
      "2: b < 2 → b >= 2",
      "2: 2 → 3",
    ]);
    expect(whatOf("if (a && !b) go();")).toEqual([
      "1: a && !b → true",
      "1: a && !b → false",
      "1: a && !b → a || !b",
      "1: !b → b",
      "1: go(); → ;",
    ]);
    expect(whatOf("export const a = b.filter((c) => c.every(d));")).toEqual([
      "1: b.filter((c) => c.every(d)) → b",
      "1: every → some",
    ]);
  });

  it("leave calls alone that are named as what every object has", () => {
    expect(whatOf("export const a = b.toString();")).toEqual([]);
  });

  it("leave types, texts and imports alone", () => {
    expect(
      whatOf('import { a } from "b";\nexport type C = 1 | 2;\nexport const d: C = a("text" as string);\n'),
    ).toEqual([]);
  });

  it("have the whole file's text with one thing changed", () => {
    const [first] = mutationsOf("a.ts", "export const a: boolean = b === c;");
    expect(first).toMatchObject({ text: "export const a: boolean = b === c;", line: 1 });
    expect(first?.code.replace(/ +/g, " ")).toBe("export const a = b !== c;");
  });
});
