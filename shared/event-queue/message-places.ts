/** Places that are taken out of the file's own sequence at once: enough for minutes, and there is room for 10^9 of these. */
export const PLACES_AT_ONCE = 1_000_000;

/**
 * Places in a queue's order for the messages of its only consumer: a block of the ids that the file gives its rows, so
 * that those that are stored and those that aren't have one order, and an id is free for one that is stored later.
 */
export function messagePlaces() {
  let next = 0;
  let end = 0;
  return {
    /** The first of so many places in a row; undefined where there aren't as many. */
    take(count: number): number | undefined {
      if (end - next < count) return undefined;
      next += count;
      return next - count;
    },
    /** Goes on in a new block. @param last its last place */
    renew(last: number): void {
      next = last - PLACES_AT_ONCE + 1;
      end = last + 1;
    },
  };
}
