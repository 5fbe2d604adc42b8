import { spanStart } from "../../domain/health/delivery-count.ts";
import type { GuardVerdict } from "../../domain/health/guard-verdict.ts";
import { LEAST_CUSTOMERS } from "../../domain/health/verdict.ts";
import { verdictText } from "../../domain/health/verdict-text.ts";
import { isLost, isUnderWay, newWatch, type Trip, type Watch } from "../../domain/health/watch.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { BadVersion, Guard } from "../../domain/routing/guard-rule.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import { aliasHistory } from "../versions/alias-history.ts";
import { carryOn } from "./carry-on.ts";
import type { GuardPorts } from "./guard-ports.ts";
import { judgeCustomers } from "./judge-customers.ts";
import { lookAtVersion, verdictOn } from "./look-at-version.ts";
import { lackingOf, lookForOutcomes } from "./look-for-outcomes.ts";
import { recountVersion } from "./recount-version.ts";
import { toldOfFailures } from "./told-of-failures.ts";

/** The ledger is counted again so often where it has less against a version than the counts. */
const RECOUNT_AFTER_MS = 60_000;

/** Failures that are counted but not in the ledger, in parts of those that are: more is no evidence. */
const MOST_MISCOUNTED = 2;

/**
 * Looks at every version behind a guarded alias, and does about one that is worse what its guard is to do. One that
 * fails doesn't keep the others from being looked at.
 * @throws what the first of them has thrown, once all were looked at
 */
export async function runGuards(ports: GuardPorts): Promise<void> {
  const { components } = await ports.routingTable.components();
  const guarded = components.filter(({ guards }) => guards !== undefined);
  const stored = await ports.watches.watches();
  const errors: unknown[] = [];
  for (const component of components) {
    const watches = stored.filter((watch) => watch.component === component.name);
    const underWay = watches.filter(isUnderWay);
    if (!guarded.includes(component) && watches.length === 0) continue;
    const targets = await ports.catalog.aliases(component.name).catch((error: unknown) => {
      errors.push(error);
      return undefined;
    });
    if (targets === undefined) continue;
    const goOn = underWay.map((watch) => () => carryOn(ports, component, watch, targets));
    const look = Object.entries(component.guards ?? {}).map(
      ([alias, guard]) =>
        () =>
          lookAfter(ports, component, { alias, guard }, watches, targets),
    );
    const forget = watches
      .filter((watch) => isOver(watch, component, targets))
      .map((watch) => () => ports.watches.remove(watch));
    for (const step of [...goOn, ...look, ...forget]) await step().catch((error: unknown) => errors.push(error));
  }
  for (const error of errors) throw error;
}

/** Nobody asks about it any more: it found nothing, and the version is gone from the alias, or the guard is. */
function isOver(
  { alias, version, trip }: Watch,
  { guards = {} }: Component,
  targets: readonly AliasedVersion[],
): boolean {
  if (trip !== undefined) return false;
  const isBehind = targets.some((target) => target.alias === alias && target.version === version);
  return !isBehind || !Object.hasOwn(guards, alias);
}

async function lookAfter(
  ports: GuardPorts,
  component: Component,
  { alias, guard }: { alias: string; guard: Guard },
  watches: readonly Watch[],
  targets: readonly AliasedVersion[],
): Promise<void> {
  const version = targets.find((target) => target.alias === alias)?.version;
  if (version === undefined) return;
  const known = watches.find((watch) => watch.alias === alias && watch.version === version);
  if (known !== undefined && isUnderWay(known)) return;
  const now = ports.now();
  const watch = await watchOf(ports, component, { alias, guard, version }, known, now);
  if (watch.trip !== undefined) return void (known?.trip === undefined && (await ports.watches.put(watch)));
  const seen = await lookAtVersion(ports, component, watch, targets, now);
  const checked =
    seen.verdict.says === "worse"
      ? await recheck(ports, component, seen, targets, now)
      : await lookForOutcomes(ports, component, seen, targets, now);
  const found =
    checked.verdict.says === "worse"
      ? { ...checked, trip: await tripOf(ports, checked, guard, now) }
      : await lookAtCustomers(ports, component, checked, guard, targets, now);
  // Stored before anything is done about it: another that found the same at the same time does nothing.
  const stored = await ports.watches.put(found);
  if (stored !== undefined && isUnderWay(stored)) await carryOn(ports, component, stored, targets);
}

