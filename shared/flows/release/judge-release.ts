import type { GuardVerdict } from "../../domain/health/guard-verdict.ts";
import { verdictText } from "../../domain/health/verdict-text.ts";
import type { ReleaseVerdict } from "../../domain/releases/next-step.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { Release } from "../../domain/routing/release.ts";
import { own } from "../../domain/text/schema.ts";
import type { WatchStore } from "../../watch-store/watch-store.ts";
import { strongestOf } from "../watch/guard-told.ts";

/** A guard looks every few seconds, or every minute on AWS: what it said before that is no verdict of now. */
const MOST_AGE_MS = 300_000;

/** What the guard of a release's alias says of its version. It has counted from the ledger before it calls it worse. */
export async function judgeRelease(
  watches: Pick<WatchStore, "watches">,
  { name, guards = {} }: Component,
  { alias, version, startedAt, since }: Pick<Release, "alias" | "version" | "startedAt" | "since">,
  now: Date,
): Promise<ReleaseVerdict> {
  const all = await watches.watches(name);
  const watch = all.find((one) => one.alias === alias && one.version === version);
  if (watch?.trip !== undefined && watch.trip.at >= startedAt) {
    return { says: "worse", told: watch.trip.why, ...measured(watch.trip.verdict) };
  }
  // It was begun by force all the same, and the guard looks anew at what has come back.
  if (watch?.trip !== undefined)
    return { says: "none", told: `it was worse at ${watch.trip.at}, and isn't looked at yet` };
  const isSince = watch?.taken?.find(({ at, mode }) => at >= since && mode !== "watch");
  if (isSince !== undefined) {
    return { says: "worse for one", told: `${isSince.why}; ${isSince.done ?? "they are being taken off"}` };
  }
  if (own(guards, alias) === undefined) {
    return { says: "none", told: `${alias} of ${name} isn't guarded any more` };
  }
  if (watch?.verdict === undefined || watch.lookedAt === undefined) {
    return { says: "none", told: "the guard hasn't looked yet" };
  }
  if (Date.parse(watch.lookedAt) < now.getTime() - MOST_AGE_MS) {
    return { says: "none", told: `the guard hasn't looked since ${watch.lookedAt}` };
  }
  if (watch.lookedAt < since) return { says: "none", told: "the guard hasn't looked since the step was made" };
  const told = verdictText(watch.verdict, version);
  const says = watch.verdict.says === "healthy so far" ? "healthy" : "none";
  return { says, told, ...measured(watch.verdict) };
}

function measured(verdict: GuardVerdict): Pick<ReleaseVerdict, "strongest" | "more"> {
  const strongest = strongestOf(verdict);
  return { ...(strongest !== undefined && { strongest }), more: verdict.more };
}
