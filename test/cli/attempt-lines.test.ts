import { describe, expect, it } from "vitest";
import { attemptLines } from "../../scripts/commands/events/attempt-lines.ts";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst, REMEMBERED_ATTEMPTS } from "../../shared/domain/deliveries/ledger-rules.ts";
import { ARRIVED, anEntry } from "../support/stored-events.ts";

const MINUTE_MS = 60_000;

/** The entry after attempts that ended so, one a minute. */
function entryAfter(...outcomes: ("failed" | "postponed")[]): LedgerEntry {
  const request = { ...anEntry(), leaseMs: 1_000 };
  return outcomes.reduce<LedgerEntry | undefined>((entry, outcome, index) => {
    const at = new Date(ARRIVED.getTime() + index * MINUTE_MS);
    const { entry: claimed } = claimAgainst(entry, request, `owner-${index}`, at);
    const error = { type: outcome === "failed" ? "Broken" : "NoRoom", message: "a test" };
    return closeAgainst(claimed, { ...anEntry(), attempt: index + 1, at, outcome, error, nextAttemptAt: at } as const);
  }, undefined) as LedgerEntry;
}

/** Their numbers, and what stands between them. */
function numbered(entry: LedgerEntry): string[] {
  return attemptLines(entry).map((line) => (line.startsWith("…") ? line : (line.split(" ")[0] ?? "")));
}

describe("the attempts of a delivery", () => {
  it("are listed without a mark where all are remembered", () => {
    expect(numbered(entryAfter("failed", "postponed", "failed"))).toEqual(["1", "2", "3"]);
    expect(attemptLines(anEntry())).toEqual([]);
  });

  it("are marked where some in a row were put off, of which the ledger remembers the last", () => {
    const entry = entryAfter("postponed", "postponed", "failed", "postponed", "postponed", "postponed", "failed");
    expect(numbered(entry)).toEqual([
      "… 1 more that was put off, or forgotten",
      "2",
      "3",
      "… 2 more that were put off, or forgotten",
      "6",
      "7",
    ]);
  });

  it("are marked where there were more than the ledger remembers", () => {
    const lines = numbered(entryAfter(...Array.from({ length: REMEMBERED_ATTEMPTS + 3 }, () => "failed" as const)));
    expect(lines).toEqual(["1", "… 3 more that were put off, or forgotten", "5", "6", "7", "8", "9", "10", "11"]);
  });
});
