import { describe, expect, it } from "vitest";
import { mutated, mutationsOf, switchable } from "./find-mutations.ts";

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
    const source = "export const a: boolean = b === c;";
    const [first] = mutationsOf("a.ts", source);
    expect(first).toMatchObject({ text: source, line: 1 });
    expect(first && mutated(source, first).replace(/ +/g, " ")).toBe("export const a = ((b) !== (c));");
  });

  it("are all in one text, each made while it is switched on", () => {
    const source =
      "export const f = (a) => { let n = 0; for (const b of a?.list ?? [5]) n -= b; if (a?.list.filter(Boolean).length > 1 && !a.b) n = 7; return n; };";
    const mutations = mutationsOf("a.ts", source);
    const byOne = mutations.map((mutation) => mutated(source, mutation));
    const all = switchable(
      source,
      mutations.map((mutation, id) => ({ id, mutation })),
    );
    const answers = (code: string, on?: number) => {
      const isMutant = (id: number) => id === on;
      const turn = () => {};
      const f = new Function("globalThis", `${code.replace("export const f =", "const f =")} return f;`)({
        isMutant,
        turn,
      });
      return [undefined, { list: [] }, { list: [0, 1, 2] }, { list: [1, 2], b: true }].map((input) => {
        try {
          return f(input);
        } catch (error) {
          return error instanceof TypeError;
        }
      });
    };
    expect(answers(all)).toEqual(answers(source));
    for (const [id, code] of byOne.entries()) expect(answers(all, id), mutations[id]?.what).toEqual(answers(code));
  });
});
