import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Claim, type Close, isAtRest, type LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst, REMEMBERED_ATTEMPTS } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { aClaimRequest } from "../../support/builders.ts";

const start = new Date("2026-11-20T10:00:00.000Z");
const error = { type: "Timeout", message: "took too long" };
const request = aClaimRequest({ leaseMs: 10_000 });
const { deliveryKey } = request;

describe("the ledger of one delivery, whoever claims and closes it and when", () => {
  type Step =
    | { do: "wait"; ms: number }
    | { do: "claim"; owner: string }
    | { do: "close"; attemptsAgo: number; outcome: Close["outcome"]; retryMs: number };

  const owner = fc.constantFrom("ada", "ben", "cy");
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 15_000 }) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("claim" as const), owner }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("close" as const),
        attemptsAgo: fc.constantFrom(0, 0, 0, 1, 2),
        // Rest is rare, so that most runs have a long history.
        outcome: fc.oneof(
          { weight: 10, arbitrary: fc.constantFrom("failed" as const, "postponed" as const) },
          { weight: 1, arbitrary: fc.constantFrom("done" as const, "dead" as const) },
        ),
        retryMs: fc.integer({ min: 0, max: 8_000 }),
      }),
    },
  );

  /** Everything that ever happened to the delivery, beside the entry itself. */
  class History {
    now = start;
    entry: LedgerEntry | undefined;
    /** One per attempt, in order. */
    attempts: { owner: string; leaseUntil: Date; ended?: Close["outcome"] | "lease lapsed" }[] = [];

    claim(owner: string): Claim {
      const { claim, entry } = claimAgainst(this.entry, request, owner, this.now);
      if (claim.won && entry !== undefined) {
        const last = this.attempts.at(-1);
        if (last !== undefined && last.ended === undefined) last.ended = "lease lapsed";
        this.attempts.push({ owner, leaseUntil: claim.leaseUntil });
      }
      this.keep(entry);
      return claim;
    }

    close({ attemptsAgo, outcome, retryMs }: Step & { do: "close" }): boolean {
      const attempt = this.attempts.length - attemptsAgo;
      const nextAttemptAt = new Date(this.now.getTime() + retryMs);
      const close = { deliveryKey, attempt, at: this.now, outcome, error, nextAttemptAt } as Close;
      const entry = closeAgainst(this.entry, close);
      const made = this.attempts[attempt - 1];
      if (entry !== undefined && made !== undefined) made.ended = outcome;
      this.keep(entry);
      return entry !== undefined;
    }

    private keep(entry: LedgerEntry | undefined): void {
      // Frozen, so that a rule that changes what it was given fails.
      if (entry !== undefined)
        this.entry = Object.freeze({ ...entry, attempts: Object.freeze(entry.attempts) as never });
    }
  }

  const take = (history: History, next: Step): void => {
    if (next.do === "wait") history.now = new Date(history.now.getTime() + next.ms);
    else if (next.do === "claim") history.claim(next.owner);
    else history.close(next);
  };

  const property = (check: (history: History, next: Step) => void) =>
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), (steps) => {
        const history = new History();
        for (const next of steps) check(history, next);
      }),
      { numRuns: 300 },
    );

  it("never falls in attempt, and rises by one with every claim that changes it", () => {
    property((history, next) => {
      const before = history.entry?.attempt ?? 0;
      const claims = history.attempts.length;
      take(history, next);
      expect((history.entry?.attempt ?? 0) - before).toBe(history.attempts.length - claims);
      expect(history.entry?.attempt ?? 0).toBe(history.attempts.length);
    });
  });

  it("lets only the newest attempt close, and only once", () => {
    property((history, next) => {
      const newest = history.attempts.at(-1);
      const open = newest !== undefined && newest.ended === undefined;
      const before = history.entry;
      if (next.do !== "close") take(history, next);
      else {
        expect(history.close(next)).toBe(open && next.attemptsAgo === 0);
        if (!open || next.attemptsAgo > 0) expect(history.entry).toBe(before);
      }
    });
  });

  it("has at most one owner with a live lease", () => {
    property((history, next) => {
      take(history, next);
      const holders = history.attempts.filter(
        ({ ended, leaseUntil }) => ended === undefined && leaseUntil > history.now,
      );
      expect(holders.length).toBeLessThanOrEqual(1);
      // An attempt that was overtaken had lost its lease before: nobody's right was taken away.
      history.attempts.forEach(({ ended, leaseUntil }) => {
        if (ended === "lease lapsed") expect(leaseUntil <= history.now).toBe(true);
      });
    });
  });

  it("never changes once it is at rest", () => {
    property((history, next) => {
      const { entry } = history;
      take(history, next);
      if (entry !== undefined && isAtRest(entry.status)) expect(history.entry).toBe(entry);
    });
  });

  it("recognises an owner's own repeated claim, and nobody else's", () => {
    property((history, next) => {
      take(history, next);
      if (next.do !== "claim" || history.entry?.status !== "claimed" || history.entry.owner !== next.owner) return;
      const { entry } = history;
      const { attempt, failures, lapses, since, t0, leaseUntil } = entry;
      expect(history.claim(next.owner)).toEqual({ won: true, attempt, failures, lapses, since, t0, leaseUntil });
      expect(history.entry).toBe(entry);
      if (leaseUntil > history.now) {
        expect(history.claim("somebody else")).toEqual({ won: false, why: "claimed by another", retryAt: leaseUntil });
        expect(history.entry).toBe(entry);
      }
    });
  });

  it("counts failed and dead attempts as failures, lapsed ones apart, and no postponed ones", () => {
    property((history, next) => {
      take(history, next);
      const ended = (...how: string[]) =>
        history.attempts.filter((attempt) => how.includes(attempt.ended ?? "")).length;
      expect(history.entry?.failures ?? 0).toBe(ended("failed", "dead"));
      expect(history.entry?.lapses ?? 0).toBe(ended("lease lapsed"));
    });
  });

  it("can't be claimed before it is due, and can be from then on", () => {
    property((history, next) => {
      take(history, next);
      const due = history.entry?.status === "failed" ? history.entry.nextAttemptAt : undefined;
      if (due === undefined) return;
      const at = (ms: number) => claimAgainst(history.entry, request, "somebody", new Date(due.getTime() + ms)).claim;
      expect(at(-1)).toEqual({ won: false, why: "not due", retryAt: due });
      expect(at(0).won).toBe(true);
    });
  });

  it("can be claimed by anybody at the time that a lost claim is told to come back", () => {
    property((history, next) => {
      take(history, next);
      const { claim } = claimAgainst(history.entry, request, "somebody", history.now);
      if (!claim.won && "retryAt" in claim) {
        expect(claim.retryAt > history.now).toBe(true);
        expect(claimAgainst(history.entry, request, "somebody", claim.retryAt).claim.won).toBe(true);
      }
    });
  });

  it(`remembers the last ${REMEMBERED_ATTEMPTS} attempts as they ended`, () => {
    property((history, next) => {
      take(history, next);
      const ended = history.attempts.flatMap(({ ended: outcome }, index) =>
        outcome === undefined ? [] : [{ attempt: index + 1, outcome }],
      );
      const remembered = (history.entry?.attempts ?? []).map(({ attempt, outcome }) => ({ attempt, outcome }));
      // All are put off for the same reason here, so that the last of those in a row is remembered.
      const told = ended.filter(
        (one, index) => !(one.outcome === "postponed" && ended[index + 1]?.outcome === "postponed"),
      );
      expect(remembered).toEqual(told.slice(-REMEMBERED_ATTEMPTS));
    });
  });
});
