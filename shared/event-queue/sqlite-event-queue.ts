import { randomUUID } from "node:crypto";
import type { Database } from "../sqlite/database.ts";
import type { AdmittingQueue, EventQueue, ReceivedMessage } from "./event-queue.ts";
import { fairTurns } from "./fair-turns.ts";
import { messagePlaces, PLACES_AT_ONCE } from "./message-places.ts";
import { isBefore, type MessageAtHand, messagesAtHand } from "./messages-at-hand.ts";
import { AT_HAND, queueStatements } from "./sqlite-queue-statements.ts";

/** Receives after which a message goes to the dead-letter queue. High: deliveries die by their own count long before. */
const DEFAULT_MAX_RECEIVE_COUNT = 1_000;

/** The longest time after which a message is told to come back: a lease, of 845 s at most. */
const MAX_COMING_BACK_MS = 900_000;

export type SqliteQueueOptions = {
  /** Default `live`. What a queue gives up is in the one called `<name>-dead`, which gives nothing up. */
  name?: string;
  maxReceiveCount?: number;
};

/** A message that was found in the file, and its place among those at hand. */
type Found = { id: number; turn: number; message: ReceivedMessage };

/**
 * A queue in the state file. Times are whole milliseconds since the epoch.
 *
 * The only consumer of a queue, once it has said that it is, has what it sends itself at hand: to receive it nothing is
 * read and nothing written, until it is deleted or told when to come back.
 */
