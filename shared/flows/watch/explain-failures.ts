import { countSpans, type DeliveryCount, spanStart } from "../../domain/health/delivery-count.ts";
import { errorFingerprint } from "../../domain/health/error-fingerprint.ts";
import type { Failure } from "../../domain/health/failure.ts";
import { type FailureFilter, type Levers, leversOf } from "../../domain/health/failure-levers.ts";
import { isFirstSeenOn } from "../../domain/health/first-seen.ts";
import { type Explanation, type Ranking, rankExplanations } from "../../domain/health/rank-explanations.ts";
import { type TraitIndex, traitIndex } from "../../domain/health/trait-index.ts";
import { type Subject, subjectLevels } from "../../domain/subject.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryCounts } from "../../event-store/delivery-counts.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { componentNamed, requireVersion } from "../versions/component-named.ts";
import { eventOf, withEvents } from "./failed-cases.ts";
import { ownedUpTo } from "./owned-up-to.ts";
import { readCounts, wholeMinutes } from "./read-counts.ts";
import { type SampledStore, type Sampling, sampledDeliveries } from "./sampled-deliveries.ts";

export type FailurePorts = {
  events: Pick<DeliveryCounts, "counts" | "failures"> & Pick<EventRecords, "find"> & SampledStore;
  routingTable: RoutingTableReader;
  catalog: Pick<VersionCatalog, "aliases" | "versions">;
};

/** An error, how often it was met, and whether no other version has shown it in the last 7 days. */
export type SeenError = { error: string; version: string; count: number; isFirst: boolean };

/** What failures have in common, and what acts on them. */
export type ExplainedFailures = Omit<Explanation, "failed"> &
  Levers & {
    failures: Failure[];
    /** Its most frequent errors. */
    errors: SeenError[];
    /** The minute in which the first of these events arrived. */
    since: Date;
  };

export type FailuresExplained = Omit<Ranking, "explanations"> & {
  component: string;
  window: TimeWindow;
  /** First attempts that failed as they were counted, of whatever subject. */
  counted: number;
  /** Whether what was compared are all that were asked for, and not the newest of them alone. */
  isAll: boolean;
  newest: Failure[];
  errors: SeenError[];
  explanations: ExplainedFailures[];
};

/** The newest failures are compared, no more than so many. */
export const MOST_COMPARED = 1_000;

/** Failures that are read at once, and in all, to find those that are asked for: others may fail far more often. */
const READ_AT_ONCE = 2_000;
const MAX_READ = 20_000;

/** Failures that are given out one by one. */
const MAX_NEWEST = 20;

/** Twice as many deliveries are what they are compared with, from as near to each other in time as may be. */
const BESIDE_EACH = 2;
const PER_STRETCH = 5;

/** What is compared may have arrived so much earlier or later than what failed. */
const BESIDE_MS = 60_000;

/** How far back is looked for an error that others have shown. */
const BEFORE_MS = 7 * 24 * countSpans.hour;

const MAX_ERRORS = 3;

export type AskedFailures = { component: string; window: TimeWindow; filter: FailureFilter; most?: number };

/**
 * What explains the failures of a component's first attempts: which of all that these and a sample of the other deliveries
 * at the same time are about and say tells them apart.
 * @param most failures that are compared, the newest: what a look costs, and how small a part of them can be told
 * @param random from 0 (inclusive) to 1 (exclusive)
 * @throws ComponentNotFound; TurnoutError `not found` for a version that there isn't
 */
export async function explainFailures(
  { events, routingTable, catalog }: FailurePorts,
  { component: name, window: stated, filter, most = MOST_COMPARED }: AskedFailures,
  now: Date,
  random: () => number,
): Promise<FailuresExplained> {
  const component = await componentNamed(routingTable, name);
  const targets = await catalog.aliases(name);
  const window = wholeMinutes(stated);
  const counts = ownedUpTo(
    (await readCounts(events, window)).counts.filter((count) => count.component === name),
    targets,
  );
  if (filter.version !== undefined && !counts.some(({ version }) => version === filter.version)) {
    await requireVersion(catalog, name, filter.version);
  }
  const listed = await failuresAskedFor(events, { name, window, filter, targets, most: most + 1 });
  const compared = listed.slice(0, most);
  const sampling = { stretches: (most * BESIDE_EACH) / PER_STRETCH, each: PER_STRETCH, component: name };
  const { index, arrived } = await indexed(events, compared, { window, now, random, sampling, filter, targets });
  const { explanations, ...ranking } = rankExplanations(index);
  const seen = compared.length === 0 ? [] : [...counts, ...(await countsBefore(events, name, window))];
  return {
    ...ranking,
    component: name,
    window,
    counted: counts
      .filter((one) => isAskedFor({ ...one, subject: filter }, filter))
      .reduce((sum, { failed }) => sum + failed, 0),
    isAll: listed.length <= most,
    newest: compared.slice(0, MAX_NEWEST),
    errors: errorsOf(compared, seen),
    explanations: explanations.map(({ failed, ...explanation }): ExplainedFailures => {
      const failures = failed.flatMap((n) => compared[n] ?? []);
      const first = Math.min(...failed.map((n) => arrived[n]?.getTime() ?? Number.POSITIVE_INFINITY));
      return {
        ...explanation,
        failures,
        since: spanStart(new Date(first), "minute"),
        errors: errorsOf(failures, seen),
        ...leversOf(explanation.traits, failures, { ...component, targets }, filter),
      };
    }),
  };
}

