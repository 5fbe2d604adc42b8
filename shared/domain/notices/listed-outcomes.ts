import { type EventOutcome, type IsMember, type OutcomeFilter, outcomeFilter } from "../deliveries/event-outcome.ts";
import { eachOf, isWanted } from "../text/any-of.ts";
import { NOTICE_SOURCE } from "./notice.ts";

/** What a listing is to show. `notices`: what Turnout says of itself, too, where no component listens to it. */
export type ListedFilter = OutcomeFilter & { notices?: true };

/**
 * The filter of a listing, ready to be asked. Turnout's own notices that no component listens to are left out, lest many
 * dead deliveries push what was published out of sight; whoever names sources gets what they name.
 * @throws TurnoutError `usage` when the pattern is none; it says where
 */
export function listedOutcomes(
  filter: ListedFilter,
): (outcome: Pick<EventOutcome, "record" | "status" | "component" | "entry">, isMember: IsMember) => boolean {
  const matches = outcomeFilter(filter);
  if (filter.notices || namesSources(filter)) return matches;
  return (outcome, isMember) => !isUnheard(outcome) && matches(outcome, isMember);
}

function isUnheard({ record, status }: Pick<EventOutcome, "record" | "status">): boolean {
  return record.source === NOTICE_SOURCE && status === "unmatched";
}

function namesSources({ source, pattern }: OutcomeFilter): boolean {
  if (source !== undefined) return isWanted(source, NOTICE_SOURCE);
  return pattern !== undefined && eachOf(pattern).some((one) => Object.hasOwn(one, "source"));
}
