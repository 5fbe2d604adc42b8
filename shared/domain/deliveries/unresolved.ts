import type { LedgerEntry } from "./delivery.ts";
import { LIVE } from "./delivery-key.ts";

/**
 * The delivery that made one good which was given up or refused: the first that was begun later, in whatever generation,
 * and ended done. Undefined for what is unresolved, and for what needs no repair. What was refused never runs, so it stays
 * unresolved for as long as it is kept; an event that couldn't be read has no delivery until a replay could read it, and
 * from then on its deliveries say for themselves what they are.
 *
 * @param deliveries of the same event to the same component, in all the generations that are known
 */
export function madeGoodBy(entry: LedgerEntry, deliveries: readonly LedgerEntry[]): LedgerEntry | undefined {
  if (entry.status !== "dead" && entry.status !== "rejected") return undefined;
  const [first] = laterThan(entry, deliveries)
    .filter(({ status }) => status === "done")
    .toSorted((a, b) => a.since.getTime() - b.since.getTime());
  return first;
}

/** Those that were begun later. One that a replay has reopened was begun when it was reopened. */
export function laterThan(entry: LedgerEntry, deliveries: readonly LedgerEntry[]): LedgerEntry[] {
  return deliveries.filter((other) => isLater(other, entry));
}

function isLater(a: LedgerEntry, b: LedgerEntry): boolean {
  const [begun, before] = [a.since.getTime(), b.since.getTime()];
  // Within a millisecond: a replay covers what was begun before it.
  return begun > before || (begun === before && b.generation === LIVE && a.generation !== LIVE);
}

/** The replay whose attempts a delivery was last given; `live` where none was. */
export function replayOf({ replay, generation }: LedgerEntry): string {
  return replay ?? generation;
}
