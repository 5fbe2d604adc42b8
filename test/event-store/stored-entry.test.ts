import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { isUnreadable } from "../../shared/domain/deliveries/unreadable-entry.ts";
import { entryIn, entryText } from "../../shared/event-store/stored-entry.ts";
import { anyEntry } from "../support/any-entry.ts";

function rowOf(entry: LedgerEntry, text = entryText(entry)) {
  const { deliveryKey, status, dueAt, expiresAt } = entry;
  return {
    delivery_key: deliveryKey,
    status,
    entry: text,
    due_at: dueAt?.getTime() ?? null,
    expires_at: expiresAt.getTime(),
  };
}

const done: LedgerEntry = {
  deliveryKey: `mailer#${"e".repeat(64)}#live`,
  component: "mailer",
  eventKey: "e".repeat(64),
  generation: "live",
  status: "done",
  attempt: 2,
  failures: 1,
  lapses: 0,
  since: new Date(1_000),
  owner: "ada",
  leaseUntil: new Date(6_000),
  payloadHash: "a".repeat(64),
  t0: new Date(900),
  alias: "beta",
  because: "customer pin",
  routingRevision: 42,
  executedVersion: "7",
  closedAt: new Date(1_500),
  attempts: [
    { attempt: 1, at: new Date(1_200), outcome: "failed", error: { type: "Timeout", message: "too long" } },
    { attempt: 2, at: new Date(1_500), outcome: "done", version: "7", durationMs: 12.5 },
  ],
  expiresAt: new Date(9_000),
};

describe("a ledger entry in the state file", () => {
  it("comes back as it was", () => {
    fc.assert(fc.property(anyEntry, (entry) => void expect(entryIn(rowOf(entry))).toStrictEqual(entry)));
  });

  it("keeps this form for ever", () => {
    expect(entryText(done)).toBe(
      `["live","${"a".repeat(64)}",2,1,0,1000,"ada",6000,900,"beta","customer pin",42,null,"7",null,1500,null,` +
        '[1,1200,"failed",null,null,"Timeout","too long"],[2,1500,"done","7",12.5]]',
    );
  });

  it("can be read in the form that it had at first", () => {
    fc.assert(
      fc.property(anyEntry, (entry) => void expect(entryIn(rowOf(entry, JSON.stringify(entry)))).toStrictEqual(entry)),
    );
  });

  it("that is damaged costs itself alone", () => {
    const texts = ["", "no JSON", "null", "[]", "{}", '["live"]', JSON.stringify({ ...done, deliveryKey: "b#c#live" })];
    const cut = Array.from({ length: entryText(done).length }, (_, length) => entryText(done).slice(0, length));
    for (const text of [...texts, ...cut]) {
      const read = entryIn(rowOf(done, text));
      expect([text, isUnreadable(read), read.deliveryKey]).toEqual([text, true, done.deliveryKey]);
    }
  });

  it("of any JSON is read or said to be unreadable", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(entryIn(rowOf(done, text)).deliveryKey).toBe(done.deliveryKey);
      }),
    );
  });
});
