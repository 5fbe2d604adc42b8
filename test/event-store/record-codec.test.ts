import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { ONE_SHARD } from "../../shared/domain/deliveries/shard-schedule.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import { itemBytes } from "../../shared/event-store/entry-codec.ts";
import { recordBytes, recordItem, recordKey, recordOf } from "../../shared/event-store/record-codec.ts";
import { anEvent, bodyOf } from "../support/builders.ts";

const t0 = new Date("2026-11-20T10:00:59.999Z");

function aRecord(about: Partial<EventRecord> = {}): EventRecord {
  const event = anEvent({
    id: randomUUID(),
    detail: {
      order: randomUUID(),
      lines: Array.from({ length: 9 }, (_, n) => ({ sku: `SKU-${n * 7_919}`, quantity: n, price: n * 12.25 + 0.5 })),
      address: { street: "Havnegade 12", city: "Ærøskøbing", country: "Denmark", phone: "+45 62 52 10 04" },
      note: "Please leave it with the neighbour if nobody opens; the bell does not work.",
    },
    idempotencyKey: randomUUID(),
    customer: "acme",
    project: "acme/site",
    metadata: { traceparent: `00-${randomUUID().replaceAll("-", "")}-b7ad6b7169203331-01` },
  });
  const body = bodyOf(event);
  return {
    t0,
    eventKey: eventKeyOf(event.source, event["detail-type"], event.id),
    payloadHash: sha256(body),
    messageId: randomUUID(),
    id: event.id,
    source: event.source,
    detailType: event["detail-type"],
    time: event.time,
    idempotencyKey: randomUUID(),
    subject: { project: "acme/site", customer: "acme", plan: "paid" },
    components: ["release-coordinator", "billing-invoices"],
    body,
    expiresAt: new Date("2026-12-20T10:00:59.999Z"),
    ...about,
  };
}

function itemOf(record: EventRecord) {
  return recordItem(recordKey(record, ONE_SHARD), record, { e: recordBytes(record) });
}

describe("a record as an item", () => {
  it("keeps its key for ever", () => {
    const record = { t0, eventKey: sha256("event"), payloadHash: sha256("payload") };
    expect(recordKey(record, ONE_SHARD)).toEqual({
      pk: "r#2026-11-20T10:00#0",
      sk: `01795168859999#${hash("event")}#${hash("payload")}`,
    });
    const eight = [{ from: new Date(0), shards: 8 }];
    const shards = Array.from({ length: 6 }, (_, n) =>
      recordKey({ ...record, eventKey: sha256(`${n}`) }, eight).pk.at(-1),
    );
    expect(shards).toEqual(["6", "3", "2", "6", "1", "6"]);
  });

  it("a record of an event of 1 KB takes one write unit, whole", () => {
    for (let n = 0; n < 50; n++) {
      const record = aRecord();
      expect(Buffer.byteLength(record.body)).toBeGreaterThan(950);
      expect(itemBytes(itemOf(record))).toBeLessThanOrEqual(1_024);
    }
  });

  it("has its place among those of its moment, and none where it isn't known", () => {
    const placed = aRecord({ sequence: 3 });
    expect(itemOf(placed)).toMatchObject({ q: 3 });
    expect(recordOf(itemOf(placed), recordBytes(placed))).toStrictEqual({ ok: true, value: placed });
    expect(itemOf(aRecord())).not.toHaveProperty("q");
  });

  it("is left as it is where compression makes it no smaller", () => {
    const few = { id: "1", messageId: "2", idempotencyKey: "3", source: "4", detailType: "5", body: "{}" };
    const record = aRecord({ ...few, components: [], subject: {} });
    expect(Buffer.from(recordBytes(record)).toString()).toContain('["2","1","4","5",');
    expect(recordOf(recordKey(record, ONE_SHARD), recordBytes(record))).toStrictEqual({ ok: true, value: record });
  });

  it("fails for a key that is no hash, instead of storing it under another", () => {
    expect(() => recordKey({ t0, eventKey: "a", payloadHash: sha256("") }, ONE_SHARD)).toThrow(/'a' is not a SHA-256/);
  });
});

function hash(text: string): string {
  return Buffer.from(sha256(text), "hex").toString("base64url");
}
