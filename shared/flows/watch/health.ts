import { sightings, strataOf, triedIn } from "../../domain/health/burst.ts";
import { addedUp, type Counts, countSpans, type DeliveryCount, spanStart } from "../../domain/health/delivery-count.ts";
import type { Tried } from "../../domain/health/evidence.ts";
import type { Failure } from "../../domain/health/failure.ts";
import { isFirstSeenOn } from "../../domain/health/first-seen.ts";
import { type Verdict, verdictOf } from "../../domain/health/verdict.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryCounts } from "../../event-store/delivery-counts.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { componentNamed } from "../versions/component-named.ts";
import { customerOf } from "./customer-of.ts";
import { hasManyCustomers } from "./many-customers.ts";
import { ownedUpTo } from "./owned-up-to.ts";
import { readCounts, wholeMinutes } from "./read-counts.ts";
import { unresolvedAmong } from "./unresolved-among.ts";

export type HealthPorts = {
  events: Pick<DeliveryCounts, "counts" | "failures"> & Pick<DeliveryLedger, "deliveries" | "deliveriesOf">;
  routingTable: RoutingTableReader;
  catalog: Pick<VersionCatalog, "aliases">;
};

/** How a version of a component does. */
export type VersionHealth = {
  component: string;
  /** Empty for what no version has owned up to. */
  version: string;
  /** Those that point at it now, or whose deliveries it has run in the window. */
  aliases: string[];
  /** Those that point at it now. */
  pointing: string[];
  counts: Counts;
  /** The same by alias, type and time. */
  byKey: DeliveryCount[];
  perMinute: number;
  /** Of its failures that are looked at, `failures`: dead, and not made good since. At least so many where there are more. */
  unresolved: number;
  failures: Failure[];
  customersAffected: number;
  topError?: { error: string; count: number; isNew: boolean };
  verdict: Verdict;
};

export type Health = { window: TimeWindow; versions: VersionHealth[]; dropped: number };

/** How far back is looked for what was before. */
const BEFORE_MS = 7 * 24 * countSpans.hour;

/** Failures of a component that are looked at one by one, the newest. */
const MAX_FAILURES = 2_000;

/**
 * How the versions of a component do, or of all of them, by the first attempts that were counted in the minutes that the
 * window touches. What was before is read only of a component of which something has failed.
 * @throws ComponentNotFound
 */
export async function healthOf(
  ports: HealthPorts,
  { component, window }: { component?: string; window: TimeWindow },
  now: Date,
): Promise<Health> {
  const components =
    component === undefined
      ? (await ports.routingTable.components()).components
      : [await componentNamed(ports.routingTable, component)];
  const whole = wholeMinutes(window);
  const { counts, dropped } = await readCounts(ports.events, whole);
  const ofComponent = Map.groupBy(counts, (count) => count.component);
  const failing = components.some(({ name }) => ofComponent.get(name)?.some(({ failed }) => failed > 0));
  // Not the hour in which the window begins: it has some of what is judged.
  const hours = { from: new Date(whole.from.getTime() - BEFORE_MS), to: spanStart(whole.from, "hour") };
  const before = failing ? (await ports.events.counts(hours, "hour")).counts : [];
  const versions: VersionHealth[] = [];
  for (const one of components) {
    const earlier = before.filter((count) => count.component === one.name);
    const seen = { window: whole, now, counts: ofComponent.get(one.name) ?? [], before: earlier };
    versions.push(...(await versionsOf(ports, one, seen)));
  }
  return { window: whole, versions, dropped };
}

type Seen = { window: TimeWindow; now: Date; counts: readonly DeliveryCount[]; before: readonly DeliveryCount[] };

