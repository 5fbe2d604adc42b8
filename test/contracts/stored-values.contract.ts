import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClaimRequest, Close, EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf, eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { claimAgainst, closeAgainst } from "../../shared/domain/deliveries/ledger-rules.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import { becauses } from "../../shared/domain/routing/decide-route.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { anyText, storedNumbers, wellFormedText } from "../support/any-text.ts";

type Stores = { store: EventStore; another: () => Promise<EventStore> };

const NOW = new Date("2026-11-20T10:00:00.000Z");
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>;
const all = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
/** Within what DynamoDB's keys have room for. */
const instant = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true });
const later = fc.date({ min: new Date("2027-01-01"), max: new Date("2200-01-01"), noInvalidDate: true });
const component = fc.constantFrom("a", "mailer", "release-coordinator", "x".repeat(64));
const whole = fc.constantFrom(0, 1, 7, 2 ** 31, Number.MAX_SAFE_INTEGER);

/** A record as a router makes it: of the event's own words, whatever they are. */
const anyRecord: fc.Arbitrary<EventRecord> = fc
  .tuple(
    all({
      t0: instant,
      messageId: anyText,
      id: anyText,
      source: anyText,
      detailType: anyText,
      time: anyText,
      idempotencyKey: anyText,
      subject: some({ project: anyText, customer: anyText, plan: anyText, user: anyText }),
      components: fc.uniqueArray(component),
      // Queues carry bytes.
      body: fc.oneof(
        wellFormedText,
        fc.tuple(wellFormedText, fc.nat(9_000)).map(([text, n]) => text.repeat(n)),
      ),
      expiresAt: later,
    }),
    some({ sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), rejected: anyText }),
  )
  .map(([known, more]) => {
    const { source, detailType, idempotencyKey, body } = known;
    // A key of its own: what a shrunk case stores must not meet what a longer one has left behind.
    const eventKey = eventKeyOf(source, detailType, `${idempotencyKey}${randomUUID()}`);
    return { ...known, ...more, eventKey, payloadHash: sha256(body) };
  });

const anyError = all({ type: anyText, message: anyText });
const anyDuration = fc.oneof(fc.double({ min: 0, max: 900_000, noNaN: true }), fc.constantFrom(...storedNumbers));

const anyRequest: fc.Arbitrary<Omit<ClaimRequest, "eventKey" | "deliveryKey">> = all({
  component,
  generation: fc.constantFrom("live", "replay-1", "x".repeat(64)),
  payloadHash: anyText.map(sha256),
  t0: instant,
  alias: fc.constantFrom("stable", "__proto__", "x".repeat(64)),
  because: fc.constantFrom(...becauses),
  routingRevision: whole,
  leaseMs: fc.constantFrom(1, 840_000),
  expiresAt: later,
});

type AnyClose = Omit<Close, "deliveryKey" | "attempt">;
const anyClose: fc.Arbitrary<AnyClose> = fc
  .tuple(
    fc.oneof(
      fc.constant({ outcome: "done" as const }),
      all({ outcome: fc.constant("dead" as const), error: anyError }),
      all({
        outcome: fc.constantFrom("failed" as const, "postponed" as const),
        error: anyError,
        nextAttemptAt: instant,
      }),
      all({ outcome: fc.constant("accepted" as const), nextAttemptAt: instant, dueAt: instant }),
    ),
    some({ executedVersion: anyText.filter((text) => text !== ""), durationMs: anyDuration }),
  )
  .map(([close, more]) => ({ ...close, ...more, at: NOW }) as AnyClose);

/** The part of the event store's contract that says: what was written is what is read, whatever it is. */
export function describeStoredValues(
  name: string,
  openStore: () => Promise<Stores>,
  runs: (usual: number) => { numRuns: number },
): void {
  describe(`what an event store holds (${name})`, () => {
    test("is the record that was written, whatever its words are", async () => {
      const { store, another } = await openStore();
      const other = await another();
      await fc.assert(
        fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 4 }), async (records) => {
          await store.record(records);
          expect(await other.find(records)).toStrictEqual(records);
        }),
        runs(200),
      );
    });

    test("is the ledger entry that its rules make, whatever attempts and errors say", async () => {
      const { store, another } = await openStore();
      const other = await another();
      await fc.assert(
        fc.asyncProperty(anyRequest, wellFormedText, anyClose, async (any, owner, close) => {
          // A key of its own, also while a failing case is made shorter.
          const eventKey = eventKeyOf("shop", "", randomUUID());
          const request = { ...any, eventKey, deliveryKey: deliveryKeyOf(any.component, eventKey, any.generation) };
          const claimed = claimAgainst(undefined, request, owner, NOW).entry;
          expect(await store.claim([request], owner, NOW)).toMatchObject([{ won: true, attempt: 1 }]);
          expect(await other.deliveries([request.deliveryKey])).toStrictEqual([claimed]);
          const closing = { ...close, deliveryKey: request.deliveryKey, attempt: 1 } as Close;
          expect(await other.close([closing])).toEqual([true]);
          expect(await store.deliveries([request.deliveryKey])).toStrictEqual([closeAgainst(claimed, closing)]);
        }),
        runs(300),
      );
    });
  });
}
