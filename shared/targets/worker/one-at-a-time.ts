import type { Send, SendResult, Target } from "../target.ts";

/** How long the first of them waits for others, so that the order isn't that of their arrival. */
const GATHER_MS = 100;

/** What has lapsed so often may well be why: from here on nothing is lost with it that can be stored before. */
const SUSPICIOUS_LAPSES = 8;

export type OneAtATimeOptions = {
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  delay: (ms: number) => Promise<void>;
  /** How long it takes at most, as a rule, until what became of a send is stored. */
  closedWithinMs: number;
};

type Waiting = { send: Send; rank: number; answer: (result: Promise<SendResult>) => void; late?: NodeJS.Timeout };

const TOO_LATE: SendResult = {
  outcome: "throttled",
  error: { type: "WaitedItsTurn", message: "others that were under way when a server ended were tried before it" },
};

/** Node's longest timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function msUntil(at: Date): number {
  return Math.max(0, Math.min(at.getTime() - Date.now(), MAX_TIMER_MS));
}

/**
 * What was under way when a server ended without a word may be why it did. Such sends, known by their lapses, are made one
 * at a time, beside everything else: those with the fewest lapses first, in random order where these are equal. If it is
 * one of them that ends servers, then half of the others on average are done before its turn comes, each time, so that
 * none of them lapses often enough to be given up.
 */
export function lapsedOneAtATime(target: Target, { random, delay, closedWithinMs }: OneAtATimeOptions): Target {
  const waiting: Waiting[] = [];
  let busy = false;

  async function work(): Promise<void> {
    busy = true;
    await delay(GATHER_MS);
    for (let next = takeNext(); next !== undefined; next = takeNext()) {
      const result = target(next.send);
      next.answer(result);
      await result.catch(() => {});
      // The next one may end the server: what became of this one would be lost with it, each time anew. Those that have
      // lapsed a few times go on at once: there may be hundreds, and what is lost of them is made up for the next time.
      if (next.send.lapses >= SUSPICIOUS_LAPSES || isLastOfItsKind(next.send)) await delay(closedWithinMs);
    }
    busy = false;
  }

  function isLastOfItsKind({ lapses }: Send): boolean {
    return waiting.length > 0 && waiting.every(({ send }) => send.lapses > lapses);
  }

  function takeNext() {
    waiting.sort((a, b) => a.send.lapses - b.send.lapses || a.rank - b.rank);
    const next = waiting.shift();
    clearTimeout(next?.late);
    return next;
  }

  return (send) => {
    if (send.lapses === 0) return target(send);
    return new Promise((answer) => {
      const one: Waiting = { send, rank: random(), answer };
      // A lease that ends while it waits would be one lapse more, each time anew.
      one.late = setTimeout(() => {
        const index = waiting.indexOf(one);
        if (index >= 0) waiting.splice(index, 1);
        if (index >= 0) answer(Promise.resolve(TOO_LATE));
      }, msUntil(send.latestStart));
      waiting.push(one);
      if (!busy) void work();
    });
  };
}
