import type { DeliveryCount } from "../../domain/health/delivery-count.ts";
import { keyOf, type LoggedAlias, loggedAliases } from "../versions/logged-aliases.ts";
import { type HealthPorts, healthOf } from "./health.ts";

/** What is told of an environment every minute, to ring an alarm by. */
export type WatchedFigures = {
  /** Versions that `health` warns of. */
  unhealthyVersions: number;
  /** First attempts that another version ran than the one that the alias was moved to. */
  unexpectedVersions: number;
};

/** As `health` and `doctor` look at it. */
const MINUTES_JUDGED = 15;

/** Counts of the last 5 s may not be stored yet, and a move may have been under way while they were made. */
const MINUTES_COMPARED = 5;
const MOVING_MS = 60_000;

/**
 * How the versions did in the last minutes. What an alias should point at is what the change log has it at: Lambda would not
 * tell of an alias that somebody has moved, or shared out, without Turnout. Of one that was moved lately nothing is told.
 */
export async function watchedFigures(ports: HealthPorts, now: Date): Promise<WatchedFigures> {
  const from = new Date(now.getTime() - MINUTES_JUDGED * 60_000);
  // The minute that begins now has counts, too.
  const window = { from, to: new Date(now.getTime() + 1) };
  const { versions } = await healthOf(ports, { window }, now);
  const comparedFrom = now.getTime() - MINUTES_COMPARED * 60_000;
  const lately = versions
    .flatMap(({ byKey }) => byKey)
    .filter(({ at, firsts, version }) => firsts > 0 && version !== "" && at.getTime() >= comparedFrom);
  const logged = lately.length === 0 ? new Map() : await loggedAliases(ports.routingTable, lately);
  const unexpected = lately.filter((count) => !isExpected(count, logged.get(keyOf(count)) ?? {}, comparedFrom));
  return {
    unhealthyVersions: versions.filter(({ verdict }) => verdict.level !== "ok").length,
    unexpectedVersions: unexpected.reduce((sum, { firsts }) => sum + firsts, 0),
  };
}

function isExpected({ version }: DeliveryCount, { settled, open }: LoggedAlias, comparedFrom: number): boolean {
  if (settled === undefined || open !== undefined) return true;
  return settled.at.getTime() >= comparedFrom - MOVING_MS || settled.move.to === version;
}
