import { admit, type CircuitBreaker, closedBreaker, observe, probed } from "../../domain/deliveries/circuit-breaker.ts";
import type { Send, SendResult, Target } from "../../targets/target.ts";

export type BreakerOptions = {
  now: () => Date;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  /** Where the breakers are kept, for whoever looks at them. Default: nobody does. */
  breakers?: Map<string, CircuitBreaker>;
};

/** Aliases whose breaker isn't closed. */
export function openBreakers(breakers: ReadonlyMap<string, CircuitBreaker>): { component: string; alias: string }[] {
  return [...breakers].flatMap(([key, { state }]) => {
    const [component = "", alias = ""] = key.split(" ");
    return state === "closed" ? [] : [{ component, alias }];
  });
}

/** What is held comes back spread over this time, so that it doesn't hit the version all at once. */
const SPREAD_MS = 10_000;

/**
 * Puts a circuit breaker before each version, so that one that is down doesn't hold up what goes elsewhere. While it is
 * open its deliveries are put off, uncounted, to when it is tried again. In memory: every router learns for itself.
 *
 * An asynchronous version never opens its breaker: it takes its events whatever becomes of them, and holds nobody up.
 *
 * A breaker belongs to a component's alias, as a router doesn't know the version before it has answered. After an alias
 * was moved to a sound version, the next probe finds out, within a minute.
 */
export function withCircuitBreakers(target: Target, { now, random, breakers = new Map() }: BreakerOptions): Target {
  // As many as there are aliases: nothing needs to be forgotten.
  function breakerOf(key: string): CircuitBreaker {
    const known = breakers.get(key);
    if (known !== undefined) return known;
    const anew = closedBreaker();
    breakers.set(key, anew);
    return anew;
  }

  return (send) => {
    const key = `${send.component} ${send.alias}`;
    const who = send.subject.project ?? send.subject.customer ?? "";
    const admission = admit(breakerOf(key), who, now(), send.timeoutMs);
    if (admission.send === "later") return Promise.resolve(held(send, admission.until, random()));
    if (admission.send === "as probe") breakers.set(key, admission.next);
    return target(send).then((result) => {
      const breaker = breakerOf(key);
      const next = after(breaker, who, admission.send === "as probe", result, now());
      if (next !== breaker) breakers.set(key, next);
      return result;
    });
  };
}

function after(
  breaker: CircuitBreaker,
  who: string,
  isProbe: boolean,
  { outcome }: SendResult,
  now: Date,
): CircuitBreaker {
  if (isProbe) return probed(breaker, who, verdictOn(outcome), now);
  return outcome === "throttled" ? breaker : observe(breaker, who, outcome === "failed", now);
}

function verdictOn(outcome: SendResult["outcome"]): "good" | "failed" | "no room" {
  if (outcome === "throttled") return "no room";
  return outcome === "failed" ? "failed" : "good";
}

function held({ component, alias }: Send, until: Date, random: number): SendResult {
  const retryAt = new Date(until.getTime() + random * SPREAD_MS);
  const message = `held: nearly everything fails at ${component} '${alias}', which is tried again at ${until.toISOString()}`;
  return { outcome: "throttled", error: { type: "CircuitOpen", message }, retryAt };
}