export function sqliteEventQueue(
  database: Database,
  { name = "live", maxReceiveCount = DEFAULT_MAX_RECEIVE_COUNT }: SqliteQueueOptions = {},
): EventQueue &
  AdmittingQueue & {
    /**
     * Makes every hidden message visible, for whoever hid them is gone, and from now on keeps in memory what is received.
     * Only for who alone receives from the queue, at the start.
     */
    becomeOnlyConsumer(): Promise<void>;
    /** How many messages were handed out before then, and have neither been deleted nor told when to come back. */
    handedOutBefore(at: Date, visibilityMs: number, now: Date): Promise<number>;
    /** When the message was sent that has been there for longest; undefined for an empty queue. */
    oldestSentAt(): Promise<Date | undefined>;
  } {
  const turnOf = fairTurns();
  const deadName = `${name}-dead`;
  const lastQueue = name.endsWith("-dead");
  const statements = queueStatements(database);
  const atHand = messagesAtHand();
  let isOnlyConsumer = false;
  /** Whether the file may have messages that could be received now. */
  let mayHaveMore = true;
  const places = messagePlaces();

  /** Takes a block of ids out of the file's sequence, inside of a write; the last of them. */
  function reserve(): number {
    const reserved = statements.reserve.get(PLACES_AT_ONCE);
    if (reserved !== undefined) return Number(reserved.seq);
    statements.beginSequence.run(PLACES_AT_ONCE);
    return PLACES_AT_ONCE;
  }

  const drawn = randomUUID().slice(0, -12);
  /** Unique for good: one draw for the process, and the place for each. */
  const admittedId = (sequence: number) => drawn + sequence.toString(16).padStart(12, "0");
  /** The places of those that were admitted and haven't left, and since when. */
  const admitted = new Map<number, number>();

  /** Takes what is next in the file, as far as it comes before so many of those at hand that there is room for it. */
  function takeVisible(max: number, latestTurn: number, visibilityMs: number, at: number, near: MessageAtHand[]) {
    const taken: Found[] = [];
    let before = 0;
    for (const row of statements.selectVisible.all(name, latestTurn, max)) {
      const found = foundIn(row);
      for (let next = near[before]; next !== undefined && isBefore(next, found); next = near[before]) before += 1;
      if (taken.length + before >= max) break;
      if (found.message.receiveCount > maxReceiveCount && !lastQueue) {
        statements.bury.run(deadName, at, found.id);
        continue;
      }
      statements.hide.run(at + visibilityMs, found.id);
      taken.push(found);
    }
    return taken;
  }

  function receivedOf(message: MessageAtHand, at: number, visibilityMs: number): Found {
    const { id, turn, messageId, body, sentAt, group } = message;
    atHand.handOut(id, at, at + visibilityMs);
    const base = { messageId, receiptHandle: `${id}:1`, body, sentAt, sequence: id, receiveCount: 1 };
    return { id, turn, message: group === undefined ? base : { ...base, group } };
  }

  /** Whether the handle is that of a message in flight that the file knows nothing of. */
  function isAtHand([id, receiveCount]: Handle): boolean {
    return receiveCount === 1 && atHand.isInFlight(id);
  }

  async function writeOverdue(at: number): Promise<void> {
    const overdue = atHand.overdue(at);
    if (overdue.length === 0) return;
    await database.write(() => {
      for (const [id, visibleMs] of overdue) statements.writeReceived.run(visibleMs, id);
    });
    for (const [id] of overdue) atHand.forget(id);
  }

  return {
    async send(messages, now) {
      const at = now.getTime();
      const hiddenUntil = isOnlyConsumer && atHand.hasRoom() ? AT_HAND : null;
      const first = isOnlyConsumer ? places.take(messages.length) : undefined;
      const { sent, last } = await database.write(() => {
        const sent = messages.map((message, index): MessageAtHand => {
          const messageId = randomUUID();
          const { body, group } = typeof message === "string" ? { body: message, group: undefined } : message;
          const turn = turnOf(group, at);
          const { lastInsertRowid } = statements.insert.run(
            first === undefined ? null : first + index,
            name,
            messageId,
            body,
            at,
            group ?? null,
            turn,
            hiddenUntil,
          );
          return { id: Number(lastInsertRowid), turn, messageId, body, sentAt: new Date(at), group };
        });
        return { sent, last: isOnlyConsumer && first === undefined ? reserve() : undefined };
      });
      if (last !== undefined) places.renew(last);
      if (hiddenUntil === null) mayHaveMore = true;
      else sent.forEach(atHand.add);
      return sent.map(({ messageId }) => messageId);
    },
    async receive(max, visibilityMs, now, inTurnOnly = false) {
      const at = now.getTime();
      const latestTurn = inTurnOnly ? at : Number.MAX_SAFE_INTEGER;
      await writeOverdue(at);
      const near = atHand.take(max, latestTurn);
      mayHaveMore = true;
      // A look before the transaction: an idle poll must not take the write lock from other processes.
      if (statements.selectWaiting.get(name, at)?.waiting === 0) {
        mayHaveMore = false;
        return near.map((message) => receivedOf(message, at, visibilityMs).message);
      }
      const found = await database
        .write(() => {
          statements.wake.run(name, at);
          return takeVisible(max, latestTurn, visibilityMs, at, near);
        })
        .catch((error: unknown) => {
          near.forEach(atHand.add);
          throw error;
        });
      near.splice(max - found.length).forEach(atHand.add);
      const all = [...found, ...near.map((message) => receivedOf(message, at, visibilityMs))];
      return all.sort((a, b) => (isBefore(a, b) ? -1 : 1)).map(({ message }) => message);
    },
    async delete(receiptHandles) {
      const handles = receiptHandles.map(parseHandle);
      await database.write(() => {
        for (const handle of handles) {
          // As the file knows it, it hasn't been received yet, unless that was written just now.
          if (isAtHand(handle)) statements.removeAtHand.run(handle[0], name);
          else statements.remove.run(...handle, name);
        }
      });
      for (const handle of handles) if (isAtHand(handle)) atHand.forget(handle[0]);
    },
    async changeVisibility(receiptHandle, visibilityMs, now) {
      const visibleAt = now.getTime() + visibilityMs;
      const handle = parseHandle(receiptHandle);
      await database.write(() => {
        if (isAtHand(handle)) statements.writeReceived.run(visibleAt, handle[0]);
        // It takes its place among those that are sent when it comes back: an old one would let it go before all.
        statements.reveal.run(visibleAt, visibleAt, ...handle, name);
      });
      if (isAtHand(handle)) atHand.forget(handle[0]);
    },
    admit(bodies, now) {
      if (!isOnlyConsumer || mayHaveMore || atHand.isAnyWaiting()) return undefined;
      const first = places.take(bodies.length);
      if (first === undefined) return undefined;
      return bodies.map((body, index) => {
        const sequence = first + index;
        admitted.set(sequence, now.getTime());
        const messageId = admittedId(sequence);
        return { messageId, receiptHandle: `${sequence}:1`, body, sentAt: now, sequence, receiveCount: 1 };
      });
    },
    async keep(messages) {
      await database.write(() => {
        for (const { message, visibleAt, receives } of messages) {
          const { messageId, body, sentAt, group, sequence = null } = message;
          const turn = visibleAt.getTime();
          const hiddenUntil = receives === 0 ? null : turn;
          const times = [turn, hiddenUntil, receives] as const;
          statements.keep.run(sequence, name, messageId, body, sentAt.getTime(), group ?? null, ...times);
        }
      });
      // Not before: whoever looks meanwhile finds nothing yet.
      mayHaveMore = true;
    },
    leave(messages) {
      for (const { sequence = 0 } of messages) admitted.delete(sequence);
    },
    async depth(now) {
      const row = statements.count.get(name, deadName, now.getTime());
      const visible = atHand.visible(now.getTime());
      return {
        visible: Number(row?.visible) + visible,
        inFlight: Number(row?.in_flight) - visible + admitted.size,
        dead: Number(row?.dead),
      };
    },
    async handedOutBefore(at, visibilityMs, now) {
      // What was told when to come back is hidden for a lease at most.
      const comesBack = now.getTime() + MAX_COMING_BACK_MS;
      const written = Number(statements.countHandedOut.get(name, comesBack, at.getTime() + visibilityMs)?.stuck);
      const unwritten = admitted.values().filter((since) => since <= at.getTime());
      return written + atHand.handedOutBy(at.getTime()) + [...unwritten].length;
    },
    async oldestSentAt() {
      const row = statements.oldest.get(name);
      // In the order in which they were admitted.
      const [since = Number.POSITIVE_INFINITY] = admitted.values();
      const oldest = Math.min(since, Number(row?.sent_at ?? Number.POSITIVE_INFINITY));
      return oldest === Number.POSITIVE_INFINITY ? undefined : new Date(oldest);
    },
    async becomeOnlyConsumer() {
      const last = await database.write(() => {
        statements.revealAll.run(name);
        return reserve();
      });
      places.renew(last);
      isOnlyConsumer = true;
    },
  };
}

function foundIn(row: Record<string, unknown>): Found {
  const id = Number(row.id);
  const receiveCount = Number(row.receive_count) + 1;
  const message: ReceivedMessage = {
    messageId: String(row.message_id),
    receiptHandle: `${id}:${receiveCount}`,
    body: String(row.body),
    sentAt: new Date(Number(row.sent_at)),
    sequence: id,
    receiveCount,
    ...(row.fair_group === null ? {} : { group: String(row.fair_group) }),
  };
  return { id, turn: Number(row.turn), message };
}

type Handle = [id: number, receiveCount: number];

function parseHandle(handle: string): Handle {
  const [id, receiveCount] = handle.split(":").map(Number);
  return [id ?? 0, receiveCount ?? 0];
}
