import { deliveredKey } from "../../shared/domain/deliveries/delivered-event.ts";
import type { ClaimRequest, EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf, eventKeyOf, LIVE } from "../../shared/domain/deliveries/delivery-key.ts";
import type { BusEvent } from "../../shared/domain/events/event.ts";
import type { Component } from "../../shared/domain/routing/component.ts";
import type { Pin } from "../../shared/domain/routing/pin.ts";
import type { SubjectRow, SubjectRows } from "../../shared/domain/routing/subject-rows.ts";
import type { SubjectKey } from "../../shared/domain/subject.ts";

/** What an event's metadata may say, and the envelope's own fields. */
export type AboutEvent = {
  id?: string;
  source?: string;
  detailType?: string;
  time?: string;
  /** Without its metadata. */
  detail?: Record<string, unknown>;
  idempotencyKey?: string;
  project?: string;
  customer?: string;
  plan?: string;
  user?: string;
  /** Any other field of the metadata. */
  metadata?: Record<string, unknown>;
};

/** An event as a service published it. Metadata only if the test says something about it. */
export function anEvent(about: AboutEvent = {}): BusEvent {
  const { id = "event-1", source = "shop", detailType = "order placed", time = "2026-11-20T10:00:00Z" } = about;
  const { detail = {}, idempotencyKey, project, customer, plan, user } = about;
  const stated = Object.entries({ idempotencyKey, project, customer, plan, user, ...about.metadata });
  const metadata = Object.fromEntries(stated.filter(([, value]) => value !== undefined));
  return {
    version: "0",
    id,
    source,
    "detail-type": detailType,
    time,
    detail: Object.keys(metadata).length === 0 ? detail : { ...detail, metadata },
  };
}

/** The text of an event, as it stands in a queue's message. */
export function bodyOf(event: BusEvent): string {
  return JSON.stringify(event);
}

export type AboutComponent = Partial<Omit<Component, "aliases" | "retry" | "worker">> & {
  /** Names, or entries where the test is about those. */
  aliases?: readonly string[] | Component["aliases"];
  retry?: Partial<Component["retry"]>;
  worker?: Partial<Component["worker"]>;
};

/** A component with the schema's own defaults, taking every event of any source. Nothing is checked. */
export function aComponent({ aliases = ["stable", "beta"], retry, worker, ...about }: AboutComponent = {}): Component {
  return {
    name: "release-coordinator",
    pattern: { source: [{ exists: true }] },
    aliases: isNames(aliases)
      ? Object.fromEntries(aliases.map((name) => [name, { target: { kind: "worker" } }]))
      : aliases,
    defaultAlias: "stable",
    fallbackAlias: "stable",
    cohortRoutes: [],
    timeoutMs: 30_000,
    retry: {
      maxAttempts: 5,
      baseDelayMs: 500,
      maxDelayMs: 30_000,
      maxAgeMs: 86_400_000,
      nonRetryableErrors: [],
      ...retry,
    },
    invocation: { kind: "sync" },
    worker: { concurrency: 4, memoryMb: 128, environment: {}, ...worker },
    ...about,
  };
}

function isNames(aliases: readonly string[] | Component["aliases"]): aliases is readonly string[] {
  return Array.isArray(aliases);
}

/** The key that a consumer is given of an order of the shop. */
export function anOrdersKey(publisherKey: string, generation = LIVE): string {
  return deliveredKey(eventKeyOf("shop", "order placed", publisherKey), generation);
}

/** A claim of one event for one component; its keys follow from the component, the idempotency key and generation. */
export function aClaimRequest(about: Partial<ClaimRequest> & { idempotencyKey?: string } = {}): ClaimRequest {
  const { idempotencyKey = "event-1", ...fields } = about;
  const { component = "release-coordinator", generation = LIVE } = fields;
  const eventKey = fields.eventKey ?? eventKeyOf("shop", "order placed", idempotencyKey);
  return {
    deliveryKey: deliveryKeyOf(component, eventKey, generation),
    component,
    eventKey,
    generation,
    payloadHash: "a".repeat(64),
    t0: new Date("2026-11-20T10:00:00.000Z"),
    alias: "stable",
    because: "default alias",
    routingRevision: 1,
    leaseMs: 35_000,
    expiresAt: new Date("2027-01-17T10:00:00.000Z"),
    ...fields,
  };
}

/** A stored event, whose id is its key too. */
export function aRecord({ id = "event-1", ...about }: Partial<EventRecord> = {}): EventRecord {
  const t0 = about.t0 ?? new Date("2026-11-20T10:00:00.000Z");
  return {
    id,
    messageId: id,
    idempotencyKey: id,
    eventKey: eventKeyOf("shop", "order placed", id),
    source: "shop",
    detailType: "order placed",
    time: t0.toISOString(),
    t0,
    payloadHash: "a".repeat(64),
    subject: {},
    components: ["release-coordinator"],
    body: "{}",
    expiresAt: new Date("2027-01-17T10:00:00.000Z"),
    ...about,
  };
}

export function aPin(about: Partial<Pin> = {}): Pin {
  return { alias: "beta", who: "ada", why: "trying it", at: "2026-11-01T09:00:00.000Z", ...about };
}

export function aSubjectRow(about: Partial<SubjectRow> = {}): SubjectRow {
  return { pins: {}, cohorts: [], ...about };
}

/** Rows by key, as the routing table would answer. */
export function rowsOf(rows: { [key in SubjectKey]?: Partial<SubjectRow> } = {}): SubjectRows {
  const known = new Map(Object.entries(rows));
  return (level, id) => {
    const row = known.get(`${level}#${id}`);
    return row === undefined ? undefined : aSubjectRow(row);
  };
}
