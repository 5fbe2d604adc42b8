import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import {
  isOf,
  isUnreadable,
  isUnreadableRecord,
  isWhole,
  unreadableEntry,
  unreadableRecord,
} from "../../../shared/domain/deliveries/unreadable-entry.ts";
import { ARRIVED, anEntry, aRecord } from "../../support/stored-events.ts";

const attempt = { attempt: 1, at: ARRIVED, outcome: "done" } as const;
const error = { type: "Broken", message: "it broke" };
const whole = anEntry({ attempts: [attempt] });
const never = new Date(Number.NaN);

/** The entry with something in it that its type doesn't allow. */
const damaged = (about: object) => ({ ...whole, ...about }) as LedgerEntry;

describe("a ledger entry that was read", () => {
  it.each([
    {},
    { replay: "replay-1", executedVersion: "7", error, nextAttemptAt: ARRIVED, dueAt: ARRIVED, closedAt: ARRIVED },
    { attempts: [] },
    { attempts: [attempt, { ...attempt, version: "7", durationMs: 0.5, error }] },
  ])("is whole with %j", (about) => {
    expect(isWhole(damaged(about))).toBe(true);
  });

  const names = ["component", "eventKey", "generation", "owner", "payloadHash", "alias", "because"];
  const counts = ["attempt", "failures", "lapses", "routingRevision"];
  const times = ["since", "t0", "leaseUntil", "expiresAt", "nextAttemptAt", "dueAt", "closedAt"];
  it.each<object>([
    { status: "lost" },
    ...names.map((name) => ({ [name]: 7 })),
    ...names.map((name) => ({ [name]: undefined })),
    ...["replay", "executedVersion"].map((name) => ({ [name]: null })),
    ...counts.map((name) => ({ [name]: 0.5 })),
    ...times.map((name) => ({ [name]: never })),
    { error: { type: "Broken", message: 7 } },
    { error: { type: 7, message: "it broke" } },
    { attempts: [attempt, { ...attempt, attempt: 1.5 }] },
    { attempts: [{ ...attempt, at: never }, attempt] },
    { attempts: [{ ...attempt, outcome: 7 }] },
    { attempts: [{ ...attempt, version: 7 }] },
    { attempts: [{ ...attempt, durationMs: "5" }] },
    { attempts: [{ ...attempt, error: { type: "Broken" } }] },
  ])("isn't whole with %o", (about) => {
    expect(isWhole(damaged(about))).toBe(false);
  });
});

describe("what stands in for an entry that can't be read", () => {
  it("is dead, says why, and knows what its key says and nothing else", () => {
    const entry = unreadableEntry("mailer#key#replay#7", "not JSON", ARRIVED);
    const unknown = new Date(0);
    expect(entry).toEqual({
      ...{ deliveryKey: "mailer#key#replay#7", component: "mailer", eventKey: "key", generation: "replay#7" },
      ...{ status: "dead", attempt: 0, failures: 0, lapses: 0, routingRevision: 0, attempts: [] },
      ...{ since: unknown, leaseUntil: unknown, t0: unknown, closedAt: unknown, expiresAt: ARRIVED },
      ...{ owner: "", payloadHash: "", alias: "unknown", because: "default alias" },
      error: { type: "EntryUnreadable", message: "the ledger's entry can't be read: not JSON" },
    });
    expect(isWhole(entry)).toBe(true);
    expect([isUnreadable(entry), isUnreadable(whole), isUnreadable({ error })]).toEqual([true, false, false]);
  });

  it("counts for every record of its key, and any other one for its own alone", () => {
    const record = aRecord();
    const later = aRecord({ t0: new Date(ARRIVED.getTime() + 1) });
    const other = aRecord({ payloadHash: "other" });
    expect([record, later, other].map((one) => isOf(whole, one))).toEqual([true, false, false]);
    const entry = unreadableEntry("mailer#key#live", "not JSON", ARRIVED);
    expect([record, later, other].map((one) => isOf(entry, one))).toEqual([true, true, true]);
  });
});

it("what stands in for a record whose facts can't be read is rejected, at its place, and nobody's", () => {
  const place = { t0: ARRIVED, sequence: 2, eventKey: "key", payloadHash: "hash", expiresAt: ARRIVED };
  const record = unreadableRecord(place, "not JSON");
  expect(record).toEqual({
    ...{ ...place, id: "key", messageId: "", source: "", detailType: "", time: "", idempotencyKey: "" },
    ...{ subject: {}, components: [], rejected: "not JSON" },
  });
  expect([isUnreadableRecord(record), isUnreadableRecord(aRecord())]).toEqual([true, false]);
});
