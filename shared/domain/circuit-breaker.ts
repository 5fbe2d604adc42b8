/**
 * A circuit breaker: what is known of a version's health, and whether anything may be sent to it now. Pure; every
 * function returns the next state.
 *
 * `closed`: everything is sent. `open`: nothing is, until `until`. `half-open`: one delivery is being tried; its outcome
 * decides (Nygard, "Release It!"; the names are the usual ones).
 */
export type CircuitBreaker =
  | { state: "closed"; recent: readonly Observation[] }
  | { state: "open"; until: Date; openMs: number }
  | { state: "half-open"; probeUntil: Date; openMs: number };

/** A project's (or customer's) latest outcome, and how many in a row were like it. */
type Observation = { about: string; at: Date; failed: boolean; inARow: number };

export const CLOSED: CircuitBreaker = { state: "closed", recent: [] };

/** Projects whose latest outcome is remembered, and for how long. */
const MAX_OBSERVED = 50;
const OBSERVED_MS = 60_000;

/**
 * It opens when so many attempts failed, and so large a share of the projects sees nothing but failures. By project and
 * not by attempt: one customer's flood of events that can't be handled must not hold those of the others.
 */
const MIN_FAILURES = 10;
const FAILING_SHARE = 0.9;

/** How long it stays open the first time; each failed probe doubles it, up to the longest. */
const FIRST_OPEN_MS = 10_000;
const MAX_OPEN_MS = 60_000;

/** What may be done with a delivery now: send it, send it as the probe, or hold it until then. */
export type Admission = { send: "normally" | "as probe"; next: CircuitBreaker } | { send: "later"; until: Date };

/** @param probeMs how long a probe may take before another one is let through */
export function admit(breaker: CircuitBreaker, now: Date, probeMs: number): Admission {
  switch (breaker.state) {
    case "closed":
      return { send: "normally", next: breaker };
    case "open":
      if (breaker.until > now) return { send: "later", until: breaker.until };
      break;
    case "half-open":
      // The probe's own outcome may never come: a router's process can end between the two.
      if (breaker.probeUntil > now) return { send: "later", until: breaker.probeUntil };
      break;
  }
  const probeUntil = new Date(now.getTime() + probeMs);
  return { send: "as probe", next: { state: "half-open", probeUntil, openMs: breaker.openMs } };
}

/**
 * After the outcome of what was sent normally. What was sent before it opened no longer counts.
 * @param about who the event was about: its project, else its customer
 */
export function observe(breaker: CircuitBreaker, about: string, failed: boolean, now: Date): CircuitBreaker {
  if (breaker.state !== "closed") return breaker;
  const since = now.getTime() - OBSERVED_MS;
  const known = breaker.recent.filter(({ at }) => at.getTime() > since);
  const before = known.find((observation) => observation.about === about);
  const inARow = before?.failed === failed ? before.inARow + 1 : 1;
  const others = known.filter((observation) => observation !== before);
  const recent = [...others.slice(1 - MAX_OBSERVED), { about, at: now, failed, inARow }];
  return failed && isDown(recent) ? opened(now, FIRST_OPEN_MS) : { state: "closed", recent };
}

function isDown(recent: readonly Observation[]): boolean {
  const failing = recent.filter(({ failed }) => failed);
  const failures = failing.reduce((sum, { inARow }) => sum + inARow, 0);
  return failures >= MIN_FAILURES && failing.length >= FAILING_SHARE * recent.length;
}

function opened(now: Date, openMs: number): CircuitBreaker {
  return { state: "open", until: new Date(now.getTime() + openMs), openMs };
}

/** After the outcome of the probe. */
export function probed(breaker: CircuitBreaker, failed: boolean, now: Date): CircuitBreaker {
  if (!failed) return CLOSED;
  if (breaker.state !== "half-open") return breaker;
  return opened(now, Math.min(MAX_OPEN_MS, breaker.openMs * 2));
}
