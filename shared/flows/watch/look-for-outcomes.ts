import { countSpans } from "../../domain/health/delivery-count.ts";
import type { GuardVerdict } from "../../domain/health/guard-verdict.ts";
import { LEAST_FAILURES } from "../../domain/health/verdict.ts";
import type { Watch } from "../../domain/health/watch.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import type { GuardPorts } from "./guard-ports.ts";
import { verdictOn } from "./look-at-version.ts";
import { ownedUpTo } from "./owned-up-to.ts";
import { type Lacking, recountVersion } from "./recount-version.ts";
import { sameSubjectsBefore } from "./same-subjects-before.ts";

/** The ledger is counted so often where outcomes may be missing. */
const RECOUNT_AFTER_MS = countSpans.minute;

/** An outcome is missing after so many times as long as nearly all of stable's take, and a minute at least. */
const PATIENCE_TIMES = 10;
const LEAST_PATIENCE_MS = countSpans.minute;

type Seen = Watch & { verdict: GuardVerdict };

/**
 * Looks for outcomes of what a version took to work on later, where fewer have come than events were taken long ago. The
 * counts only say that something is to be looked for: which outcomes are missing, of the version and of stable, the ledger
 * says.
 */
export async function lookForOutcomes(
  ports: GuardPorts,
  component: Component,
  watch: Seen,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<Seen> {
  const { recountedAt } = watch;
  if (recountedAt !== undefined && now.getTime() - Date.parse(recountedAt) < RECOUNT_AFTER_MS) return watch;
  if (!(await mayLack(ports, component, watch, targets, now))) return watch;
  const stable = targets.find(({ alias }) => alias === component.fallbackAlias)?.version;
  const lacking = lackingOf(component, watch, now);
  const { meters, customers } = await recountVersion(ports.events, watch, stable, now, lacking);
  // Of a version that has given no outcome at all nobody has asked yet who is on it.
  const before = watch.before?.tried ? watch.before : await sameSubjectsBefore(ports, watch, now, customers);
  const verdict = await verdictOn(ports, { ...watch, customers, before }, meters, now);
  const known = { ...watch, before, meters: { ...watch.meters, missing: meters.missing } };
  return { ...known, customers, verdict, recountedAt: now.toISOString() };
}

/** What counts as missing now. */
export function lackingOf({ fallbackAlias, invocation, timeoutMs }: Component, { slow }: Watch, now: Date): Lacking {
  const deadlineMs = timeoutMs + (invocation.kind === "async" ? invocation.maxEventAgeMs : 0);
  const patienceMs =
    slow === undefined ? deadlineMs : Math.min(deadlineMs, Math.max(LEAST_PATIENCE_MS, PATIENCE_TIMES * slow.aboveMs));
  return { stableAlias: fallbackAlias, takenBefore: new Date(now.getTime() - patienceMs) };
}

async function mayLack(
  { events }: GuardPorts,
  component: Component,
  watch: Watch,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<boolean> {
  if (component.invocation.kind !== "async") return false;
  const { takenBefore } = lackingOf(component, watch, now);
  const window = { from: new Date(watch.from), to: new Date(now.getTime() + 1) };
  const counts = (await events.counts(window, "minute")).counts.filter((count) => count.component === component.name);
  let [taken, answered] = [0, 0];
  for (const { at, alias, version, outcomes, firsts, retries } of ownedUpTo(counts, targets)) {
    if (alias !== watch.alias || version !== watch.version) continue;
    if (at.getTime() + countSpans.minute <= takenBefore.getTime()) taken += outcomes.get("accepted") ?? 0;
    answered += firsts + retries;
  }
  return taken - answered >= LEAST_FAILURES;
}
