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

/** Those that a component's row keeps, the newest: what is older was taken back long ago. */
export const MAX_BAD_VERSIONS = 20;
