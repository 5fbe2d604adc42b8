import { sightings } from "../../domain/health/burst.ts";
import { addedUp, countSpans, type DeliveryCount, spanStart } from "../../domain/health/delivery-count.ts";
import { quantileMs } from "../../domain/health/duration-buckets.ts";
import { logOfMean, type Tried } from "../../domain/health/evidence.ts";
import type { Failure } from "../../domain/health/failure.ts";
import { addFailures, addSlow, type GuardMetric, slowIn } from "../../domain/health/guard-meter.ts";
import { type GuardVerdict, guardVerdict } from "../../domain/health/guard-verdict.ts";
import { newWatch, type Watch } from "../../domain/health/watch.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { EventStore } from "../../event-store/event-store.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import { customerOf } from "./customer-of.ts";
import { hasManyCustomers } from "./many-customers.ts";
import { ownedUpTo } from "./owned-up-to.ts";
import { sameSubjectsBefore } from "./same-subjects-before.ts";

/** Routers store their counts every few seconds; what comes later than this is nobody's evidence. */
const SETTLED_AFTER_MS = 3 * countSpans.minute;

/** Routers' clocks may be ahead. */
const AHEAD_MS = 2 * countSpans.minute;

/** What was healthy for long would weigh against what it has become: evidence begins anew after a day. */
const ANEW_AFTER_MS = 24 * countSpans.hour;

/** What is slow, and what was before, is looked up so often; the latter sooner where something is suspected. */
const LOOKED_UP_EVERY_MS = 10 * countSpans.minute;
const SUSPECTED_EVERY_MS = countSpans.minute;
const SUSPICION = 2 * Math.LN10;

/** Durations of stable within an hour that say what is slow, and what share of them isn't. */
const LEAST_DURATIONS = 100;
const SLOW_ABOVE_SHARE = 0.95;

const MAX_FAILURES = 2_000;
const MAX_CUSTOMERS = 10;

export type LookPorts = {
  events: Pick<EventStore, "counts" | "failures" | "records" | "deliveries">;
  routingTable: RoutingTableReader;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
};

/** What was counted, and what has failed, of a version and of stable. */
export type Counted = {
  own: readonly DeliveryCount[];
  stable: readonly DeliveryCount[];
  ownFailures: readonly Failing[];
  stableFailures: readonly Failing[];
};

type Failing = Pick<Failure, "at" | "type" | "subject" | "deliveryKey">;

/**
 * Looks at what has come of a version since the last time, and says what to think of it.
 * @param targets where the component's aliases point
 * @returns the watch as it is to be stored, with its verdict
 */
