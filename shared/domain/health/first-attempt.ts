import type { Attempt, Claim, Close, LedgerEntry } from "../deliveries/delivery.ts";
import { type Generation, LIVE } from "../deliveries/delivery-key.ts";

/**
 * `first`: the first run of a live delivery, which judges the version. A retry says nothing new about it, and what a
 * replay delivers has been run before.
 */
export type AttemptKind = "first" | "retry" | "replayed";

/** What an attempt was that ran; undefined for one that ran nothing. */
export function attemptKind(
  generation: Generation,
  claimed: Pick<Claim & { won: true }, "failures" | "lapses" | "replay">,
  closing: Ran,
): AttemptKind | undefined {
  if (!hasRun(closing)) return undefined;
  if (generation !== LIVE || claimed.replay !== undefined) return "replayed";
  return claimed.failures === 0 && claimed.lapses === 0 ? "first" : "retry";
}

type Ran = Pick<Close, "outcome" | "executedVersion" | "durationMs">;

/** What was put off, given up untried, or only handed over so far has run nothing that anybody knows of. */
function hasRun({ outcome, executedVersion, durationMs }: Ran): boolean {
  if (outcome === "done" || outcome === "failed") return true;
  return outcome === "dead" && (executedVersion !== undefined || durationMs !== undefined);
}

/**
 * A live delivery's first attempt as the ledger has it, for whoever counts again: the same that was counted when it was
 * made. Undefined where none has ended, or the first one ended without an answer.
 */
export function firstAttemptIn({ generation, attempts, replay, since }: LedgerEntry): Attempt | undefined {
  if (generation !== LIVE) return undefined;
  const [first] = attempts.filter(({ outcome }) => outcome !== "postponed");
  // A replay that reopened it has begun it anew.
  if (first === undefined || (replay !== undefined && first.at >= since)) return undefined;
  if (first.outcome === "lease lapsed" || first.outcome === "outcome missing") return undefined;
  const { outcome, version: executedVersion, durationMs } = first;
  if (outcome === "accepted") return undefined;
  const ran = {
    outcome,
    ...(executedVersion !== undefined && { executedVersion }),
    ...(durationMs !== undefined && { durationMs }),
  };
  return hasRun(ran) ? first : undefined;
}

/**
 * Whether a live delivery's first attempt was taken to be worked on later and has had no outcome: by its deadline, or by now
 * where it was taken so long ago. Undefined where that can't be told yet, or it was no such attempt.
 */
export function isMissing(
  { generation, attempts, replay, since }: LedgerEntry,
  takenBefore: Date,
): boolean | undefined {
  if (generation !== LIVE) return undefined;
  const [first] = attempts.filter(({ outcome }) => outcome !== "postponed");
  if (first === undefined || (replay !== undefined && first.at >= since)) return undefined;
  if (first.outcome === "outcome missing") return true;
  if (first.outcome === "accepted") return first.at <= takenBefore ? true : undefined;
  return first.outcome === "lease lapsed" ? undefined : false;
}
