import { describe, expect, it } from "vitest";
import type { EventRecord, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { outcomeFilter, outcomesOf } from "../../../shared/domain/deliveries/event-outcome.ts";

const T0 = new Date("2026-11-20T10:00:00.000Z");
const later = new Date("2026-11-20T10:00:01.000Z");

function aRecord(about: Partial<EventRecord> = {}): EventRecord {
  return {
    t0: T0,
    eventKey: "key",
    payloadHash: "hash",
    messageId: "m",
    id: "e",
    source: "shop",
    detailType: "order placed",
    time: "2026-11-20T10:00:00Z",
    idempotencyKey: "e",
    subject: { customer: "acme" },
    components: ["mailer"],
    body: "{}",
    expiresAt: new Date("2027-01-01T00:00:00.000Z"),
    ...about,
  };
}

function anEntry(about: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    deliveryKey: "mailer#key#live",
    component: "mailer",
    eventKey: "key",
    generation: "live",
    status: "done",
    attempt: 2,
    failures: 1,
    lapses: 0,
    since: T0,
    expiresAt: new Date("2027-01-01T00:00:00.000Z"),
    owner: "o",
    leaseUntil: T0,
    payloadHash: "hash",
    t0: T0,
    alias: "beta",
    because: "customer pin",
    routingRevision: 3,
    executedVersion: "24",
    attempts: [
      { attempt: 1, at: T0, outcome: "failed", version: "23" },
      { attempt: 2, at: T0, outcome: "done", version: "24" },
    ],
    ...about,
  };
}

const statuses = (record: EventRecord, entries: LedgerEntry[]) =>
  outcomesOf(record, entries).map(({ component, status }) => `${component ?? "-"} ${status}`);

describe("what became of an event", () => {
  it.each<[string, Partial<EventRecord>, Partial<LedgerEntry>[], string[]]>([
    ["its delivery's status", {}, [{}], ["mailer done"]],
    ["one outcome per component", { components: ["mailer", "biller"] }, [{}], ["mailer done", "biller waiting"]],
    ["waiting before it is claimed", {}, [], ["mailer waiting"]],
    ["unmatched when nobody listens", { components: [] }, [], ["- unmatched"]],
    [
      "rejected of a component that a replay found in it, until it is claimed",
      { rejected: "no" },
      [],
      ["mailer rejected"],
    ],
    ["rejected when it can't be read", { components: [], rejected: "not JSON" }, [], ["- rejected"]],
    ["duplicate when another record counts", { t0: later }, [{}], ["mailer duplicate"]],
    ["a component that began to listen between two attempts", { components: [] }, [{}], ["mailer done"]],
    [
      "nothing of a component that listened only to the first of two",
      { t0: later, components: [] },
      [{}],
      ["- unmatched"],
    ],
    [
      "waiting at a component that another payload of its key was refused by",
      { payloadHash: "other", t0: later },
      [{}],
      ["mailer waiting"],
    ],
    ["one outcome per generation", {}, [{}, { generation: "r-1", status: "failed" }], ["mailer done", "mailer failed"]],
    [
      "rejected for another payload under the same key",
      { payloadHash: "other", t0: later },
      [{}, { payloadHash: "other", t0: later, status: "rejected" }],
      ["mailer rejected"],
    ],
    [
      "done for the first payload, whatever came later",
      {},
      [{}, { payloadHash: "other", status: "rejected" }],
      ["mailer done"],
    ],
  ])("is %s", (_, record, entries, expected) => {
    expect(statuses(aRecord(record), entries.map(anEntry))).toEqual(expected);
  });
});

describe("a filter", () => {
  const [outcome] = outcomesOf(aRecord(), [anEntry()]);

  it.each([
    {},
    { component: "mailer", customer: "acme", alias: "beta", status: "done" as const },
    { executedVersion: "23" },
  ])("lets through what it asks for: %j", (filter) => {
    expect(outcome !== undefined && outcomeFilter(filter)(outcome, () => false)).toBe(true);
  });

  it.each([{ component: "biller" }, { project: "acme" }, { executedVersion: "2" }, { status: "failed" as const }])(
    "holds back the rest: %j",
    (filter) => {
      expect(outcome !== undefined && outcomeFilter(filter)(outcome, () => false)).toBe(false);
    },
  );
});
