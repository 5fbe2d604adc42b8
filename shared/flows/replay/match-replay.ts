import { compareRecords, deliveryStatuses, type RecordPlace, recordPlaceOf } from "../../domain/deliveries/delivery.ts";
import { type EventOutcome, type OutcomeFilter, outcomeFilter } from "../../domain/deliveries/event-outcome.ts";
import { asksForTheDead, judgeEvent } from "../../domain/replays/judge-event.ts";
import { isMemberOn } from "../../domain/routing/subject-rows.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import type { RoutingCache } from "../routing-cache.ts";
import { decisionsOn } from "./decide-items.ts";
import { entriesOf, generationsIn } from "./matched-entries.ts";
import type { BegunItem, DeliverItem, MatchedReplay, ReplayItem, SkipItem } from "./replay-item.ts";

export type MatchPorts = {
  routing: RoutingCache;
  events: Pick<EventRecords, "records"> & Pick<DeliveryLedger, "deliveries">;
  replays: Pick<ReplayStore, "list">;
  catalog: Pick<VersionCatalog, "aliases">;
};

/** The items of some records that follow each other in the window; `upTo` is the last record. */
export type MatchedPage = { items: ReplayItem[]; scanned: number; upTo: RecordPlace; decidedAt: Date };

export type MatchOptions = {
  now: () => Date;
  pageSize?: number;
  /** Only records after this one. */
  after?: RecordPlace;
  /** Only records up to this one. */
  upTo?: RecordPlace;
  /**
   * Whether the version behind each alias is told, for a request per component and page; default true. Where one is to be
   * avoided they are asked for in any case.
   */
  tellVersions?: boolean;
};

const NOBODY = () => false;

const DEFAULT_PAGE_SIZE = 500;

/**
 * Everything that a replay's filter matches, oldest first, with what would become of it now. A plan counts it, and a run
 * delivers it: there is no other way to either.
 * @throws TurnoutError `usage` when the filter has a pattern that is none
 */
export async function* matchReplay(
  ports: MatchPorts,
  replay: MatchedReplay,
  { now, pageSize = DEFAULT_PAGE_SIZE, after, upTo: end, tellVersions = true }: MatchOptions,
): AsyncGenerator<MatchedPage> {
  const { project, customer, plan, pattern } = replay.filter;
  const mayBeMeant = outcomeFilter({
    ...(project !== undefined && { project }),
    ...(customer !== undefined && { customer }),
    ...(plan !== undefined && { plan }),
    ...(pattern !== undefined && { pattern }),
  });
  const matches = outcomeFilter(replay.filter);
  const mayMatch = onceAtRest(replay.filter);
  let generations = await generationsIn(ports.replays, replay);
  // What a replay makes good that is started after this one is left alone as well.
  const looksAgain = asksForTheDead(replay);
  await ports.routing.refresh();
  const versions = versionsBehind(ports.catalog);
  const asksVersions = tellVersions || replay.avoidVersion !== undefined;
  for await (const stored of ports.events.records(replay.window, now(), pageSize, after)) {
    const looked = end === undefined ? stored : stored.filter((record) => compareRecords(record, end) <= 0);
    if (looksAgain) generations = await generationsIn(ports.replays, replay);
    // Before the ledger is asked: whose an event is, and what it says, stands in its record.
    const records = looked.filter((record) => mayBeMeant({ record, status: "waiting" }, NOBODY));
    const entries = await entriesOf(ports, records, generations, replay);
    const decidedAt = now();
    const judged = await ports.routing.decideOn((view) => {
      const decide = decisionsOn(view, replay, now());
      const isMember = isMemberOn(view.rowOf);
      const passes = (outcome: EventOutcome) => matches(outcome, isMember);
      const mayPass = (outcome: EventOutcome) => mayMatch(outcome, isMember);
      return records.flatMap((record) => {
        const verdicts = judgeEvent(record, entries.get(record) ?? [], replay, now(), passes, mayPass);
        return decide.itemsOf(record, verdicts);
      });
    });
    versions.forget();
    const items = await Promise.all(
      judged.map((item) => (item.kind === "begun" || !asksVersions ? item : withVersion(item, replay, versions.of))),
    );
    const last = looked.at(-1);
    if (last === undefined) continue;
    yield { items, scanned: looked.length, upTo: recordPlaceOf(last), decidedAt };
  }
}

/**
 * Where deliveries go by the routing as it is now: what was decided a page ago may have been changed since. A delivery that
 * the replay has begun goes on wherever that is; one that it hasn't may be skipped after all.
 */
export async function decideAgain(
  ports: Pick<MatchPorts, "routing" | "catalog">,
  replay: MatchedReplay,
  items: readonly (DeliverItem | BegunItem)[],
  now: Date,
): Promise<(DeliverItem | SkipItem)[]> {
  const decided = await ports.routing.decideOn((view) => items.map(decisionsOn(view, replay, now).again));
  if (replay.avoidVersion === undefined) return decided;
  const versions = versionsBehind(ports.catalog);
  return Promise.all(
    decided.map((item, index) => (items[index]?.kind === "begun" ? item : withVersion(item, replay, versions.of))),
  );
}

/** One request per component while it isn't forgotten. */
function versionsBehind(catalog: MatchPorts["catalog"]) {
  const known = new Map<string, Promise<Map<string, string>>>();
  return {
    async of(component: string, alias: string): Promise<string | undefined> {
      const aliases =
        known.get(component) ??
        catalog.aliases(component).then((targets) => new Map(targets.map((target) => [target.alias, target.version])));
      known.set(component, aliases);
      return (await aliases).get(alias);
    },
    forget: () => known.clear(),
  };
}

async function withVersion(
  item: DeliverItem | SkipItem,
  { avoidVersion }: MatchedReplay,
  versionOf: (component: string, alias: string) => Promise<string | undefined>,
): Promise<DeliverItem | SkipItem> {
  if (item.kind === "skip") return item;
  const { component, alias } = item.delivery.request;
  const version = await versionOf(component, alias);
  if (avoidVersion === undefined || version !== avoidVersion) return { ...item, version };
  const { record, entry } = item;
  return { record, component, kind: "skip", reason: "same version", ...(entry && { entry }) };
}

/**
 * What the filter may match of deliveries that aren't at rest, once they are: which version ran an attempt, and whether
 * that was the last, is told when it ends.
 */
function onceAtRest({ executedVersion, status, ...filter }: OutcomeFilter): ReturnType<typeof outcomeFilter> {
  const ofDeliveries: readonly string[] = [...deliveryStatuses, "unresolved"];
  const isOfDeliveries = status === undefined || ofDeliveries.includes(status);
  if (!isOfDeliveries || (executedVersion === undefined && status === undefined)) return () => false;
  return outcomeFilter(filter);
}
