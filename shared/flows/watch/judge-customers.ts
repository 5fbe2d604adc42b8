import { sightings } from "../../domain/health/burst.ts";
import {
  type CustomerVerdict,
  customerVerdict,
  customerVerdictText,
  mayBeWorse,
  whoIsTakenOff,
} from "../../domain/health/customer-verdict.ts";
import { countSpans, spanStart } from "../../domain/health/delivery-count.ts";
import type { Failure } from "../../domain/health/failure.ts";
import { LEAST_FAILURES } from "../../domain/health/verdict.ts";
import type { Suspect, TakenOff, Watch } from "../../domain/health/watch.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { Guard } from "../../domain/routing/guard-rule.ts";
import { isUnderWay, releaseActor } from "../../domain/routing/release.ts";
import type { SubjectKey } from "../../domain/subject.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import type { GuardPorts } from "./guard-ports.ts";
import { ownedUpTo } from "./owned-up-to.ts";
import { recountCustomers } from "./recount-customers.ts";
import { sameSubjectBefore } from "./same-subjects-before.ts";

/** Routers' clocks may be ahead. */
const AHEAD_MS = 2 * countSpans.minute;

const MAX_FAILURES = 2_000;

/** Those who are looked at one by one at a look, whom it fails for most. */
const MAX_SUSPECTS = 5;

/** What was before is looked up so often, and the ledger counted once it had less than the failures that were listed. */
const LOOKED_UP_EVERY_MS = 10 * countSpans.minute;
const RECOUNT_AFTER_MS = countSpans.minute;

/**
 * Looks at those on a version one by one, for whom it fails in burst after burst: the others may hardly have noticed. What
 * was listed of them only says where to look; who is found is found by the ledger.
 * @returns the watch with who is suspected, and whoever was found
 */
export async function judgeCustomers(
  ports: GuardPorts,
  component: Component,
  watch: Watch,
  guard: Guard,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<Watch> {
  const [failed] = watch.verdict?.metrics ?? [];
  if (failed === undefined || failed.own.failed < LEAST_FAILURES) return watch;
  const customers = Math.max(1, watch.before?.customers ?? 0, watch.customers.length);
  const bursts = await burstsOf(ports, watch, targets, now);
  const suspects: Suspect[] = [];
  for (const who of bursts.keys()) suspects.push(await suspectOf(ports, watch, who, now));
  const accused = suspects.filter(
    (suspect) =>
      mayBeWorse(bursts.get(suspect.who) ?? 0, suspect, customers) &&
      !isFresh(suspect.recountedAt, RECOUNT_AFTER_MS, now),
  );
  const verdicts = await verdictsOn(ports, component, watch, accused, customers, targets, now);
  const taken = [...(watch.taken ?? [])];
  for (const [{ who }, verdict] of verdicts) {
    if (!verdict.isWorse) continue;
    const why = customerVerdictText(who, watch.version, verdict);
    taken.push({ ...found(who, why, component, guard, now), revision: await ports.routingTable.head() });
  }
  const known = suspects.map((suspect) =>
    verdicts.get(suspect)?.isWorse === false ? { ...suspect, recountedAt: now.toISOString() } : suspect,
  );
  const { suspects: _, ...rest } = watch;
  return { ...rest, ...(known.length > 0 && { suspects: known }), ...(taken.length > 0 && { taken }) };
}

/** What the ledger says of each of those whom failures were listed of. */
async function verdictsOn(
  ports: GuardPorts,
  component: Component,
  watch: Watch,
  accused: readonly Suspect[],
  customers: number,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<ReadonlyMap<Suspect, CustomerVerdict>> {
  if (accused.length === 0) return new Map();
  const whom = accused.map(({ who }) => who);
  const own = await recountCustomers(ports.events, watch, whom, now);
  const stableVersion = targets.find(({ alias }) => alias === component.fallbackAlias)?.version;
  const stable = await besideOf(ports, watch, stableVersion, now);
  return new Map(
    accused.map((before) => [
      before,
      customerVerdict({ own: own.get(before.who) ?? new Map(), stable, before }, customers),
    ]),
  );
}

function found(
  who: SubjectKey,
  why: string,
  component: Component,
  guard: Guard,
  now: Date,
): Omit<TakenOff, "revision"> {
  const { mode, all } = guard;
  const { release } = component;
  // Where a release has set it, what is done about its version is as the release says.
  const isOfRelease = isUnderWay(release) && guard.who === releaseActor(release);
  return {
    ...{ who, at: now.toISOString(), stage: "found", why },
    mode: isOfRelease ? release.guard : mode,
    ...(all && { all }),
  };
}

/** In how many minutes and types it has failed for whom, those with most first; not for whom that was found before. */
async function burstsOf(
  { events }: GuardPorts,
  { component, alias, version, from, taken = [] }: Watch,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<ReadonlyMap<SubjectKey, number>> {
  const window = { from: new Date(from), to: new Date(now.getTime() + AHEAD_MS) };
  const failures = ownedUpTo(await events.failures(component, window, MAX_FAILURES), targets);
  const bursts = new Map<SubjectKey, Set<string>>();
  for (const failure of failures) {
    const who = whoIsTakenOff(failure);
    const isOwn = failure.version === version && failure.alias === alias;
    if (who === undefined || !isOwn || taken.some((one) => one.who === who)) continue;
    bursts.set(who, (bursts.get(who) ?? new Set()).add(burstOf(failure)));
  }
  const counted = [...bursts].map(([who, those]): [SubjectKey, number] => [who, those.size]);
  return new Map(
    counted
      .filter(([, count]) => count >= LEAST_FAILURES)
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, MAX_SUSPECTS),
  );
}

function burstOf({ at, type }: Failure): string {
  return `${spanStart(at, "minute").getTime()} ${type}`;
}

async function suspectOf(ports: GuardPorts, watch: Watch, who: SubjectKey, now: Date): Promise<Suspect> {
  const known = watch.suspects?.find((suspect) => suspect.who === who);
  if (known !== undefined && isFresh(known.at, LOOKED_UP_EVERY_MS, now)) return known;
  const { tried, failed } = await sameSubjectBefore(ports, watch, who, now);
  return { ...known, who, tried, failed, at: now.toISOString() };
}

function isFresh(at: string | undefined, forMs: number, now: Date): boolean {
  return at !== undefined && now.getTime() - Date.parse(at) < forMs;
}

async function besideOf({ events }: GuardPorts, { component, from }: Watch, stable: string | undefined, now: Date) {
  const window = { from: new Date(from), to: new Date(now.getTime() + AHEAD_MS) };
  const { counts } = await events.counts(window, "minute");
  return sightings(
    counts.filter((count) => count.component === component && count.version === stable),
    [],
  );
}
