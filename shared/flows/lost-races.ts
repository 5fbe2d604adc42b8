import { TurnoutError } from "../domain/errors.ts";

/**
 * A race is lost to a change that somebody else has made, so that one of those that are made at once is always through: of
 * so many each has its turn before this. Whoever loses more has met something that writes in a loop, and is told so rather
 * than kept from an answer: nothing is half-made, and it may be asked for again. A count, not a time: however long a store
 * takes for a race, so many others have had their turn.
 */
const MAX_LOST_RACES = 1_000;

/** The answer of a try that another's change came before: what it was worked out from has changed. */
export const LOST = Symbol("lost");

/**
 * Works something out and commits it on condition that nothing has changed meanwhile; anew for as long as others come
 * first.
 *
 * @param about whose changes come first, and how things stand when that was given up
 * @throws TurnoutError `conflict` after too many lost races; what the try throws
 */
export async function lostRaces<T>(
  tryOnce: () => Promise<T | typeof LOST>,
  { others = "Other changes", left }: { others?: string; left: string },
): Promise<T> {
  for (let race = 0; race < MAX_LOST_RACES; race++) {
    const answer = await tryOnce();
    if (answer !== LOST) return answer;
  }
  throw new TurnoutError("conflict", `${others} came first ${MAX_LOST_RACES} times in a row. ${left}`);
}
