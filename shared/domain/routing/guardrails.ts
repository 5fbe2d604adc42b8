import * as z from "zod/mini";
import type { Objection } from "../errors.ts";
import { Instant } from "../text/schema.ts";
import { keyInWords } from "../text/split-key.ts";
import { AliasName } from "./alias.ts";
import type { MoveKind } from "./alias-move.ts";
import { type BadVersion, badText } from "./guard-rule.ts";
import type { Pin } from "./pin.ts";
import { shareText } from "./rollout.ts";
import { UnreadableRow } from "./unreadable-row.ts";

/** Who stopped all changes, when and why. */
export const Freeze = z.object({ who: z.string(), why: z.string(), at: Instant });
export type Freeze = z.infer<typeof Freeze>;

/** A subject as `level#id`. */
export const ProtectedSubject = z
  .string()
  .check(z.regex(/^(project|customer|plan)#./, "expected a subject such as customer#acme or project#acme/site"));

/** What operators have agreed not to exceed without `--force`; one row for the whole routing table. */
export const Guardrails = z.strictObject({
  /** Set while changes are stopped. Only what takes changes back is allowed then. */
  freeze: z.optional(Freeze),
  /** Most customers that may sit off a component's default alias, or change version with one move of an alias. */
  maxCustomersOff: z.optional(z.int().check(z.minimum(0))),
  /** Largest share of the last hour's events, in basis points, of which the same holds. */
  maxEventShareOff: z.optional(z.int().check(z.minimum(0), z.maximum(10_000))),
  /** Subjects as `level#id` whose events no change may move. */
  protectedSubjects: z._default(z.array(ProtectedSubject), []),
  /** Aliases that a pin may only name with an end. */
  expiryRequiredFor: z._default(z.array(AliasName), ["experimental"]),
});
export type Guardrails = z.infer<typeof Guardrails>;

/** What holds while nobody has set anything. */
export const DEFAULT_GUARDRAILS: Guardrails = Guardrails.parse({});

/**
 * The guardrails by their row. Where that can't be read, as if somebody had frozen all changes: nobody knows what they
 * had agreed on. A rollback, a revert and other guardrails are still allowed, and the rest with `--force`.
 */
export function guardrailsIn(row: Guardrails | UnreadableRow | undefined): Guardrails {
  if (!(row instanceof UnreadableRow)) return row ?? DEFAULT_GUARDRAILS;
  const why = `the row of the guardrails can't be read (${row.problem}); an unfreeze puts it right`;
  return { ...DEFAULT_GUARDRAILS, freeze: { who: "Turnout", why, at: "1970-01-01T00:00:00.000Z" } };
}

/** A number before and after a change. */
export type Shift = { before: number; after: number };

/** What a change would do to those the guardrails watch over. */
export type Impact = {
  component: string;
  /** Customers of the directory off the default alias; only counted where there is a budget. */
  customersOff?: Shift;
  /** Share of the last hour's events off the default alias, in basis points; left out where there were none. */
  eventShareOff?: Shift;
  /** The same two of those who are on an alias that goes from one version to another. */
  customersMoved?: number;
  eventShareMoved?: number;
  /** Counted as were everything sent to the fallback alias: what all-stable then does is never refused. */
  ifAllStable?: boolean;
  /** Protected subjects that the change moves, as `level#id`. */
  protectedMoved: readonly string[];
};

/**
 * One sentence per guardrail that the change would exceed; none when it may go ahead. A budget that is exceeded already
 * doesn't stand in the way of a change that makes it no worse.
 */
export function exceeded({ maxCustomersOff, maxEventShareOff }: Guardrails, impacts: readonly Impact[]): string[] {
  return impacts.flatMap((impact) => {
    const { component, customersOff, eventShareOff, customersMoved, eventShareMoved, protectedMoved } = impact;
    const customers = `the budget is ${maxCustomersOff}`;
    const share = `the budget is ${shareText(maxEventShareOff ?? 0)}`;
    const problems: string[] = [];
    if (grewPast(customersOff, maxCustomersOff)) {
      problems.push(`${customersOff.after} customers would sit off ${component}'s default alias; ${customers}`);
    }
    if (isPast(customersMoved, maxCustomersOff)) {
      problems.push(`${customersMoved} customers would change version at once on ${component}; ${customers}`);
    }
    if (grewPast(eventShareOff, maxEventShareOff)) {
      const text = shareText(eventShareOff.after);
      problems.push(`${text} of the last hour's events would go off ${component}'s default alias; ${share}`);
    }
    if (isPast(eventShareMoved, maxEventShareOff)) {
      const text = shareText(eventShareMoved);
      problems.push(`${text} of the last hour's events would change version at once on ${component}; ${share}`);
    }
    if (protectedMoved.length > 0) {
      const named = protectedMoved.map((key) => keyInWords(key)).join(", ");
      problems.push(`events of ${named} would move on ${component}, and are protected`);
    }
    return impact.ifAllStable ? problems.map((problem) => `were ${component} all stable, ${problem}`) : problems;
  });
}

/**
 * What stands against the move of an alias; only force goes past it. A rollback is never refused: what goes to a version
 * that wasn't there before isn't to be judged as one.
 * @param bad what a guard has found of the version that it goes to
 */
export function objectionsToMove(
  kind: MoveKind,
  guardrails: Guardrails,
  impacts: readonly Impact[],
  bad?: BadVersion,
): Objection[] {
  if (kind === "rollback") return [];
  const { freeze } = guardrails;
  const frozen = freeze === undefined ? [] : [freezeObjection(freeze)];
  const found = bad === undefined ? [] : [{ says: badText(bad) }];
  return [...frozen, ...found, ...exceeded(guardrails, impacts).map((says) => ({ says }))];
}

/** Whether anything is set that depends on who moves. */
export function countsMoves({ maxCustomersOff, maxEventShareOff, protectedSubjects }: Guardrails): boolean {
  return maxCustomersOff !== undefined || maxEventShareOff !== undefined || protectedSubjects.length > 0;
}

function isPast(count: number | undefined, budget: number | undefined): count is number {
  return count !== undefined && budget !== undefined && count > budget;
}

function grewPast(shift: Shift | undefined, budget: number | undefined): shift is Shift {
  return shift !== undefined && budget !== undefined && shift.after > budget && shift.after > shift.before;
}

/** Who froze the routing, when and why. */
export function freezeText({ who, why, at }: Freeze): string {
  return `changes are frozen by ${who} since ${at}: ${why}`;
}

/** Why a change is refused while a freeze stands. */
export function freezeObjection(freeze: Freeze): Objection {
  return { says: `${freezeText(freeze)} (only rollback, undo, revert, all-stable and unfreeze are allowed)` };
}

/** Whether a pin that never ends is against the guardrails. */
export function lacksEnd(guardrails: Guardrails, pin: Pick<Pin, "alias" | "until">): boolean {
  return pin.until === undefined && guardrails.expiryRequiredFor.includes(pin.alias);
}
