import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Attempt, deliveryStatuses, type LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { isUnreadable } from "../../shared/domain/deliveries/unreadable-entry.ts";
import { decodeEntry, encodeEntry, entryKey } from "../../shared/event-store/entry-codec.ts";
import { entryIn, entryText } from "../../shared/event-store/stored-entry.ts";
import { anyEntry } from "../support/any-entry.ts";

/** What takes the place of something that was stored. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(null, true, "", "x", -1, 0.5, 1e308, [], [[]], {}, { a: 1 }, ["x"], [null, null]),
  fc.jsonValue({ maxDepth: 2 }),
);

/** An entry as an adapter may be asked for it, whatever is stored of it. */
function expectUsable(entry: LedgerEntry, deliveryKey: string): void {
  const { since, t0, leaseUntil, expiresAt, dueAt, nextAttemptAt, closedAt, attempts, error } = entry;
  const times = [since, t0, leaseUntil, expiresAt, dueAt, nextAttemptAt, closedAt, ...attempts.map(({ at }) => at)];
  for (const at of times) if (at !== undefined) expect(() => at.toISOString()).not.toThrow();
  const { component, eventKey, generation, owner, payloadHash, alias, because, replay, executedVersion } = entry;
  for (const text of [component, eventKey, generation, owner, payloadHash, alias, because])
    expect(text).toBeTypeOf("string");
  for (const text of [replay, executedVersion, error?.type, error?.message])
    expect(["string", "undefined"]).toContain(typeof text);
  for (const count of [entry.attempt, entry.failures, entry.lapses, entry.routingRevision])
    expect(Number.isInteger(count)).toBe(true);
  expect(deliveryStatuses).toContain(entry.status);
  for (const attempt of attempts) expectUsableAttempt(attempt);
  expect(entry.deliveryKey).toBe(deliveryKey);
}

function expectUsableAttempt({ attempt, outcome, version, durationMs, error }: Attempt): void {
  expect(Number.isInteger(attempt)).toBe(true);
  expect(outcome).toBeTypeOf("string");
  for (const text of [version, error?.type, error?.message]) expect(["string", "undefined"]).toContain(typeof text);
  expect(["number", "undefined"]).toContain(typeof durationMs);
}

/** The array with another value at that place, or without it and all behind. */
function changed(stored: readonly unknown[], place: number, to: unknown, cut: boolean): unknown[] {
  const at = place % stored.length;
  return cut ? stored.slice(0, at) : stored.map((value, n) => (n === at ? to : value));
}

describe("a ledger entry of which anything was changed where it is stored", () => {
  it("is usable as it is read from the state file, or known as unreadable", () => {
    fc.assert(
      fc.property(anyEntry, fc.nat(), anything, fc.boolean(), (entry, place, to, cut) => {
        const { deliveryKey, status, dueAt, expiresAt } = entry;
        const text = JSON.stringify(changed(JSON.parse(entryText(entry)), place, to, cut));
        const row = {
          delivery_key: deliveryKey,
          status,
          due_at: dueAt?.getTime() ?? null,
          expires_at: expiresAt.getTime(),
        };
        expectUsable(entryIn({ ...row, entry: text }), deliveryKey);
      }),
      { numRuns: 300 },
    );
  });

  it("is usable as it is read from DynamoDB, or known as unreadable", () => {
    const names = ["s", "a", "o", "h", "d", "r", "expires"] as const;
    fc.assert(
      fc.property(anyEntry, fc.nat(), anything, fc.boolean(), (entry, place, to, cut) => {
        const item = { ...entryKey(entry.deliveryKey), ...encodeEntry(entry) };
        const attribute = names[place % (3 * names.length)];
        if (attribute !== undefined)
          return expectUsable(decodeEntry({ ...item, [attribute]: cut ? undefined : to }), entry.deliveryKey);
        if (typeof item.e !== "string") return;
        const e = JSON.stringify(changed(JSON.parse(item.e), place, to, cut));
        expectUsable(decodeEntry({ ...item, e }), entry.deliveryKey);
      }),
      { numRuns: 300 },
    );
  });

  it("is known as unreadable where a time is none", () => {
    const sound = fc.sample(anyEntry, { numRuns: 1, seed: 1 })[0] as LedgerEntry;
    const item = { ...entryKey(sound.deliveryKey), ...encodeEntry(sound), d: "then" };
    expect(isUnreadable(decodeEntry(item))).toBe(true);
  });
});
