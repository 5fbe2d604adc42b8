import type { EventRecord, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import type { Generation } from "../../domain/deliveries/delivery-key.ts";
import { type BusEvent, readEvent, readFacts } from "../../domain/events/event.ts";
import type { Verdict } from "../../domain/replays/judge-event.ts";
import { isWanted } from "../../domain/text/any-of.ts";
import type { ReceivedMessage } from "../../event-queue/event-queue.ts";
import { deliveriesOf } from "../deliver/claim-deliveries.ts";
import { routeAgain } from "../deliver/route-message.ts";
import type { Delivery } from "../deliver/router-ports.ts";
import type { RoutingView } from "../routing-cache.ts";
import type { BegunItem, DeliverItem, MatchedReplay, ReplayItem, SkipItem } from "./replay-item.ts";

export type Decisions = ReturnType<typeof decisionsOn>;

/** Where what a replay delivers goes, by one view of the routing at one moment. */
export function decisionsOn(view: RoutingView, replay: MatchedReplay, now: Date) {
  const { mode, name, destination, filter } = replay;

  function deliveryOf(
    record: EventRecord,
    component: string,
    generation: Generation,
    before: LedgerEntry | undefined,
  ): Delivery {
    const alias =
      destination.kind === "alias" ? destination.alias : destination.kind === "original" ? before?.alias : undefined;
    const { t0, eventKey, payloadHash } = record;
    const redelivery = { t0, eventKey, payloadHash, component, generation };
    const [delivery] = deliveriesOf(routeAgain(asMessage(record), redelivery, record, view, now, alias));
    if (delivery === undefined) throw new Error(`${component} was decided without a route`);
    return delivery;
  }

  function routed(
    record: EventRecord,
    component: string,
    generation: Generation,
    before: LedgerEntry | undefined,
  ): DeliverItem | SkipItem {
    const about = { record, component, ...(before && { entry: before }) };
    const delivery = deliveryOf(record, component, generation, before);
    const refused = delivery.route.refused?.type;
    if (delivery.route.held !== undefined) return { ...about, kind: "skip", reason: "row unreadable" };
    if (refused === "NoComponent") return { ...about, kind: "skip", reason: "no component" };
    if (refused === "BodyUnavailable") return { ...about, kind: "skip", reason: "body unavailable" };
    if (refused !== undefined) return { ...about, kind: "skip", reason: "not listening" };
    const { because, fallback } = delivery.route.decision;
    if (because === "replay destination" && fallback) return { ...about, kind: "skip", reason: "alias gone" };
    const request = mode === "finish" ? { ...delivery.request, reopenedBy: name } : delivery.request;
    return { ...about, kind: "deliver", delivery: { ...delivery, request }, version: undefined };
  }

  function toListeners(
    record: EventRecord,
    generation: Generation,
    judged: ReadonlySet<string | undefined>,
  ): ReplayItem[] {
    const event = readEvent(record.body);
    const isReadable = event.ok && (record.rejected === undefined || readsNow(event.value, view));
    if (!isReadable) return [{ record, kind: "skip", reason: "unreadable" }];
    const names = view.listeners
      .filter(({ matches }) => matches(event.value))
      .map(({ component }) => component.name)
      .filter((component) => isWanted(filter.component, component));
    if (names.length === 0) return [{ record, kind: "skip", reason: "not listening" }];
    return names
      .filter((component) => !judged.has(component))
      .map((component) => routed(record, component, generation, undefined));
  }

  /** Goes where it would go now; one whose component is gone or doesn't listen is closed as dead. */
  function begunAgain({ record, entry }: BegunItem): DeliverItem {
    const { component, generation } = entry;
    const delivery = deliveryOf(record, component, generation, entry);
    return { record, entry, component, kind: "deliver", delivery, version: undefined };
  }

  function itemsBy(record: EventRecord, verdict: Verdict, verdicts: readonly Verdict[]): ReplayItem[] {
    switch (verdict.kind) {
      case "skip":
      case "begun":
        return [{ record, ...verdict }];
      case "deliver": {
        const { component, generation, before, repairedBy } = verdict;
        return [{ ...routed(record, component, generation, before), ...(repairedBy && { repairedBy }) }];
      }
      case "deliver to listeners": {
        const judged = new Set(verdicts.flatMap((other) => ("component" in other ? [other.component] : [])));
        return toListeners(record, verdict.generation, judged);
      }
    }
  }

  return {
    /** What becomes of a record by its verdicts. */
    itemsOf(record: EventRecord, verdicts: readonly Verdict[]): ReplayItem[] {
      return verdicts.flatMap((verdict) => itemsBy(record, verdict, verdicts));
    },
    /** What was decided before, or begun, as it is decided now. */
    again(item: DeliverItem | BegunItem): DeliverItem | SkipItem {
      if (item.kind === "begun") return begunAgain(item);
      const { component, generation } = item.delivery.request;
      return routed(item.record, component, generation, item.entry);
    },
  };
}

/** Whether key and subject can be had where they stand now: without them it might go where its customer is pinned away from. */
function readsNow(event: BusEvent, view: RoutingView): boolean {
  return readFacts(event, view.rowOf(`source#${event.source}`)).ok;
}

/** A record as the message that it once was. */
function asMessage({ messageId, t0 }: EventRecord): ReceivedMessage {
  return { messageId, receiptHandle: "", body: "", sentAt: t0, receiveCount: 1 };
}
