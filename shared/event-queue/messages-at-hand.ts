/** A message of which the consumer has everything in memory. */
export type MessageAtHand = {
  id: number;
  turn: number;
  messageId: string;
  body: string;
  sentAt: Date;
  group: string | undefined;
};

type InFlight = { receivedMs: number; visibleMs: number };

/** Messages kept in memory at most, and characters of their bodies together; what comes beyond waits in the file. */
const MOST_MESSAGES = 2_000;
const MOST_CHARACTERS = 16_000_000;

/**
 * What is in flight for longer than this is written down as such: an odd one that takes long, or that nobody is at any
 * more, which others than this process are to see.
 */
const WRITTEN_AFTER_MS = 30_000;

/**
 * The messages that the only consumer of a queue has sent itself, as long as nothing has happened to them that the file has
 * to know: those that wait, in order of their turns, and those in flight, for the first time.
 */
export function messagesAtHand() {
  let waiting: MessageAtHand[] = [];
  let characters = 0;
  const inFlight = new Map<number, InFlight>();
  /** Nothing in flight has to be written down before then. */
  let quietUntilMs = Number.POSITIVE_INFINITY;

  function add(message: MessageAtHand): void {
    let place = waiting.length;
    for (
      let before = waiting[place - 1];
      before !== undefined && isBefore(message, before);
      before = waiting[place - 1]
    )
      place -= 1;
    if (place === waiting.length) waiting.push(message);
    else waiting.splice(place, 0, message);
    characters += message.body.length;
  }

  return {
    hasRoom: () => waiting.length < MOST_MESSAGES && characters < MOST_CHARACTERS,
    isAnyWaiting: () => waiting.length > 0,
    add,
    /** Takes out those whose turn is next, in order. */
    take(max: number, latestTurn: number): MessageAtHand[] {
      let count = 0;
      for (; count < Math.min(max, waiting.length); count++) if ((waiting[count]?.turn ?? 0) > latestTurn) break;
      const taken = waiting.slice(0, count);
      waiting = waiting.slice(count);
      for (const { body } of taken) characters -= body.length;
      return taken;
    },
    handOut(id: number, receivedMs: number, visibleMs: number): void {
      inFlight.set(id, { receivedMs, visibleMs });
      quietUntilMs = Math.min(quietUntilMs, visibleMs, receivedMs + WRITTEN_AFTER_MS);
    },
    isInFlight: (id: number) => inFlight.has(id),
    forget: (id: number) => void inFlight.delete(id),
    /** Those in flight that are to be written down now, with when each becomes visible. */
    overdue(nowMs: number): [id: number, visibleMs: number][] {
      if (nowMs < quietUntilMs) return [];
      const overdue: [number, number][] = [];
      quietUntilMs = Number.POSITIVE_INFINITY;
      for (const [id, { receivedMs, visibleMs }] of inFlight) {
        const atMs = Math.min(visibleMs, receivedMs + WRITTEN_AFTER_MS);
        if (atMs <= nowMs) overdue.push([id, visibleMs]);
        quietUntilMs = Math.min(quietUntilMs, atMs);
      }
      return overdue;
    },
    /** How many can be received now, those among them whose time in flight is over. */
    visible(nowMs: number): number {
      const lapsed = inFlight.values().filter(({ visibleMs }) => visibleMs <= nowMs);
      return waiting.length + [...lapsed].length;
    },
    handedOutBy: (ms: number) => [...inFlight.values()].filter(({ receivedMs }) => receivedMs <= ms).length,
  };
}

/** The order in which messages are taken. */
export function isBefore(a: Pick<MessageAtHand, "turn" | "id">, b: Pick<MessageAtHand, "turn" | "id">): boolean {
  return a.turn === b.turn ? a.id < b.id : a.turn < b.turn;
}
