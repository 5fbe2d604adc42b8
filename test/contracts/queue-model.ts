import { expect } from "vitest";
import type { EventQueue } from "../../shared/event-queue/event-queue.ts";

type Expected = { body: string; sentAt: Date; receives: number; visibleAt: number; handle?: string };

/** Drives a queue and keeps account of what it must and must not do. Nothing is expected of the order. */
export function queueModel(queue: EventQueue, maxReceiveCount: number, start: Date) {
  const messages = new Map<string, Expected>();
  /** Every handle ever given out, with the message it was for. */
  const handles: { handle: string; messageId: string }[] = [];
  let now = start.getTime();

  /** The message of a handle that is still the newest, and in flight. A lapsed handle is nobody's promise. */
  function inFlight(handle: string, messageId: string): Expected | undefined {
    const message = messages.get(messageId);
    return message?.handle === handle && message.visibleAt > now ? message : undefined;
  }

  /** Handles that are in flight or certainly out of date. */
  function picked(pick: number): { handle: string; messageId: string } | undefined {
    const usable = handles.filter(
      ({ handle, messageId }) => messages.get(messageId)?.handle !== handle || inFlight(handle, messageId),
    );
    return usable[pick % usable.length];
  }

  async function receive(max: number, visibilityMs: number): Promise<number> {
    const received = await queue.receive(max, visibilityMs, new Date(now));
    expect(received.length).toBeLessThanOrEqual(max);
    for (const { messageId, receiptHandle, body, sentAt, receiveCount } of received) {
      const message = messages.get(messageId);
      expect(message, "a message that was deleted or never sent").toBeDefined();
      if (message === undefined) continue;
      expect(message.visibleAt, "received within its visibility").toBeLessThanOrEqual(now);
      message.receives += 1;
      message.visibleAt = now + visibilityMs;
      message.handle = receiptHandle;
      handles.push({ handle: receiptHandle, messageId });
      expect({ body, sentAt, receiveCount }).toEqual({
        body: message.body,
        sentAt: message.sentAt,
        receiveCount: message.receives,
      });
      expect(receiveCount).toBeLessThanOrEqual(maxReceiveCount);
    }
    return received.length;
  }

  return {
    async send(bodies: string[]): Promise<void> {
      const sentAt = new Date(now);
      const ids = await queue.send(bodies, sentAt);
      expect(ids).toHaveLength(bodies.length);
      for (const [index, id] of ids.entries()) {
        expect(messages.has(id)).toBe(false);
        messages.set(id, { body: bodies[index] ?? "", sentAt, receives: 0, visibleAt: now });
      }
    },
    async receive(max: number, visibilityMs: number): Promise<void> {
      await receive(max, visibilityMs);
    },
    async delete(picks: number[]): Promise<void> {
      const chosen = picks.flatMap((pick) => picked(pick) ?? []);
      await queue.delete(chosen.map(({ handle }) => handle));
      for (const { handle, messageId } of chosen) if (inFlight(handle, messageId)) messages.delete(messageId);
    },
    async changeVisibility(pick: number, visibilityMs: number): Promise<void> {
      const chosen = picked(pick);
      if (chosen === undefined) return;
      await queue.changeVisibility(chosen.handle, visibilityMs, new Date(now));
      const message = inFlight(chosen.handle, chosen.messageId);
      if (message !== undefined) message.visibleAt = now + visibilityMs;
    },
    async wait(ms: number): Promise<void> {
      now += ms;
    },
    /** Whatever wasn't deleted comes as often as it may, and is then in the dead-letter queue. */
    async comesToRest(): Promise<void> {
      for (let round = 0; round <= maxReceiveCount; round++) {
        now += 1_000;
        for (let empty = 0; empty < 2; ) empty = (await receive(10, 1_000)) === 0 ? empty + 1 : 0;
      }
      for (const message of messages.values()) expect(message.receives).toBe(maxReceiveCount);
      expect(await queue.depth(new Date(now))).toEqual({ visible: 0, inFlight: 0, dead: messages.size });
    },
  };
}
