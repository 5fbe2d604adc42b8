import type { Mutation } from "./find-mutations.ts";

/** Mutations that change nothing that anybody could see: with the line as it stands, and why. */
const EQUIVALENT: readonly { file: string; text: string; what: string; why: string }[] = [];

export function isEquivalent({ file, text, what }: Mutation): boolean {
  return EQUIVALENT.some((known) => known.file === file && known.text === text && known.what === what);
}
