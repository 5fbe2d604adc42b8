import * as z from "zod/mini";
import { Instant, nameSchema, recordOf } from "../text/schema.ts";
import { AliasName } from "./alias.ts";
import { Period } from "./period.ts";

/** The name of a list of subjects, e.g. `staff`, `design-partners`. Membership stands in each subject's row. */
export const CohortName = nameSchema("a cohort", 64);
export type CohortName = z.infer<typeof CohortName>;

/** Sends a cohort to an alias of the component that the route stands in; the component's order decides. */
export const CohortRoute = z.extend(Period, { cohort: CohortName, alias: AliasName });
export type CohortRoute = z.infer<typeof CohortRoute>;

/** The cohorts there are, by name. Their members stand in the members' own rows. */
export const CohortRegister = recordOf(CohortName, z.object({ description: z.string(), who: z.string(), at: Instant }));
export type CohortRegister = z.infer<typeof CohortRegister>;
