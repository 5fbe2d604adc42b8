/**
 * The number of the event that a thread may begin with. The thread begins one by setting it to the next number; its host
 * takes back what waits by setting it to a number that it hasn't given yet. Both do so only where it still is the number
 * of the first one that waits, so that an event is either begun or taken back.
 */
export type ThreadTurn = Int32Array<SharedArrayBuffer>;

export function threadTurn(): ThreadTurn {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** The number after one, of as many as there are. */
export function followingTurn(number: number): number {
  return (number + 1) | 0;
}
