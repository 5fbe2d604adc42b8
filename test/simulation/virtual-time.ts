import { nextTurn } from "../support/port-calls.ts";

export type VirtualTime = ReturnType<typeof virtualTime>;

type Timer = { at: number; order: number; ring: () => void };

/**
 * The true time of a simulated world, in ms since the epoch. It jumps from one thing that is to happen to the next; what
 * happens at the same instant happens in the order in which it was asked for. So a run can be repeated exactly.
 */
export function virtualTime(start: number) {
  let now = start;
  let order = 0;
  let working = 0;
  const heap: Timer[] = [];

  /** Everything that can go on by itself has gone on. */
  async function still(): Promise<void> {
    do await nextTurn();
    while (working > 0);
  }

  const time = {
    now: () => now,
    at(when: number, ring: () => void): void {
      push(heap, { at: Math.max(now, when), order: order++, ring });
    },
    /** Resolves after that many ms. */
    delay: (ms: number) => new Promise<void>((resolve) => time.at(now + ms, resolve)),
    /** Does work that takes none of this time, but turns of the event loop. */
    async work<T>(work: () => Promise<T>): Promise<T> {
      working += 1;
      try {
        return await work();
      } finally {
        working -= 1;
      }
    },
    /** Lets the world go on until `end`, or until `done` says so; then the time is what it was at the last event. */
    async run(end: number, done: () => boolean = () => false): Promise<number> {
      let steps = 0;
      for (await still(); !done(); await still()) {
        const next = heap[0];
        if (next === undefined || next.at > end) {
          now = Math.max(now, end);
          return steps;
        }
        pop(heap);
        now = next.at;
        next.ring();
        steps += 1;
      }
      return steps;
    },
  };
  return time;
}

function isBefore(a: Timer | undefined, b: Timer | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let index = heap.push(timer) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (isBefore(heap[parent], timer)) break;
    heap[index] = heap[parent] as Timer;
    index = parent;
  }
  heap[index] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (isBefore(heap[child + 1], heap[child])) child += 1;
    if (!isBefore(heap[child], last)) break;
    heap[index] = heap[child] as Timer;
    index = child;
  }
  heap[index] = last;
}
