import * as z from "zod/mini";
import { Instant } from "../text/schema.ts";
import { AliasName } from "./alias.ts";

/**
 * What is done about a version that is worse: `watch` says so, `hold` stops its release too, `rollback` takes the alias
 * back, and `undo` has what the version left unresolved delivered again besides.
 */
export const guardModes = ["watch", "hold", "rollback", "undo"] as const;
export type GuardMode = (typeof guardModes)[number];

/** A guard of an alias, with who set it, why and when. */
export const Guard = z.strictObject({
  mode: z.enum(guardModes),
  /** With mode `undo`: also what the version has done is run again, for it may have been done wrong. */
  all: z.optional(z.literal(true)),
  who: z.string(),
  why: z.string(),
  at: Instant,
});
export type Guard = z.infer<typeof Guard>;

/** A version that was found to be worse behind an alias, and isn't to go anywhere without force. */
export const BadVersion = z.strictObject({ version: z.string(), alias: AliasName, why: z.string(), at: Instant });
export type BadVersion = z.infer<typeof BadVersion>;

/** What was found of a version last, behind whichever alias. @param marks the newest first, as a component's row has them */
export function badMark(marks: readonly BadVersion[] | undefined, version: string | null): BadVersion | undefined {
  return marks?.find((bad) => bad.version === version);
}

/** What a guard has found of a version, and when. */
export function badText({ version, alias, why, at }: BadVersion): string {
  return `version ${version} was found to be bad behind ${alias} at ${at} (${why})`;
}

/** Those that a component's row keeps, the newest: what is older was taken back long ago. */
export const MAX_BAD_VERSIONS = 20;
