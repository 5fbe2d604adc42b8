import * as z from "zod/mini";
import { AliasName } from "./alias.ts";
import type { Pin } from "./pin.ts";
import { shareText } from "./rollout.ts";
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

/** What holds while nobody has set anything. */
export const DEFAULT_GUARDRAILS: Guardrails = Guardrails.parse({});

/** A number before and after a change. */
export type Shift = { before: number; after: number };

/** What a change would do to those the guardrails watch over. */
export type Impact = {
  component: string;
  /** Customers of the directory off the default alias; only counted where there is a budget. */
  customersOff?: Shift;
  /** Share of the last hour's events off the default alias, in basis points; left out where there were none. */
  eventShareOff?: Shift;
  /** Protected subjects that the change moves, as `level#id`. */
  protectedMoved: readonly string[];
};

/**
 * One sentence per guardrail that the change would exceed; none when it may go ahead. A budget that is exceeded already
 * doesn't stand in the way of a change that makes it no worse.
 */
export function exceeded(guardrails: Guardrails, impacts: readonly Impact[]): string[] {
  const problems: string[] = [];
  const { maxCustomersOff, maxEventShareOff } = guardrails;
  for (const { component, customersOff, eventShareOff, protectedMoved } of impacts) {
    if (grewPast(customersOff, maxCustomersOff)) {
      const count = customersOff.after;
      problems.push(`${count} customers would sit off ${component}'s default alias; the budget is ${maxCustomersOff}`);
    }
    if (grewPast(eventShareOff, maxEventShareOff)) {
      const [share, budget] = [shareText(eventShareOff.after), shareText(maxEventShareOff ?? 0)];
      problems.push(
        `${share} of the last hour's events would go off ${component}'s default alias; the budget is ${budget}`,
      );
    }
    if (protectedMoved.length > 0) {
      const named = protectedMoved.map((key) => key.replace("#", " ")).join(", ");
      problems.push(`events of ${named} would move on ${component}, and are protected`);
    }
  }
  return problems;
}

function grewPast(shift: Shift | undefined, budget: number | undefined): shift is Shift {
  return shift !== undefined && budget !== undefined && shift.after > budget && shift.after > shift.before;
}

/** Who froze the routing, when and why. */
export function freezeText({ who, why, at }: Freeze): string {
  return `changes are frozen by ${who} since ${at}: ${why}`;
}

/** Why a change is refused while a freeze stands. */
export function freezeObjection(freeze: Freeze): string {
  return `${freezeText(freeze)} (only rollback, revert, all-stable and unfreeze are allowed)`;
}

/** Whether a pin that never ends is against the guardrails. */
export function lacksEnd(guardrails: Guardrails, pin: Pick<Pin, "alias" | "until">): boolean {
  return pin.until === undefined && guardrails.expiryRequiredFor.includes(pin.alias);
}
