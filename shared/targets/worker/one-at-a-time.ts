import type { Close } from "../../domain/deliveries/delivery.ts";
import type { Send, SendResult, Target } from "../target.ts";

/** How long the first of them waits for others, so that the order isn't that of their arrival. */
const GATHER_MS = 100;

/** How long the next one waits for what became of a send to be stored, if nothing is heard of it. */
const CLOSED_WITHIN_MS = 2_000;

/** The ledger's. */
type StoreCloses = (closes: readonly Close[]) => Promise<boolean[]>;

export type OneAtATimeOptions = {
  close: StoreCloses;
  now: () => Date;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  delay: (ms: number) => Promise<unknown>;
};

type Waiting = { send: Send; rank: number; answer: (result: Promise<SendResult>) => void };

const TOO_LATE: SendResult = {
  outcome: "throttled",
  error: { type: "WaitedItsTurn", message: "others that were under way when a server ended were tried before it" },
};

/** Node's longest timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** So often may be bad luck: a server is stopped by force, or its machine is. */
const UNLUCKY = 2;

/** The lane of all that have lapsed more often. No component is called so. */
const ALL = "";

/**
 * What was under way when a server ended without a word may be why it did. Such sends, known by their lapses, are made one
 * at a time, beside everything else: those with the fewest lapses first, in random order where these are equal, each once
 * what became of the one before it is stored. If it is one of them that ends servers, then half of the others on average
 * are done before its turn comes, each time, so that none of them lapses often enough to be given up.
 *
 * With the first two lapses they wait for those of their own component alone: after a kill nobody waits for a slow
 * neighbour. From the third one on something here ends servers, and one of all is made at a time.
 *
 * @returns the target, and the ledger's `close` through which it hears of what was stored
 */
export function lapsedOneAtATime(
  target: Target,
  { close, now, random, delay }: OneAtATimeOptions,
): { target: Target; close: StoreCloses } {
  /** Those that wait, by lane; a lane is there for as long as one of its sends is under way. */
  const lanes = new Map<string, Waiting[]>();
  const onStored = new Map<string, () => void>();

  async function work(lane: string, waiting: Waiting[]): Promise<void> {
    await delay(GATHER_MS);
    for (let next = takeNext(waiting); next !== undefined; next = takeNext(waiting)) {
      const { send } = next;
      const deliveryKey = `${send.component}#${send.idempotencyKey}`;
      const stored = new Promise<void>((resolve) => onStored.set(deliveryKey, resolve));
      const result = target(send);
      next.answer(result);
      await result.catch(() => {});
      // The next one may end the server: what became of this one would be lost with it, each time anew.
      if (waiting.length > 0) await Promise.race([stored, delay(CLOSED_WITHIN_MS)]);
      onStored.delete(deliveryKey);
    }
    lanes.delete(lane);
  }

  function tellStored({ deliveryKey, outcome }: Close): void {
    if (outcome !== "accepted") onStored.get(deliveryKey)?.();
  }

  /** A lease that ends while its send waits would be one lapse more, each time anew. */
  async function refuseLate(one: Waiting, waiting: Waiting[]): Promise<void> {
    const leftMs = one.send.latestStart.getTime() - now().getTime();
    await delay(Math.max(0, Math.min(leftMs, MAX_TIMER_MS)));
    const index = waiting.indexOf(one);
    if (index < 0) return;
    waiting.splice(index, 1);
    one.answer(Promise.resolve(TOO_LATE));
  }

  function sendInTurn(send: Send): Promise<SendResult> {
    const lane = send.lapses > UNLUCKY ? ALL : send.component;
    const waiting = lanes.get(lane) ?? [];
    return new Promise((answer) => {
      const one: Waiting = { send, rank: random(), answer };
      waiting.push(one);
      void refuseLate(one, waiting);
      if (lanes.has(lane)) return;
      lanes.set(lane, waiting);
      void work(lane, waiting);
    });
  }

  return {
    target: (send) => (send.lapses === 0 ? target(send) : sendInTurn(send)),
    async close(closes) {
      const taken = await close(closes);
      if (onStored.size > 0) closes.forEach(tellStored);
      return taken;
    },
  };
}

function takeNext(waiting: Waiting[]): Waiting | undefined {
  waiting.sort((a, b) => a.send.lapses - b.send.lapses || a.rank - b.rank);
  return waiting.shift();
}
