import * as z from "zod/mini";
import { AliasName } from "./alias.ts";
import { Instant } from "./schema.ts";

/** Who stopped all changes, when and why. */
export const Freeze = z.object({ who: z.string(), why: z.string(), at: Instant });
export type Freeze = z.infer<typeof Freeze>;

/** What operators have agreed not to exceed without `--force`; one row for the whole routing table. */
export const Guardrails = z.strictObject({
  /** Set while changes are stopped. Only what takes changes back is allowed then. */
  freeze: z.optional(Freeze),
  /** Most customers that may sit off a component's default alias. */
  maxCustomersOff: z.optional(z.int().check(z.minimum(0))),
  /** Largest share of the last hour's events off a component's default alias, in basis points. */
  maxEventShareOff: z.optional(z.int().check(z.minimum(0), z.maximum(10_000))),
  /** Subjects as `level#id` whose events no change may move. */
  protectedSubjects: z._default(z.array(z.string().check(z.regex(/^(project|customer|plan)#./))), []),
  /** Aliases that a pin may only name with an end. */
  expiryRequiredFor: z._default(z.array(AliasName), ["experimental"]),
});
export type Guardrails = z.infer<typeof Guardrails>;

/** What a change would do to those the guardrails watch over. */
export type Impact = {
  component: string;
  /** Customers off the default alias after the change, of all that the directory knows. */
  customersOff: number;
  /** Share of the last hour's events off the default alias after the change, in basis points; undefined: no events. */
  eventShareOff?: number;
  /** Subjects that the change moves, as `level#id`. */
  moved: readonly string[];
};

/** One sentence per guardrail that the change would exceed; none when it may go ahead. */
export function exceeded(guardrails: Guardrails, impacts: readonly Impact[]): string[] {
  const problems: string[] = [];
  const { maxCustomersOff, maxEventShareOff } = guardrails;
  const guarded = new Set(guardrails.protectedSubjects);
  for (const { component, customersOff, eventShareOff, moved } of impacts) {
    if (maxCustomersOff !== undefined && customersOff > maxCustomersOff) {
      problems.push(
        `${customersOff} customers would sit off ${component}'s default alias; the budget is ${maxCustomersOff}`,
      );
    }
    if (maxEventShareOff !== undefined && eventShareOff !== undefined && eventShareOff > maxEventShareOff) {
      const [share, budget] = [eventShareOff / 100, maxEventShareOff / 100];
      problems.push(
        `${share} % of the last hour's events would go off ${component}'s default alias; the budget is ${budget} %`,
      );
    }
    const protectedOnes = moved.filter((subject) => guarded.has(subject));
    if (protectedOnes.length > 0)
      problems.push(`${protectedOnes.join(", ")} would move on ${component}, and is protected`);
  }
  return problems;
}
