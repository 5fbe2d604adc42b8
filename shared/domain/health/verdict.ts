import { baseRateBound, type Stratum, type Tried, worseThanBefore, worseThanStable } from "./evidence.ts";

/** How often a healthy version may be called unhealthy, for a person to look at, and to be acted upon. */
export const WARN_ALPHA = 0.01;
export const ACT_ALPHA = 0.001;

/** Fewer failures, and customers where more are on it, say nothing of a version. */
export const LEAST_FAILURES = 3;
export const LEAST_CUSTOMERS = 2;

/** A rate of failure above which a version is unhealthy whatever it is compared with. */
const BAD_ANYWHERE = 0.2;

/** What a version is judged by. */
export type Judged = {
  /** Itself and stable, by type and minute; none for stable itself, which nothing else runs beside. */
  strata?: readonly Stratum[];
  /** All its first attempts. */
  now: Tried;
  /** Those of the same subjects before they came to it; none where nothing is known of that. */
  before?: Tried;
  /** How many customers it has failed for. */
  customersAffected: number;
};

export type Verdict = {
  /** `act`: worse than stable now, and than before, beyond doubt. `warn`: a person should look. */
  level: "ok" | "warn" | "act";
  /** Something has failed, for too few customers or too few times to say anything of the version. */
  isTooFew: boolean;
  /** Logarithms of E-values, to the base of 10; undefined where there is nothing to compare with. */
  worseThanStable: number | undefined;
  worseThanBefore: number | undefined;
};

/**
 * Whether a version is unhealthy. It has to be worse than stable and than before: alone the first blames it for customers
 * who differ from the rest, and the second for an outage of everybody. Where one can't be told the other alone warns, and
 * nothing is acted upon; where neither can, more than one failure in five warns.
 */
export function verdictOf({ strata, now, before, customersAffected }: Judged, hasManyCustomers: boolean): Verdict {
  const stable = strata === undefined ? undefined : worseThanStable(strata) / Math.LN10;
  const earlier =
    before === undefined ? undefined : worseThanBefore(now, baseRateBound(before, ACT_ALPHA / 10)) / Math.LN10;
  const known = [stable, earlier].filter((evidence) => evidence !== undefined);
  const isFew = now.failed < LEAST_FAILURES || (hasManyCustomers && customersAffected < LEAST_CUSTOMERS);
  const told = { isTooFew: isFew && now.failed > 0, worseThanStable: stable, worseThanBefore: earlier };
  if (isFew) return { level: "ok", ...told };
  const least = known.length > 0 ? Math.min(...known) : worseThanBefore(now, BAD_ANYWHERE) / Math.LN10;
  if (known.length === 2 && least >= -Math.log10(ACT_ALPHA)) return { level: "act", ...told };
  return { level: least >= -Math.log10(WARN_ALPHA) ? "warn" : "ok", ...told };
}
