import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";

export type OpenWithBodies = {
  store: EventStore;
  /** Keys of the bodies that stand beside the store. */
  keys: () => string[];
  /** Does something to one of them behind the store's back: undefined takes it away. */
  change: (key: string, to: (bytes: Buffer) => Buffer | undefined) => void;
  close: () => Promise<void>;
};

const NOW = new Date("2026-11-21T10:00:00.000Z");
const at = (ms: number) => new Date(NOW.getTime() - 3_600_000 + ms);
const WINDOW = { from: at(0), to: at(1_000) };

const damages: [what: string, change: (bytes: Buffer) => Buffer | undefined][] = [
  ["is gone", () => undefined],
  ["was cut off", (bytes) => bytes.subarray(0, bytes.length - 100)],
  ["is empty", () => Buffer.alloc(0)],
  ["has one flipped bit", (bytes) => flipped(bytes, Math.floor(bytes.length / 2))],
  ["is another text", () => Buffer.from("<html>404</html>")],
];

/** What every event store makes of large bodies that are lost or damaged. Each test has an empty one. */
export function describeLostBodies(name: string, open: () => Promise<OpenWithBodies>): void {
  describe(`an event store's lost bodies (${name})`, () => {
    test.each(damages)("cost nobody else anything: one that %s", async (_what, damage) => {
      const { store, keys, change, close } = await open();
      onTestFinished(close);
      const lost = aRecord(2, { body: randomBytes(400_000).toString("base64") });
      await store.record([lost]);
      const [key = ""] = keys();
      const kept = [aRecord(1), aRecord(3, { body: randomBytes(400_000).toString("base64") }), aRecord(4)];
      await store.record(kept);
      change(key, damage);

      const told = {
        ...brief(lost),
        body: brief({ ...lost, body: "" }).body,
        unavailable: expect.stringMatching(/body/),
      };
      const [first, ...others] = kept.map(brief);
      const pages = await Array.fromAsync(store.records(WINDOW, NOW, 2));
      expect(pages.flat().map(brief)).toEqual([first, told, ...others]);
      const found = await store.find([lost, ...kept]);
      expect(found.map((record) => record && brief(record))).toEqual([told, first, ...others]);
    });

    test("are whole again when the message that brought them is recorded again", async () => {
      const { store, keys, change, close } = await open();
      onTestFinished(close);
      const record = aRecord(1, { body: randomBytes(400_000).toString("base64") });
      await store.record([record]);
      change(keys()[0] ?? "", () => undefined);
      await store.record([record]);
      const found = await store.find([record]);
      expect(found.map((one) => one && brief(one))).toEqual([brief(record)]);
    });
  });
}

/** The record with its body's hash: half a megabyte tells nobody anything. */
function brief(record: EventRecord): EventRecord {
  return { ...record, body: sha256(record.body) };
}

function flipped(bytes: Buffer, index: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[index] = (changed[index] ?? 0) ^ 1;
  return changed;
}

function aRecord(ms: number, about: Partial<EventRecord> = {}): EventRecord {
  const idempotencyKey = randomUUID();
  return {
    t0: at(ms),
    eventKey: eventKeyOf("shop", "order placed", idempotencyKey),
    payloadHash: sha256(about.body ?? "{}"),
    messageId: randomUUID(),
    id: idempotencyKey,
    source: "shop",
    detailType: "order placed",
    time: "2026-11-21T09:00:00Z",
    idempotencyKey,
    subject: { project: "acme/site", customer: "acme" },
    components: ["release-coordinator"],
    body: "{}",
    expiresAt: new Date(NOW.getTime() + 86_400_000),
    ...about,
  };
}
