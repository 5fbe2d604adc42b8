import { sha256 } from "../hash.ts";
import type { DeliveryError, EventRecord } from "./delivery.ts";
import { deliveryKeyOf, eventKeyIn, LIVE } from "./delivery-key.ts";
import type { DeliveryReport } from "./delivery-report.ts";
import { type WideLine, wideLine } from "./wide-line.ts";

/** Where a span stands: 32 and 16 hexadecimal digits, and whether those before it are recorded. */
export type SpanPlace = { traceId: string; spanId: string; sampled: boolean };

/** A span as OpenTelemetry has it, once it is over. */
export type FinishedSpan = {
  name: string;
  kind: "producer" | "internal" | "consumer";
  place: SpanPlace;
  parent?: SpanPlace;
  /** What it is about in another trace. */
  links: SpanPlace[];
  start: Date;
  end: Date;
  attributes: WideLine;
  error?: DeliveryError;
};

/** What is known of an event as it is published. */
export type PublishedEvent = Pick<EventRecord, "id" | "source" | "detailType"> & { traceparent?: string | undefined };

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** A `traceparent` (W3C Trace Context); undefined for what isn't one. */
export function readTraceparent(text: string | undefined): SpanPlace | undefined {
  const [, traceId = "", spanId = "", flags = ""] = TRACEPARENT.exec(text ?? "") ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The span of an event's being stored, below what its publisher was at, or else the first of its own trace. */
export function publishSpan(event: PublishedEvent, start: Date, end: Date): FinishedSpan {
  const parent = readTraceparent(event.traceparent);
  return {
    name: "publish",
    kind: "producer",
    place: publishPlace(event),
    ...(parent !== undefined && { parent }),
    links: [],
    start,
    end,
    attributes: {
      "cloudevents.event_id": event.id,
      "cloudevents.event_source": event.source,
      "cloudevents.event_type": event.detailType,
    },
  };
}

/**
 * The spans of what a router has done with an event: how it was routed, from its arrival until it was sent or needn't be,
 * and each attempt of a version below that. A replay's attempt is a trace of its own, which links to the first delivery.
 *
 * Ids are made of what the spans are about, so that a later attempt, another process or a replay finds them without their
 * having been stored.
 * @param publishedHere whether the event's publishing has a span, which these are below
 */
export function deliverySpans(report: DeliveryReport, publishedHere: boolean): FinishedSpan[] {
  const { record, component, outcome, attempt, deliveryKey, replay, durationMs = 0, at, error } = report;
  const event = { ...record, traceparent: report.traceparent };
  const { time: _, ...attributes } = wideLine(report) ?? { outcome };
  const published = publishedHere ? publishPlace(event) : readTraceparent(event.traceparent);
  const base = { links: [], attributes, ...(error !== undefined && { error }) };
  const route = (end: Date): FinishedSpan => ({
    ...base,
    name: "route",
    kind: "internal",
    place: routePlace(event, deliveryKey ?? `${component ?? ""}#${outcome}`),
    ...(published !== undefined && { parent: published }),
    start: record.t0 < end ? record.t0 : end,
    end,
  });
  if (component === undefined || attempt === undefined || deliveryKey === undefined) {
    return outcome === "redelivered" ? [] : [route(at)];
  }
  const start = new Date(at.getTime() - durationMs);
  // An outcome that is told later has no message: how it was routed has been told when it was handed over.
  const isFirst = attempt === 1 && replay === undefined && record.messageId !== undefined;
  const routed = isFirst ? [route(start)] : [];
  if (outcome === "postponed" || outcome === "accepted") return routed;
  const deliver = { ...base, name: `deliver ${component}`, kind: "consumer" as const, start, end: at };
  const spanId = idOf(`deliver#${deliveryKey}#${attempt}`);
  if (replay === undefined) {
    const parent = routePlace(event, deliveryKey);
    return [...routed, { ...deliver, place: { ...parent, spanId }, parent }];
  }
  const first = deliveryKeyOf(component, eventKeyIn(deliveryKey), LIVE);
  const link = { ...routePlace(event, first), spanId: idOf(`deliver#${first}#1`) };
  const traceId = sha256(`replay#${replay}#${deliveryKey}`).slice(0, 32);
  return [{ ...deliver, place: { traceId, spanId, sampled: true }, links: [link] }];
}

function publishPlace(event: PublishedEvent): SpanPlace {
  return { ...traceOf(event), spanId: idOf(`publish#${event.id}`) };
}

function routePlace(event: PublishedEvent, deliveryKey: string): SpanPlace {
  return { ...traceOf(event), spanId: idOf(`route#${event.id}#${deliveryKey}`) };
}

/** The publisher's trace, or one of the event's own. */
function traceOf({ id, traceparent }: PublishedEvent): Omit<SpanPlace, "spanId"> {
  const { traceId, sampled } = readTraceparent(traceparent) ?? { traceId: undefined, sampled: true };
  return { traceId: traceId ?? sha256(`trace#${id}`).slice(0, 32), sampled };
}

function idOf(what: string): string {
  return sha256(what).slice(0, 16);
}
