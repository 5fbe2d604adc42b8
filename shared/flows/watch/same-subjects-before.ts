import { independently, isAbout, type TriedOnce } from "../../domain/health/customer-verdict.ts";
import { countSpans, type DeliveryCount, spanStart } from "../../domain/health/delivery-count.ts";
import { bucketOf } from "../../domain/health/duration-buckets.ts";
import type { Tried } from "../../domain/health/evidence.ts";
import type { Watch } from "../../domain/health/watch.ts";
import type { Subject, SubjectKey } from "../../domain/subject.ts";
import type { EventStore } from "../../event-store/event-store.ts";
import { customerOf } from "./customer-of.ts";
import { sampledDeliveries } from "./sampled-deliveries.ts";
import { type Exposure, sampledExposures } from "./sampled-exposures.ts";

/** How far back is looked for what was before. */
const BEFORE_MS = 7 * 24 * countSpans.hour;

type SamplePorts = {
  events: Pick<EventStore, "counts" | "records" | "deliveries">;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
};

/**
 * What the first attempts of those who are on a version now were in the seven days before it came, with other versions:
 * told from some 2,000 events of each time.
 * @param more who is on it besides, as `customerOf` tells them
 */
export async function sameSubjectsBefore(
  { events, random }: SamplePorts,
  { component, version, alias, since, from }: Watch,
  now: Date,
  more: readonly string[] = [],
): Promise<NonNullable<Watch["before"]>> {
  const came = new Date(since);
  const at = now.toISOString();
  const isOf = (exposure: Exposure) => exposure.component === component;
  const onIt = (await sampledExposures(events, { from: new Date(from), to: now }, now, random)).filter(
    (exposure) => isOf(exposure) && exposure.alias === alias && exposure.version === version,
  );
  const subjects = new Set([...more, ...onIt.map(customerOf)]);
  const first = await firstCounted(events, component, came);
  const durations = new Map<number, number>();
  let [tried, failed, missing] = [0, 0, 0];
  const [triedOf, others] = [new Map<string, number>(), new Map<string, Tried>()];
  if (subjects.size > 0 && first !== undefined && first < came) {
    for (const exposure of await sampledExposures(events, { from: first, to: came }, now, random, true)) {
      if (!isOf(exposure) || exposure.version === version) continue;
      const { type } = exposure;
      if (!subjects.has(customerOf(exposure))) {
        if (!exposure.isMissing) others.set(type, addedOne(others.get(type), exposure.failed));
        continue;
      }
      if (exposure.isMissing) {
        missing += 1;
        continue;
      }
      tried += 1;
      triedOf.set(type, (triedOf.get(type) ?? 0) + 1);
      if (exposure.failed) failed += 1;
      const { durationMs } = exposure;
      if (durationMs !== undefined) durations.set(bucketOf(durationMs), (durations.get(bucketOf(durationMs)) ?? 0) + 1);
    }
  }
  const beside = withSharesOf(triedOf, others);
  return {
    ...{ tried, failed, durations: [...durations], at, customers: subjects.size },
    ...(missing > 0 && { missing }),
    ...(beside.tried > 0 && { others: beside }),
  };
}

function addedOne({ tried, failed }: Tried = { tried: 0, failed: 0 }, isFailed: boolean): Tried {
  return { tried: tried + 1, failed: failed + (isFailed ? 1 : 0) };
}

/** So many as there are of others, with as many of each type among them as those on the version have. */
function withSharesOf(triedOf: ReadonlyMap<string, number>, others: ReadonlyMap<string, Tried>): Tried {
  let [tried, failed, all] = [0, 0, 0];
  for (const [type, weight] of triedOf) {
    const those = others.get(type);
    if (those === undefined) continue;
    tried += those.tried;
    failed += (weight * those.failed) / those.tried;
    all += weight;
  }
  return { tried, failed: all === 0 ? 0 : (tried * failed) / all };
}

/** Some 600 events of one customer, from all over the days before: whoever has fewer has all of theirs looked at. */
const OF_ONE = { stretches: 200, each: 3 };
const LOOKED_AT_FOR_ONE = 300;

/** The same of one of them alone. */
export async function sameSubjectBefore(
  { events, random }: SamplePorts,
  { component, version, since }: Watch,
  who: SubjectKey,
  now: Date,
): Promise<Tried> {
  const came = new Date(since);
  const first = await firstCounted(events, component, came);
  if (first === undefined || first >= came) return { tried: 0, failed: 0 };
  const about = { isOne: (subject: Subject) => isAbout(who, subject), lookedAt: LOOKED_AT_FOR_ONE };
  const tried: TriedOnce[] = [];
  const sampled = sampledDeliveries(events, { from: first, to: came }, now, random, { ...OF_ONE, component, about });
  for await (const { entry, record, first: attempt } of sampled) {
    if (entry.component !== component || attempt.version === version) continue;
    tried.push({ at: attempt.at, type: record.detailType, failed: attempt.outcome !== "done" });
  }
  return independently(tried);
}

/** When the component's first deliveries of the time before were counted: a sample of nothing would say nothing. */
async function firstCounted(events: SamplePorts["events"], component: string, came: Date): Promise<Date | undefined> {
  const lastHour = spanStart(new Date(came.getTime() - countSpans.hour), "minute");
  const hours = { from: spanStart(new Date(came.getTime() - BEFORE_MS), "hour"), to: lastHour };
  const earliest = (counts: readonly DeliveryCount[]) =>
    counts.find((count) => count.component === component && count.firsts > 0)?.at;
  return (
    earliest((await events.counts(hours, "hour")).counts) ??
    earliest((await events.counts({ from: lastHour, to: came }, "minute")).counts)
  );
}
