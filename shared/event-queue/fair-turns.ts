/**
 * How far apart the turns of one group's messages are, in ms. A group that sends no more than 100 messages per second
 * stays abreast of the clock; one that sends more gets turns that lie in the future.
 */
const SPACING_MS = 10;

/** Groups remembered before those are forgotten that are abreast of the clock anyway. */
const MAX_GROUPS = 10_000;

/**
 * Hands out the places in the order in which messages are taken: start-time fair queueing with the clock as virtual
 * time (Goyal, Vin, Cheng 1996). A place in the future delays nobody; it only lets others go first while they are there.
 */
export function fairTurns(): (group: string | undefined, at: number) => number {
  const last = new Map<string, number>();
  return (group, at) => {
    if (group === undefined) return at;
    const turn = Math.max(at, (last.get(group) ?? 0) + SPACING_MS);
    last.set(group, turn);
    if (last.size > MAX_GROUPS) {
      for (const [known, lastTurn] of last) if (lastTurn <= at) last.delete(known);
    }
    return turn;
  };
}