export async function lookAtVersion(
  ports: LookPorts,
  component: Component,
  stored: Watch,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<Watch & { verdict: GuardVerdict }> {
  const begun = begunAnew(stored, now);
  const stable = targets.find(({ alias }) => alias === component.fallbackAlias)?.version;
  const counted = await countedOf(ports, begun, stable, targets, now);
  const slow = await whatIsSlow(ports, begun, stable, now);
  const watch: Watch = {
    ...begun,
    ...(slow && { slow }),
    customers: [...new Set([...begun.customers, ...counted.ownFailures.map(customerOf)])].slice(0, MAX_CUSTOMERS),
    lookedAt: now.toISOString(),
  };
  const settledUpTo = new Date(
    Math.max(Date.parse(watch.upTo), spanStart(new Date(now.getTime() - SETTLED_AFTER_MS), "minute").getTime()),
  );
  const settled = addedTo(
    watch,
    part(counted, (at) => at < settledUpTo),
  );
  const meters = addedTo(
    { ...watch, meters: settled },
    part(counted, (at) => at >= settledUpTo),
  );
  const before = await whatWasBefore(ports, watch, meters, now);
  const known = { ...watch, ...(before && { before }) };
  const verdict = await verdictOn(ports, known, meters, now);
  return { ...known, meters: settled, upTo: settledUpTo.toISOString(), verdict };
}

/** The verdict by what was added up, and what was before. */
export async function verdictOn(
  { routingTable }: Pick<LookPorts, "routingTable">,
  { component, alias, customers, before, slow }: Watch,
  meters: Watch["meters"],
  now: Date,
): Promise<GuardVerdict> {
  const earlier: { [metric in GuardMetric]?: Tried } =
    before === undefined
      ? {}
      : {
          failed: before,
          missing: { tried: before.tried + (before.missing ?? 0), failed: before.missing ?? 0 },
          ...(slow && { slower: slowIn(new Map(before.durations), slow.aboveMs) }),
        };
  const others = before?.others;
  const known = {
    ...{ meters, before: earlier, customersAffected: customers.length },
    ...(others && { othersBefore: others }),
  };
  const suspected = guardVerdict(known, false);
  if (suspected.metrics.every(({ level }) => level === "ok") || customers.length > 1) return suspected;
  return guardVerdict(known, await hasManyCustomers(routingTable, component, [alias], now));
}

function begunAnew(watch: Watch, now: Date): Watch {
  if (now.getTime() - Date.parse(watch.from) < ANEW_AFTER_MS) return watch;
  const { trip, keeper, lock, slow, before, taken } = watch;
  const anew = newWatch(watch, new Date(watch.since), spanStart(now, "minute"));
  return {
    ...anew,
    lock,
    ...(trip && { trip }),
    ...(keeper && { keeper }),
    ...(slow && { slow }),
    ...(before && { before }),
    ...(taken && { taken }),
  };
}

async function countedOf(
  { events }: LookPorts,
  { component, alias, version, upTo }: Watch,
  stable: string | undefined,
  targets: readonly AliasedVersion[],
  now: Date,
): Promise<Counted> {
  const window = { from: new Date(upTo), to: new Date(now.getTime() + AHEAD_MS) };
  const all = (await events.counts(window, "minute")).counts.filter((count) => count.component === component);
  const owned = ownedUpTo(all, targets);
  const failed = all.some((count) => count.failed > 0);
  const failures = ownedUpTo(failed ? await events.failures(component, window, MAX_FAILURES) : [], targets);
  const isOwn = (one: { version: string; alias: string }) => one.version === version && one.alias === alias;
  const isStable = (one: { version: string }) => one.version === stable && stable !== version;
  return {
    own: owned.filter(isOwn),
    stable: owned.filter(isStable),
    ownFailures: failures.filter(isOwn),
    stableFailures: failures.filter(isStable),
  };
}

function part({ own, stable, ownFailures, stableFailures }: Counted, isWanted: (at: Date) => boolean): Counted {
  const wanted = <T extends { at: Date }>(all: readonly T[]) =>
    all.filter(({ at }) => isWanted(spanStart(at, "minute")));
  return {
    own: wanted(own),
    stable: wanted(stable),
    ownFailures: wanted(ownFailures),
    stableFailures: wanted(stableFailures),
  };
}

/** The meters with what was counted on top. */
export function addedTo({ meters, slow }: Pick<Watch, "meters" | "slow">, counted: Counted): Watch["meters"] {
  const [own, stable] = [
    sightings(counted.own, counted.ownFailures),
    sightings(counted.stable, counted.stableFailures),
  ];
  const failed = addFailures(meters.failed, own, stable);
  const slower = slow === undefined ? meters.slower : addSlow(meters.slower, counted.own, counted.stable, slow.aboveMs);
  return { failed, slower, missing: meters.missing };
}

/** What nearly all of stable's first attempts of the last hour stayed within. */
async function whatIsSlow(
  { events }: LookPorts,
  { component, slow }: Watch,
  stable: string | undefined,
  now: Date,
): Promise<Watch["slow"]> {
  if (slow !== undefined && now.getTime() - Date.parse(slow.at) < LOOKED_UP_EVERY_MS) return slow;
  const window = { from: spanStart(new Date(now.getTime() - countSpans.hour), "minute"), to: now };
  const { counts } = await events.counts(window, "minute");
  const { durations } = addedUp(counts.filter((one) => one.component === component && one.version === stable));
  const known = [...durations.values()].reduce((sum, count) => sum + count, 0);
  const aboveMs = known < LEAST_DURATIONS ? undefined : quantileMs(durations, SLOW_ABOVE_SHARE);
  return aboveMs === undefined ? slow : { aboveMs, at: now.toISOString() };
}

async function whatWasBefore(
  ports: LookPorts,
  watch: Watch,
  meters: Watch["meters"],
  now: Date,
): Promise<Watch["before"]> {
  const { before } = watch;
  const { failed, slower } = meters;
  if (failed.own.tried === 0) return before;
  const isSuspected = [failed, slower].some(({ sums }) => sums.length > 0 && logOfMean(sums) >= SUSPICION);
  const everyMs = isSuspected ? SUSPECTED_EVERY_MS : LOOKED_UP_EVERY_MS;
  if (before !== undefined && now.getTime() - Date.parse(before.at) < everyMs) return before;
  return sameSubjectsBefore(ports, watch, now);
}
