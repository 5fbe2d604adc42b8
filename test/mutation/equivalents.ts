import type { Mutation } from "./find-mutations.ts";

/** Mutations that change nothing that anybody could see: with the line as it stands, and why. */
const EQUIVALENT: readonly { file: string; text: string; what: string; why: string }[] = [
  {
    file: "shared/domain/csv.ts",
    text: 'if (end < 0) return { problem: "a quote that is never closed" };',
    what: "end < 0 → end <= 0",
    why: "it is looked for behind a quote, so that it is never found at 0",
  },
  {
    file: "shared/domain/exact-json.ts",
    text: "return { ok: false, problem: `not JSON: ${error instanceof Error ? error.message : String(error)}` };",
    what: "error instanceof Error → true",
    why: "JSON.parse throws nothing but errors",
  },
  {
    file: "shared/domain/ip-range.ts",
    text: "return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits };",
    what: "6 → 7",
    why: "a range's family is that of its own address, and is only asked whether it is 4 or the same",
  },
];

export function isEquivalent({ file, text, what }: Mutation): boolean {
  return EQUIVALENT.some((known) => known.file === file && known.text === text && known.what === what);
}
