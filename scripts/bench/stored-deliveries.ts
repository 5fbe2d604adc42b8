import { randomBytes } from "node:crypto";
import type { ClaimRequest, EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf, eventKeyOf, LIVE } from "../../shared/domain/deliveries/delivery-key.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import type { Failure } from "../../shared/domain/health/failure.ts";
import type { DeliveryCounts } from "../../shared/event-store/delivery-counts.ts";
import type { DeliveryLedger } from "../../shared/event-store/delivery-ledger.ts";
import type { EventRecords } from "../../shared/event-store/event-store.ts";

const PROJECTS = 1_000;
const PAGE = 1_000;

/** One of so many deliveries fails. */
const FAILED = 100;

/** About so many bytes, as the bus hands an event over. */
const BODY_BYTES = 1_024;

export type Stored = { component: string; source: string; records: number; from: Date; everyMs: number };

/** How each delivery ends. */
export const DONE_AT_ONCE = { attempt: 1, outcome: "done", executedVersion: "1", durationMs: 5 } as const;

/** One of so many events, one after the other. */
export function storedRecord({ component, source, from, everyMs }: Omit<Stored, "records">, n: number): EventRecord {
  const t0 = new Date(from.getTime() + n * everyMs);
  return recordOf(t0, `project-${n % PROJECTS}`, component, source);
}

/** Stores events of 1,000 projects, one after the other, each delivered to one component. Returns their window. */
export async function storeDeliveries(
  events: Pick<EventRecords, "record"> & Pick<DeliveryLedger, "claim" | "close">,
  { component, source, records, from, everyMs }: Stored,
): Promise<{ from: Date; to: Date }> {
  for (let first = 0; first < records; first += PAGE) {
    const stored = { component, source, records, from, everyMs };
    const page = Array.from({ length: Math.min(PAGE, records - first) }, (_, n) => storedRecord(stored, first + n));
    const claims = page.map((record) => claimOf(record, component));
    await Promise.all([events.record(page), events.claim(claims, "bench", from)]);
    const closed = await events.close(claims.map(({ deliveryKey }) => ({ ...DONE_AT_ONCE, deliveryKey, at: from })));
    if (closed.includes(false)) throw new Error("a delivery could not be closed");
  }
  return { from, to: new Date(from.getTime() + records * everyMs) };
}

/** Every hundredth of the stored deliveries failed at first, as far as failures go. */
export async function failSome(
  events: Pick<DeliveryCounts, "count">,
  { component, source, records, from, everyMs }: Stored,
): Promise<void> {
  const failures = Array.from({ length: records / FAILED }, (_, n): Failure => {
    const at = new Date(from.getTime() + n * FAILED * everyMs);
    const eventId = `${source}-${at.getTime()}`;
    const deliveryKey = deliveryKeyOf(component, eventKeyOf(source, "tick", eventId), LIVE);
    const route = { version: "1", alias: "stable", because: "default alias" } as const;
    const said = { errorType: "Error", message: "it broke", requestId: eventId };
    const subject = { project: `project-${(n * FAILED) % PROJECTS}` };
    return { at, deliveryKey, eventId, component, type: "tick", subject, ...route, ...said };
  });
  await events.count({ spans: [], failures }, "bench");
}

function recordOf(t0: Date, project: string, component: string, source: string): EventRecord {
  const id = `${source}-${t0.getTime()}`;
  return {
    t0,
    eventKey: eventKeyOf(source, "tick", id),
    payloadHash: sha256(id),
    messageId: id,
    id,
    source,
    detailType: "tick",
    time: t0.toISOString(),
    idempotencyKey: id,
    subject: { project },
    components: [component],
    body: bodyOf(id, t0, project, source),
    expiresAt: new Date(t0.getTime() + 30 * 86_400_000),
  };
}

/** Filled up with lines that compress about as well as real ones do. */
function bodyOf(id: string, t0: Date, project: string, source: string): string {
  const lines: object[] = [];
  const detail = { metadata: { project }, lines };
  const event = { version: "0", id, source, "detail-type": "tick", time: t0.toISOString(), detail };
  const skus = randomBytes(96).toString("hex");
  let left = BODY_BYTES - JSON.stringify(event).length;
  for (let n = 0; left > 0 && n < 16; n++) {
    const line = { sku: skus.slice(n * 12, n * 12 + 12), quantity: 1 + (n % 9), price: "19.90", tax: 7 };
    left -= JSON.stringify(line).length + 1;
    lines.push(line);
  }
  return JSON.stringify(event);
}

export function claimOf({ t0, eventKey, payloadHash, expiresAt }: EventRecord, component: string): ClaimRequest {
  return {
    deliveryKey: deliveryKeyOf(component, eventKey, LIVE),
    component,
    eventKey,
    generation: LIVE,
    payloadHash,
    t0,
    alias: "stable",
    because: "default alias",
    routingRevision: 1,
    leaseMs: 35_000,
    expiresAt,
  };
}
