import fc from "fast-check";
import { expect, it } from "vitest";
import type { Claim, Close, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { attemptKind, firstAttemptIn, isMissing } from "../../../shared/domain/health/first-attempt.ts";
import { aClaimRequest } from "../../support/builders.ts";
import { anEntry } from "../../support/stored-events.ts";

const START = Date.parse("2026-11-20T10:00:00.000Z");
const error = { type: "Broken", message: "it broke" };
const HOUR = 3_600_000;

type Step = { outcome: Close["outcome"] | "lapse" | "reopen"; runs: boolean };

/** One delivery through its attempts: which was counted as the first, and what the ledger then has. */
function through(steps: readonly Step[]): { counted: Close[]; entry: LedgerEntry | undefined } {
  const counted: Close[] = [];
  let entry: LedgerEntry | undefined;
  for (const [n, { outcome, runs }] of steps.entries()) {
    const now = new Date(START + n * HOUR);
    const request = { ...aClaimRequest(), ...(outcome === "reopen" && { reopenedBy: `replay-${n}` }) };
    const claimed: { claim: Claim; entry: LedgerEntry | undefined } = claimAgainst(entry, request, `owner-${n}`, now);
    if (!claimed.claim.won || claimed.entry === undefined) continue;
    entry = claimed.entry;
    if (outcome === "lapse") continue;
    const ran = runs ? { executedVersion: "7", durationMs: 5 } : {};
    const base = { deliveryKey: request.deliveryKey, attempt: entry.attempt, at: now };
    const close = closeOf(outcome === "reopen" ? "failed" : outcome, base, ran);
    entry = closeAgainst(entry, close) ?? entry;
    if (attemptKind(request.generation, claimed.claim, close) === "first") counted.push(close);
  }
  return { counted, entry };
}

function closeOf(outcome: Close["outcome"], base: Pick<Close, "deliveryKey" | "attempt" | "at">, ran: object): Close {
  if (outcome === "done") return { ...base, executedVersion: "7", durationMs: 5, outcome };
  if (outcome === "dead") return { ...base, ...ran, outcome, error };
  const next = { nextAttemptAt: new Date(base.at.getTime() + 1_000) };
  if (outcome === "accepted") return { ...base, outcome, ...next };
  if (outcome === "postponed") return { ...base, outcome, error, ...next };
  return { ...base, ...ran, outcome, error, ...next };
}

const step = fc.record({
  outcome: fc.constantFrom<Step["outcome"][]>("done", "dead", "failed", "postponed", "accepted", "lapse", "reopen"),
  runs: fc.boolean(),
});

it("a delivery's first attempt is counted once at most, and is the one that its ledger entry has", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 16 }), (all) => {
      // Which replay a delivery was begun anew for isn't told of those before the last one.
      const again = all.findIndex(({ outcome }) => outcome === "reopen");
      const steps = all.filter(({ outcome }, n) => outcome !== "reopen" || n === again);
      const { counted, entry } = through(steps);
      const found = entry === undefined ? undefined : firstAttemptIn(entry);
      expect(counted.length).toBeLessThanOrEqual(1);
      expect(counted.map(({ at, outcome }) => ({ at, outcome }))).toEqual(
        found === undefined ? [] : [{ at: found.at, outcome: found.outcome }],
      );
    }),
    { numRuns: 1_000 },
  );
});

it("what was put off has run nothing, and what a retry or a replay runs is no first attempt", () => {
  expect(
    through([
      { outcome: "postponed", runs: false },
      { outcome: "failed", runs: true },
    ]).counted,
  ).toHaveLength(1);
  expect(
    through([
      { outcome: "lapse", runs: false },
      { outcome: "done", runs: true },
    ]).counted,
  ).toEqual([]);
  const close = closeOf("done", { deliveryKey: "d", attempt: 1, at: new Date(START) }, {});
  expect(attemptKind("replay-1", { failures: 0, lapses: 0 }, close)).toBe("replayed");
  expect(attemptKind("live", { failures: 0, lapses: 0, replay: "replay-1" }, close)).toBe("replayed");
  expect(attemptKind("live", { failures: 1, lapses: 0 }, close)).toBe("retry");
});

it("an attempt that the delivery is dead after has run where its version or how long it took is known, or else was given up", () => {
  const kind = (ran: object) => attemptKind("live", { failures: 0, lapses: 0 }, { outcome: "dead", ...ran });
  expect(kind({})).toBeUndefined();
  expect([kind({ executedVersion: "7" }), kind({ durationMs: 5 })]).toEqual(["first", "first"]);
});

it("an outcome is missing once its deadline has passed, or where it was to come long before, and not while that can't be told", () => {
  const attempt = (outcome: LedgerEntry["attempts"][number]["outcome"], ms = 0) => {
    return { attempt: 1, at: new Date(START + ms), outcome };
  };
  const missing = (attempts: LedgerEntry["attempts"], about: Partial<LedgerEntry> = {}) =>
    isMissing(anEntry({ attempts, since: new Date(START), ...about }), new Date(START + 1_000));
  expect(missing([attempt("outcome missing")])).toBe(true);
  expect(missing([attempt("accepted", 1_000)])).toBe(true);
  expect(missing([attempt("accepted", 1_001)])).toBeUndefined();
  expect(missing([attempt("postponed"), attempt("accepted", 1_000)])).toBe(true);
  expect(missing([attempt("done")])).toBe(false);
  expect(missing([attempt("failed"), attempt("outcome missing")])).toBe(false);
  expect(missing([attempt("lease lapsed")])).toBeUndefined();
  expect(missing([attempt("postponed")])).toBeUndefined();
  expect(missing([attempt("outcome missing")], { generation: "replay-1" })).toBeUndefined();
  expect(missing([attempt("outcome missing")], { replay: "replay-1" })).toBeUndefined();
  expect(missing([attempt("outcome missing", -1)], { replay: "replay-1" })).toBe(true);
});

it("a first attempt is told as it was counted, and none of what has no outcome, or was begun anew by a replay", () => {
  const attempt = { attempt: 1, at: new Date(START), outcome: "failed" as const, version: "7", durationMs: 5 };
  const first = (about: Partial<LedgerEntry>, attempts = [attempt]) =>
    firstAttemptIn(anEntry({ attempts, since: new Date(START), ...about }));
  expect(first({})).toBe(attempt);
  expect(first({ generation: "replay-1" })).toBeUndefined();
  expect(first({ replay: "replay-1" })).toBeUndefined();
  expect(first({ replay: "replay-1", since: new Date(START + 1) })).toBe(attempt);
  for (const outcome of ["lease lapsed", "outcome missing", "accepted", "postponed"]) {
    expect(first({}, [{ ...attempt, outcome } as typeof attempt])).toBeUndefined();
  }
});