/** The watch with whoever is to be taken off the version; with a second one it is the version that is worse. */
async function lookAtCustomers(
  ports: GuardPorts,
  component: Component,
  watch: Watch & { verdict: GuardVerdict },
  guard: Guard,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<Watch> {
  const judged = await judgeCustomers(ports, component, watch, guard, targets, now);
  const { taken = [] } = judged;
  if (taken.length <= (watch.taken ?? []).length || taken.length < LEAST_CUSTOMERS) return judged;
  const verdict: GuardVerdict = { ...watch.verdict, says: "worse", more: 0 };
  const why = taken.map((one) => one.why).join("; ");
  const ended = taken.filter(({ stage }) => stage === "ended");
  const { taken: _, ...rest } = judged;
  const trip = await tripOf(ports, { ...watch, verdict }, guard, now, why);
  return { ...rest, ...(ended.length > 0 && { taken: ended }), verdict, trip };
}

/** The watch over a version; one that has come back since the last one tripped begins anew, and so does one that is lost. */
async function watchOf(
  { routingTable, catalog }: GuardPorts,
  { name, badVersions = [] }: Component,
  { alias, guard, version }: { alias: string; guard: Guard; version: string },
  known: Watch | undefined,
  now: Date,
): Promise<Watch> {
  if (known !== undefined && known.trip === undefined && !isLost(known)) return known;
  const standing = await aliasHistory(routingTable, catalog, name, alias);
  // The log doesn't say when somebody has moved it behind Turnout's back: it counts from when that is seen.
  const since = (standing.version === version ? standing.since : undefined) ?? now;
  if (known?.trip !== undefined && since <= new Date(known.trip.at)) return known;
  const anew = newWatch({ component: name, alias, version }, since, spanStart(since, "minute"));
  const watch = known === undefined ? anew : { ...anew, lock: known.lock };
  const mark = badVersions.find((bad) => bad.version === version && bad.alias === alias && new Date(bad.at) >= since);
  // Its mark outlives it. What was to be taken back and still stands there is judged, and taken back, all the same.
  if (known?.trip !== undefined || mark === undefined || guard.mode === "rollback" || guard.mode === "undo")
    return watch;
  return { ...watch, trip: markedTrip(mark, guard, await routingTable.head()) };
}

/** The trip of a watch that is lost, as its mark tells it. */
function markedTrip({ at, why }: BadVersion, { mode }: Guard, revision: Revision): Trip {
  const verdict: GuardVerdict = { says: "worse", metrics: [], more: 0 };
  return { at, stage: "ended", mode, verdict, why, revision, done: "it was found before, and a person decides" };
}

/** Counts again from the ledger before anything is done: what was counted twice, or not at all, isn't a version's fault. */
async function recheck(
  ports: GuardPorts,
  component: Component,
  watch: Watch & { verdict: GuardVerdict },
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<Watch & { verdict: GuardVerdict }> {
  const stable = targets.find(({ alias }) => alias === component.fallbackAlias)?.version;
  const { recountedAt } = watch;
  if (recountedAt !== undefined && now.getTime() - Date.parse(recountedAt) < RECOUNT_AFTER_MS) {
    return { ...watch, verdict: { ...watch.verdict, says: "no verdict" } };
  }
  const { meters, customers, isWhole } = await recountVersion(
    ports.events,
    watch,
    stable,
    now,
    lackingOf(component, watch, now),
  );
  if (isWhole) {
    const verdict = await verdictOn(ports, { ...watch, customers }, meters, now);
    if (verdict.says === "worse") return { ...watch, customers, verdict };
    const waits = "the counts say more than the ledger does, which counts";
    return { ...watch, verdict, waits, recountedAt: now.toISOString() };
  }
  const [counted] = watch.verdict.metrics;
  const [said, found] = [shareOf(counted?.own), shareOf(meters.failed.own)];
  if (said <= found * MOST_MISCOUNTED) return watch;
  const verdict: GuardVerdict = { ...watch.verdict, says: "no verdict" };
  return { ...watch, verdict, waits: "the counts say more than the ledger does", recountedAt: now.toISOString() };
}

function shareOf(counted: { tried: number; failed: number } | undefined): number {
  return counted === undefined || counted.tried === 0 ? 0 : counted.failed / counted.tried;
}

async function tripOf(
  ports: GuardPorts,
  watch: Watch & { verdict: GuardVerdict },
  guard: Guard,
  now: Date,
  why = verdictText(watch.verdict, watch.version),
): Promise<Trip> {
  const told = await toldOfFailures(ports, watch, now);
  return {
    at: now.toISOString(),
    stage: "found",
    mode: guard.mode,
    ...(guard.all && { all: guard.all }),
    verdict: watch.verdict,
    why: [why, ...told].join("; "),
    revision: await ports.routingTable.head(),
  };
}
