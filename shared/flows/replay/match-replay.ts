import {
  compareRecords,
  deliveryStatuses,
  type EventRecord,
  type LedgerEntry,
  type RecordPlace,
  recordPlaceOf,
} from "../../domain/deliveries/delivery.ts";
import { type EventOutcome, type OutcomeFilter, outcomeFilter } from "../../domain/deliveries/event-outcome.ts";
import { judgeEvent } from "../../domain/replays/judge-event.ts";
import type { Replay } from "../../domain/replays/replay.ts";
import { isMemberOn } from "../../domain/routing/subject-rows.ts";
import { eachOf } from "../../domain/text/any-of.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { type ReadAnew, readAnew } from "../deliver/route-message.ts";
import type { RoutingCache, RoutingView } from "../routing-cache.ts";
import { type Decisions, decisionsOn } from "./decide-items.ts";
import { matchedEntries } from "./matched-entries.ts";
import type { BegunItem, DeliverItem, MatchedReplay, ReplayItem, SkipItem } from "./replay-item.ts";

export type MatchPorts = {
  routing: RoutingCache;
  events: Pick<EventRecords, "records"> & Pick<DeliveryLedger, "deliveries">;
  replays: Pick<ReplayStore, "list">;
  catalog: Pick<VersionCatalog, "aliases">;
};

/** The items of some records that follow each other in the window; `upTo` is the last record. */
export type MatchedPage = {
  items: ReplayItem[];
  scanned: number;
  upTo: RecordPlace;
  decidedAt: Date;
  /** Events of it that could only be read now. */
  anew: readonly ReadAnew[];
};

export type MatchOptions = {
  now: () => Date;
  pageSize?: number;
  /**
   * Whether the version behind each alias is told, for a request per component and page; default true. Where one is to be
   * avoided they are asked for in any case.
   */
  tellVersions?: boolean;
};

/** A part of the replay's window. */
export type MatchedPart = {
  window?: TimeWindow;
  /** Only records after this one. */
  after?: RecordPlace | undefined;
  /** Only records up to this one. */
  upTo?: RecordPlace;
};

const NOBODY = () => false;

const DEFAULT_PAGE_SIZE = 500;

export type ReplayMatcher = ReturnType<typeof replayMatcher>;

/**
 * Says what a replay's filter matches, and what would become of it now. A plan counts it, and a run delivers it: there is
 * no other way to either.
 * @throws TurnoutError `usage` when the filter has a pattern that is none
 */
