import type { Attempt, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { deliveryErrorText } from "../../../shared/installation/wording/delivery-error-text.ts";

type Attempts = Pick<LedgerEntry, "component" | "alias" | "attempts">;

/** A line for each attempt that the ledger remembers, and one where others were before it. */
export function attemptLines({ attempts, ...of }: Attempts): string[] {
  return attempts.flatMap((attempt, index) => {
    const left = attempt.attempt - (attempts[index - 1]?.attempt ?? 0) - 1;
    const gap = left > 0 ? [`… ${left} more that ${left === 1 ? "was" : "were"} put off, or forgotten`] : [];
    return [...gap, attemptText(attempt, of)];
  });
}

function attemptText(
  { attempt, at, outcome, version, durationMs, error }: Attempt,
  { component, alias }: Omit<Attempts, "attempts">,
): string {
  const by = version === undefined ? "" : ` by version ${version}`;
  const took = durationMs === undefined ? "" : ` in ${Math.round(durationMs)} ms`;
  const why =
    error === undefined ? "" : `: ${deliveryErrorText({ component, alias, error, executedVersion: version })}`;
  return `${attempt}  ${at.toISOString()}  ${outcome}${by}${took}${why}`;
}