type Asked = {
  name: string;
  window: TimeWindow;
  filter: FailureFilter;
  targets: Parameters<typeof ownedUpTo>[1];
  most: number;
};

/** The newest first, no more than so many. */
async function failuresAskedFor(
  events: Pick<DeliveryCounts, "failures">,
  { name, window: { from, to: end }, filter, targets, most }: Asked,
): Promise<Failure[]> {
  const found = new Map<string, Failure>();
  let to = end;
  const atOnce = Object.keys(filter).length === 0 ? most : READ_AT_ONCE;
  for (let read = 0; read < MAX_READ && found.size < most; read += atOnce) {
    const page = await events.failures(name, { from, to }, atOnce);
    for (const one of ownedUpTo(page, targets)) if (isAskedFor(one, filter)) found.set(one.deliveryKey, one);
    const oldest = page.at(-1);
    if (oldest === undefined || page.length < atOnce) break;
    // With that of the same millisecond, of which not all may have been read.
    const next = new Date(oldest.at.getTime() + 1);
    if (next >= to) break;
    to = next;
  }
  return [...found.values()].slice(0, most);
}

function isAskedFor(
  one: { version: string; alias: string; subject: Subject },
  { version, alias, ...subject }: FailureFilter,
): boolean {
  return (
    one.version === (version ?? one.version) &&
    one.alias === (alias ?? one.alias) &&
    subjectLevels.every((level) => one.subject[level] === (subject[level] ?? one.subject[level]))
  );
}

type Comparison = {
  window: TimeWindow;
  now: Date;
  random: () => number;
  sampling: Sampling;
  filter: FailureFilter;
  targets: Parameters<typeof ownedUpTo>[1];
};

/** The failures first, each by its place, and then what they are compared with. `arrived`: when each failure's event did. */
async function indexed(
  events: FailurePorts["events"],
  failures: readonly Failure[],
  { window, now, random, sampling, filter, targets }: Comparison,
): Promise<{ index: TraitIndex; arrived: Date[] }> {
  const index = traitIndex();
  const arrived: Date[] = [];
  for await (const { failure, t0 = failure.at, event } of withEvents(events, failures)) {
    // One that arrived long before counts with those that it failed with.
    const at = new Date(Math.max(t0.getTime(), window.from.getTime()));
    arrived.push(t0);
    index.add({ ...failure, failed: true, at, ...(event && { event }) });
  }
  if (arrived.length === 0) return { index, arrived };
  const times = index.cases.map(({ at }) => at.getTime());
  const beside = {
    from: new Date(Math.max(window.from.getTime(), Math.min(...times) - BESIDE_MS)),
    to: new Date(Math.min(window.to.getTime(), Math.max(...times) + BESIDE_MS)),
  };
  for await (const { record, entry, first } of sampledDeliveries(events, beside, now, random, sampling)) {
    if (first.outcome !== "done") continue;
    const { subject, detailType: type, t0: at } = record;
    const { alias, because } = entry;
    const [one] = ownedUpTo([{ version: first.version ?? "", alias, subject }], targets);
    if (one === undefined || !isAskedFor(one, filter)) continue;
    index.add({ ...one, failed: false, at, type, because, ...eventOf(record) });
  }
  return { index, arrived };
}

async function countsBefore(
  events: Pick<DeliveryCounts, "counts">,
  component: string,
  { from }: TimeWindow,
): Promise<DeliveryCount[]> {
  const hours = { from: new Date(from.getTime() - BEFORE_MS), to: spanStart(from, "hour") };
  return (await events.counts(hours, "hour")).counts.filter((count) => count.component === component);
}

function errorsOf(failures: readonly Failure[], counts: readonly DeliveryCount[]): SeenError[] {
  const groups = Map.groupBy(failures, ({ errorType: type, message, version }) =>
    JSON.stringify([errorFingerprint({ type, message }), version]),
  );
  return [...groups]
    .map(([key, those]) => {
      const [error = "", version = ""] = JSON.parse(key) as string[];
      return { error, version, count: those.length, isFirst: isFirstSeenOn(version, error, counts) };
    })
    .toSorted((a, b) => b.count - a.count)
    .slice(0, MAX_ERRORS);
}