async function versionsOf(ports: HealthPorts, component: Component, seen: Seen): Promise<VersionHealth[]> {
  const { name } = component;
  const targets = await ports.catalog.aliases(name);
  const counts = ownedUpTo(seen.counts, targets);
  const failed = counts.some((count) => count.failed > 0);
  const failures = failed ? await ports.events.failures(name, seen.window, MAX_FAILURES) : [];
  const owned = ownedUpTo(failures, targets);
  const stable = targets.find(({ alias }) => alias === component.fallbackAlias)?.version;
  const minutes = Math.min(seen.window.to.getTime(), seen.now.getTime()) - seen.window.from.getTime();
  const groups = Map.groupBy(counts, ({ version }) => version);
  for (const { version } of targets) if (!groups.has(version)) groups.set(version, []);
  const ofStable = sightings(
    counts.filter(({ version }) => version === stable),
    owned.filter(({ version }) => version === stable),
  );
  const rows: VersionHealth[] = [];
  for (const [version, own] of groups) {
    const sum = addedUp(own);
    // What was put off, a duplicate or refused before anything ran is no version's.
    if (version === "" && sum.firsts === 0) continue;
    const those = owned.filter((failure) => failure.version === version);
    const pointing = targets.filter((target) => target.version === version).map(({ alias }) => alias);
    const aliases = [...new Set([...pointing, ...own.map(({ alias }) => alias).filter((alias) => alias !== "")])];
    const customersAffected = new Set(those.map(customerOf)).size;
    const sighted = sightings(own, those);
    const isCompared = version !== stable && [...ofStable.values()].some(({ tried }) => tried > 0);
    const judged = {
      ...(isCompared && { strata: strataOf(sighted, ofStable) }),
      now: triedIn(sighted.values()),
      ...beforeOf(version, aliases, seen.before),
      customersAffected,
    };
    const suspected = verdictOf(judged, false);
    const isAlone = suspected.level !== "ok" && !(await hasManyCustomers(ports.routingTable, name, pointing, seen.now));
    rows.push({
      component: name,
      version,
      aliases,
      pointing,
      counts: sum,
      byKey: own,
      perMinute: sum.firsts / Math.max(1, minutes / countSpans.minute),
      unresolved: await unresolvedAmong(ports.events, those),
      failures: those,
      customersAffected,
      ...topErrorOf(version, sum, counts, seen.before),
      verdict: suspected.level === "ok" ? suspected : verdictOf(judged, !isAlone),
    });
  }
  return rows.toSorted((a, b) => a.version.localeCompare(b.version, "en", { numeric: true }));
}

/** What the same aliases' deliveries did before the version came; undefined where nothing is known of it. */
function beforeOf(version: string, aliases: readonly string[], before: readonly DeliveryCount[]): { before?: Tried } {
  const own = before.filter((count) => count.version === version && count.firsts > 0);
  const came = own.length === 0 ? Infinity : Math.min(...own.map(({ at }) => at.getTime()));
  const those = before.filter(({ alias, firsts }) => aliases.includes(alias) && firsts > 0);
  const others = those.filter((count) => count.version !== version);
  const earlier = others.filter(({ at }) => at.getTime() < came);
  // What it did itself says nothing where others are known: it may have failed as often when it was tried before.
  const tried = triedOf([earlier, others, those].find(({ length }) => length > 0) ?? []);
  return tried.tried === 0 ? {} : { before: tried };
}

function triedOf(counts: readonly Pick<Counts, "firsts" | "failed">[]): Tried {
  return counts.reduce<Tried>(
    (sum, { firsts, failed }) => ({ tried: sum.tried + firsts, failed: sum.failed + failed }),
    { tried: 0, failed: 0 },
  );
}

/** Its most frequent error; new if no other version has shown it in the window or in the days before. */
function topErrorOf(
  version: string,
  { errors }: Counts,
  counts: readonly DeliveryCount[],
  before: readonly DeliveryCount[],
): Pick<VersionHealth, "topError"> {
  const [top] = [...errors].toSorted((a, b) => b[1] - a[1]);
  if (top === undefined) return {};
  const [error, count] = top;
  return { topError: { error, count, isNew: isFirstSeenOn(version, error, [...before, ...counts]) } };
}
