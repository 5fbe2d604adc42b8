import type * as z from "zod/mini";
import { nameSchema } from "../text/schema.ts";

/** A movable name for a version, e.g. `stable`, `beta`, `branch-new-cool-page`. 1 to 128 characters. */
export const AliasName = nameSchema("an alias", 128);
export type Alias = z.infer<typeof AliasName>;
