/**
 * A circuit breaker: what is known of a version's health, and whether anything may be sent to it now. Every function
 * returns the next state. Pure, but that a closed one notes in itself what `observe` tells it: each delivery does.
 *
 * `closed`: everything is sent. `open`: nothing is, until `until`. `half-open`: one delivery is being tried; its outcome
 * decides (Nygard, "Release It!"; the names are the usual ones).
 */
export type CircuitBreaker =
  | { state: "closed"; recent: Map<string, Observation>; attempts: Attempt[] }
  | { state: "open"; until: Date; openMs: number; failing: readonly string[] }
  | { state: "half-open"; probeUntil: Date; openMs: number; failing: readonly string[] };

/** A project's (or customer's) latest outcome, and how many in a row were like it; who was heard of last stands last. */
type Observation = { atMs: number; failed: boolean; inARow: number };

/** One of the latest attempts, whoever it was for. */
type Attempt = { atMs: number; failed: boolean };

/** A closed one that knows nothing yet. */
export function closedBreaker(): CircuitBreaker {
  return { state: "closed", recent: new Map(), attempts: [] };
}

/** Projects whose latest outcome is remembered, and latest attempts; and for how long. */
const MAX_OBSERVED = 50;
const OBSERVED_MS = 60_000;

/**
 * It opens when so many attempts failed, for several projects, and so large a share of those seen sees nothing but
 * failures. By project and not by attempt: one customer's flood of events that can't be handled must not hold those of the
 * others, who may not have sent any yet. And by attempt as well: a version that fails every other time has few projects in
 * whose latest outcome all is well, and yet it isn't down; its events get through by their retries, sooner than by probes.
 */
const MIN_FAILURES = 10;
const MIN_FAILING = 2;
const FAILING_SHARE = 0.9;

/** How long it stays open the first time; each failed probe doubles it, up to the longest. */
const FIRST_OPEN_MS = 10_000;
const MAX_OPEN_MS = 60_000;

/** What may be done with a delivery now: send it, send it as the probe, or hold it until then. */
export type Admission =
  | { send: "normally" }
  | { send: "as probe"; next: CircuitBreaker }
  | { send: "later"; until: Date };

const NORMALLY: Admission = { send: "normally" };

/**
 * Who has not been seen to fail is tried at once, one at a time: it may be that only the others' events can't be handled.
 * @param about who the event is about: its project, else its customer
 * @param probeMs how long a probe may take before another one is let through
 */
export function admit(breaker: CircuitBreaker, about: string, now: Date, probeMs: number): Admission {
  if (breaker.state === "closed") return NORMALLY;
  if (breaker.state === "open" && breaker.until > now && breaker.failing.includes(about)) {
    return { send: "later", until: breaker.until };
  }
  // The probe's own outcome may never come: a router's process can end between the two.
  if (breaker.state === "half-open" && breaker.probeUntil > now) return { send: "later", until: breaker.probeUntil };
  const { openMs, failing } = breaker;
  const probeUntil = new Date(now.getTime() + probeMs);
  return { send: "as probe", next: { state: "half-open", probeUntil, openMs, failing } };
}

/** After the outcome of what was sent normally. What was sent before it opened no longer counts. */
export function observe(breaker: CircuitBreaker, about: string, failed: boolean, now: Date): CircuitBreaker {
  if (breaker.state !== "closed") return breaker;
  const atMs = now.getTime();
  note(breaker, about, failed, atMs);
  if (!failed) return breaker;
  const lately = (one: { atMs: number }) => one.atMs > atMs - OBSERVED_MS;
  const recent = [...breaker.recent].filter(([, observation]) => lately(observation));
  if (!isDown(recent.map(([, observation]) => observation))) return breaker;
  if (!nearlyAllFail(breaker.attempts.filter(lately))) return breaker;
  const failing = recent.filter(([, observation]) => observation.failed).map(([who]) => who);
  return opened(now, FIRST_OPEN_MS, failing);
}

/** Nothing is looked at but what it replaces: it costs the same whatever is known. */
function note(
  { recent, attempts }: CircuitBreaker & { state: "closed" },
  about: string,
  failed: boolean,
  atMs: number,
): void {
  const before = recent.get(about);
  const goesOn = before !== undefined && before.failed === failed && before.atMs > atMs - OBSERVED_MS;
  // A map keeps the order in which something was put in.
  recent.delete(about);
  recent.set(about, { atMs, failed, inARow: goesOn ? before.inARow + 1 : 1 });
  if (recent.size > MAX_OBSERVED) {
    const [longestAgo = about] = recent.keys();
    recent.delete(longestAgo);
  }
  attempts.push({ atMs, failed });
  if (attempts.length > MAX_OBSERVED) attempts.shift();
}

function isDown(recent: readonly Observation[]): boolean {
  const failing = recent.filter(({ failed }) => failed);
  const failures = failing.reduce((sum, { inARow }) => sum + inARow, 0);
  return failures >= MIN_FAILURES && failing.length >= MIN_FAILING && nearlyAllFail(recent);
}

function nearlyAllFail(seen: readonly { failed: boolean }[]): boolean {
  return seen.filter(({ failed }) => failed).length >= FAILING_SHARE * seen.length;
}

function opened(now: Date, openMs: number, failing: readonly string[]): CircuitBreaker {
  return { state: "open", until: new Date(now.getTime() + openMs), openMs, failing };
}

/** After the outcome of the probe. One that found no room says nothing about the version, and is made again. */
export function probed(
  breaker: CircuitBreaker,
  about: string,
  outcome: "good" | "failed" | "no room",
  now: Date,
): CircuitBreaker {
  if (outcome === "good") return closedBreaker();
  if (breaker.state !== "half-open") return breaker;
  const { openMs, failing } = breaker;
  if (outcome === "no room") return opened(now, FIRST_OPEN_MS, failing);
  // Somebody new failing too says that it is as bad as it was taken for, not that it got worse.
  const known = failing.includes(about);
  const all = known ? failing : [...failing.slice(1 - MAX_OBSERVED), about];
  return opened(now, known ? Math.min(MAX_OPEN_MS, openMs * 2) : openMs, all);
}
