import * as z from "zod/mini";
import { Instant } from "../text/schema.ts";
import { AliasName } from "./alias.ts";
import { Period } from "./period.ts";

/** A subject's pin to an alias of one component, with who set it, when and why. */
export const Pin = z.extend(Period, {
  alias: AliasName,
  /** Where the subject goes once the alias is retired. Default: the component's fallback alias. */
  successor: z.optional(AliasName),
  who: z.string(),
  why: z.string(),
  at: Instant,
});
export type Pin = z.infer<typeof Pin>;
