import {
  compareRecords,
  deliveryStatuses,
  type EventRecord,
  type LedgerEntry,
  type RecordPlace,
  recordPlaceOf,
} from "../../domain/deliveries/delivery.ts";
import type { Generation } from "../../domain/deliveries/delivery-key.ts";
import { type EventOutcome, type OutcomeFilter, outcomeFilter } from "../../domain/deliveries/event-outcome.ts";
import { readEvent } from "../../domain/events/event.ts";
import { asksForTheDead, judgeEvent, type ReplayPlan, type Verdict } from "../../domain/replays/plan-replay.ts";
import type { ReplayRequest, SkipReason } from "../../domain/replays/replay.ts";
import { isMemberOn } from "../../domain/routing/subject-rows.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { deliveriesOf } from "../deliver/claim-deliveries.ts";
import { type QueuedMessage, routeAgain } from "../deliver/route-message.ts";
import type { Delivery } from "../deliver/router-ports.ts";
import type { RoutingCache, RoutingView } from "../routing-cache.ts";
import { entriesOf, generationsIn } from "./matched-entries.ts";

export type MatchPorts = {
  routing: RoutingCache;
  events: Pick<EventRecords, "records"> & Pick<DeliveryLedger, "deliveries">;
  replays: Pick<ReplayStore, "list">;
  catalog: Pick<VersionCatalog, "aliases">;
};

/** One thing that a replay's filter matches, and what becomes of it. */
export type ReplayItem = { record: EventRecord; component?: string; entry?: LedgerEntry } & Pick<
  EventOutcome,
  "repairedBy"
> &
  (
    | { kind: "deliver"; delivery: Delivery /** Behind the alias that it would go to. */; version: string | undefined }
    | { kind: "begun"; entry: LedgerEntry }
    | { kind: "skip"; reason: SkipReason }
  );

/** The items of some records that follow each other in the window; `upTo` is the last record. */
export type MatchedPage = { items: ReplayItem[]; scanned: number; upTo: RecordPlace; decidedAt: Date };

/** The replay as it is matched: what was asked for, its name, and when it began; a plan begins now. */
export type MatchedReplay = ReplayRequest & Pick<ReplayPlan, "name" | "startedAt">;

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
      const isMember = isMemberOn(view.rowOf);
      const passes = (outcome: EventOutcome) => matches(outcome, isMember);
      const mayPass = (outcome: EventOutcome) => mayMatch(outcome, isMember);
      return records.flatMap((record) => {
        const verdicts = judgeEvent(record, entries.get(record) ?? [], replay, now(), passes, mayPass);
        return verdicts.flatMap((verdict) => itemsOf(record, verdict, verdicts, replay, view, now()));
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
  const decided = await ports.routing.decideOn((view) =>
    items.map((item) => {
      if (item.kind === "begun") return begunAgain(item, replay, view, now);
      const { component, generation } = item.delivery.request;
      return routed(item.record, component, generation, item.entry, replay, view, now);
    }),
  );
  if (replay.avoidVersion === undefined) return decided;
  const versions = versionsBehind(ports.catalog);
  return Promise.all(
    decided.map((item, index) => (items[index]?.kind === "begun" ? item : withVersion(item, replay, versions.of))),
  );
}

export type DeliverItem = ReplayItem & { kind: "deliver" };
export type BegunItem = ReplayItem & { kind: "begun" };
export type SkipItem = ReplayItem & { kind: "skip" };

/** Goes where it would go now; one whose component is gone or doesn't listen is closed as dead. */
function begunAgain({ record, entry }: BegunItem, replay: MatchedReplay, view: RoutingView, now: Date): DeliverItem {
  const { component, generation } = entry;
  const delivery = deliveryOf(record, component, generation, entry, replay, view, now);
  return { record, entry, component, kind: "deliver", delivery, version: undefined };
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

function itemsOf(
  record: EventRecord,
  verdict: Verdict,
  verdicts: readonly Verdict[],
  replay: MatchedReplay,
  view: RoutingView,
  now: Date,
): ReplayItem[] {
  switch (verdict.kind) {
    case "skip": {
      return [{ record, ...verdict }];
    }
    case "begun":
      return [{ record, ...verdict }];
    case "deliver":
      return [
        {
          ...routed(record, verdict.component, verdict.generation, verdict.before, replay, view, now),
          ...(verdict.repairedBy && { repairedBy: verdict.repairedBy }),
        },
      ];
    case "deliver to listeners": {
      const judged = new Set(verdicts.flatMap((other) => ("component" in other ? [other.component] : [])));
      return toListeners(record, verdict.generation, judged, replay, view, now);
    }
  }
}

function toListeners(
  record: EventRecord,
  generation: Generation,
  judged: ReadonlySet<string | undefined>,
  replay: MatchedReplay,
  view: RoutingView,
  now: Date,
): ReplayItem[] {
  const event = readEvent(record.body);
  if (!event.ok) return [{ record, kind: "skip", reason: "unreadable" }];
  const names = view.listeners
    .filter(({ matches }) => matches(event.value))
    .map(({ component }) => component.name)
    .filter((name) => replay.filter.component === undefined || name === replay.filter.component);
  if (names.length === 0) return [{ record, kind: "skip", reason: "not listening" }];
  return names
    .filter((name) => !judged.has(name))
    .map((name) => routed(record, name, generation, undefined, replay, view, now));
}

/** A record as the message that it once was. */
function asMessage({ messageId, t0 }: EventRecord): QueuedMessage {
  return { messageId, receiptHandle: "", body: "", sentAt: t0, receiveCount: 1 };
}

function routed(
  record: EventRecord,
  component: string,
  generation: Generation,
  before: LedgerEntry | undefined,
  replay: MatchedReplay,
  view: RoutingView,
  now: Date,
): DeliverItem | SkipItem {
  const about = { record, component, ...(before && { entry: before }) };
  const { mode, name } = replay;
  const delivery = deliveryOf(record, component, generation, before, replay, view, now);
  const refused = delivery.route.refused?.type;
  if (delivery.route.held !== undefined) return { ...about, kind: "skip", reason: "row unreadable" };
  if (refused === "NoComponent") return { ...about, kind: "skip", reason: "no component" };
  if (refused === "BodyUnavailable") return { ...about, kind: "skip", reason: "body unavailable" };
  if (refused !== undefined) return { ...about, kind: "skip", reason: "not listening" };
  const { because, fallback } = delivery.route.decision;
  if (because === "replay target" && fallback) return { ...about, kind: "skip", reason: "alias gone" };
  const request = mode === "finish" ? { ...delivery.request, reopenedBy: name } : delivery.request;
  return { ...about, kind: "deliver", delivery: { ...delivery, request }, version: undefined };
}

function deliveryOf(
  record: EventRecord,
  component: string,
  generation: Generation,
  before: LedgerEntry | undefined,
  { target }: MatchedReplay,
  view: RoutingView,
  now: Date,
): Delivery {
  const alias = target.kind === "alias" ? target.alias : target.kind === "original" ? before?.alias : undefined;
  const { t0, eventKey, payloadHash } = record;
  const redelivery = { t0, eventKey, payloadHash, component, generation };
  const [delivery] = deliveriesOf(routeAgain(asMessage(record), redelivery, record, view, now, alias));
  if (delivery === undefined) throw new Error(`${component} was decided without a route`);
  return delivery;
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