export function replayMatcher(
  ports: MatchPorts,
  replay: MatchedReplay,
  { now, pageSize = DEFAULT_PAGE_SIZE, tellVersions = true }: MatchOptions,
) {
  const { filter, avoidVersion } = replay;
  const { source, user, project, customer, plan, pattern } = filter;
  const mayBeMeant = outcomeFilter({
    ...(source !== undefined && { source }),
    ...(user !== undefined && { user }),
    ...(project !== undefined && { project }),
    ...(customer !== undefined && { customer }),
    ...(plan !== undefined && { plan }),
    ...(pattern !== undefined && { pattern }),
  });
  const matches = outcomeFilter(filter);
  const mayMatch = onceAtRest(filter);

  /** Works out what becomes of some things by one view of the routing, at one moment. */
  const byRouting = <T>(workOut: (decisions: Decisions, view: RoutingView) => T): Promise<T> =>
    ports.routing.decideOn((view) => workOut(decisionsOn(view, replay, now()), view));

  const judged = (records: readonly EventRecord[], entries: Map<EventRecord, LedgerEntry[]>) =>
    byRouting(({ itemsOf }, view) => {
      const isMember = isMemberOn(view.subjectRow);
      const passes = (outcome: EventOutcome) => matches(outcome, isMember);
      const mayPass = (outcome: EventOutcome) => mayMatch(outcome, isMember);
      return records.flatMap((record) =>
        itemsOf(record, judgeEvent(record, entries.get(record) ?? [], replay, now(), passes, mayPass)),
      );
    });

  return {
    /** All that is matched in a part of the window, oldest first. */
    async *pages({ window = replay.window, after, upTo: end }: MatchedPart = {}): AsyncGenerator<MatchedPage> {
      const entriesOf = matchedEntries(ports, { ...replay, window });
      /** Stored anew by this very pass. */
      const met = new Set<string>();
      const readThose = async (records: readonly EventRecord[]) => {
        const read = await ports.routing.decideOn((view) => records.map((record) => readAnew(record, view, now())));
        const anew = read.filter((one) => one !== undefined);
        for (const { record } of anew) met.add(placeText(record));
        const others = records.filter((record, index) => read[index] !== undefined || !met.has(placeText(record)));
        const recordOf = new Map(anew.map(({ record, stored }) => [stored, record]));
        return { read: others.map((record) => recordOf.get(record) ?? record), anew };
      };
      const asksVersions = tellVersions || avoidVersion !== undefined;
      await ports.routing.refresh();
      for await (const stored of ports.events.records(window, now(), pageSize, after)) {
        const looked = end === undefined ? stored : stored.filter((record) => compareRecords(record, end) <= 0);
        const last = looked.at(-1);
        if (last === undefined) continue;
        const { read, anew } = await readThose(looked);
        // Before the ledger is asked: whose an event is, and what it says, stands in its record.
        const records = read.filter((record) => mayBeMeant({ record, status: "waiting" }, NOBODY));
        const entries = await entriesOf(records);
        const decidedAt = now();
        const items = await judged(records, entries);
        const versionOf = versionsBehind(ports.catalog);
        const told = items.map((item) =>
          item.kind === "begun" || !asksVersions ? item : withVersion(item, avoidVersion, versionOf),
        );
        // What is read anew may get a later place than it had: a later pass has to find it here.
        const upTo = read.reduce((latest, record) => (compareRecords(record, latest) > 0 ? record : latest), last);
        yield { items: await Promise.all(told), scanned: looked.length, upTo: recordPlaceOf(upTo), decidedAt, anew };
      }
    },
    /**
     * Where deliveries go by the routing as it is now: what was decided a page ago may have been changed since. A delivery
     * that the replay has begun goes on wherever that is; one that it hasn't may be skipped after all.
     */
    async again(items: readonly (DeliverItem | BegunItem)[]): Promise<(DeliverItem | SkipItem)[]> {
      const decided = await byRouting(({ again }) => items.map(again));
      if (avoidVersion === undefined) return decided;
      const versionOf = versionsBehind(ports.catalog);
      return Promise.all(
        decided.map((item, index) =>
          items[index]?.kind === "begun" ? item : withVersion(item, avoidVersion, versionOf),
        ),
      );
    },
  };
}

/** The replay as it is matched. */
export function matchedAs(replay: Replay): MatchedReplay {
  const { window, filter, mode, destination, avoidVersion, name, progress } = replay;
  const startedAt = progress.startedAt ?? replay.requestedAt;
  // What is only brought to its end goes nowhere, and must not wait for a catalog that can't answer.
  const avoids = avoidVersion !== undefined && progress.cancelling !== true;
  return { window, filter, mode, destination, name, startedAt, ...(avoids && { avoidVersion }) };
}

function placeText({ t0, eventKey, payloadHash }: RecordPlace): string {
  return `${t0.getTime()}#${eventKey}#${payloadHash}`;
}

/** Answers the version behind an alias, for one request per component. */
function versionsBehind(catalog: MatchPorts["catalog"]) {
  const known = new Map<string, Promise<Map<string, string>>>();
  return async (component: string, alias: string): Promise<string | undefined> => {
    const aliases =
      known.get(component) ??
      catalog.aliases(component).then((all) => new Map(all.map((one) => [one.alias, one.version])));
    known.set(component, aliases);
    return (await aliases).get(alias);
  };
}

async function withVersion(
  item: DeliverItem | SkipItem,
  avoidVersion: string | undefined,
  versionOf: ReturnType<typeof versionsBehind>,
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
  const isOfDeliveries = status === undefined || eachOf(status).some((asked) => ofDeliveries.includes(asked));
  if (!isOfDeliveries || (executedVersion === undefined && status === undefined)) return () => false;
  return outcomeFilter(filter);
}
