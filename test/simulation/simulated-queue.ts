import type { EventQueue, ReceivedMessage } from "../../shared/event-queue/event-queue.ts";

type Stored = { messageId: string; body: string; sentAt: Date; visibleAt: number; receiveCount: number };

export type SimulatedQueueOptions = {
  /** Told when a message is going to be visible, each time that changes. */
  onVisibleAt?: (at: number) => void;
  onDeleted?: (messageId: string) => Promise<void>;
  /** Whether a message that is being taken stays visible all the same, as SQS may let it. */
  staysVisible?: () => boolean;
};

/** A queue in memory, at least once and in no order that matters, on the time that its callers tell it. */
export function simulatedQueue(options: SimulatedQueueOptions = {}) {
  const { onVisibleAt = () => {}, onDeleted = async () => {}, staysVisible = () => false } = options;
  const messages = new Map<string, Stored>();
  let sent = 0;

  const held = (receiptHandle: string): Stored | undefined => {
    const [messageId = "", receiveCount] = receiptHandle.split("/");
    const message = messages.get(messageId);
    return message?.receiveCount === Number(receiveCount) ? message : undefined;
  };
  const show = (message: Stored, at: number) => {
    message.visibleAt = at;
    onVisibleAt(at);
  };

  const queue: EventQueue = {
    async send(outgoing, now) {
      return outgoing
        .map((message) => (typeof message === "string" ? message : message.body))
        .map((body) => {
          const messageId = `message-${++sent}`;
          const message = { messageId, body, sentAt: now, visibleAt: 0, receiveCount: 0 };
          messages.set(messageId, message);
          show(message, now.getTime());
          return messageId;
        });
    },
    async receive(max, visibilityMs, now) {
      const visible = [...messages.values()].filter(({ visibleAt }) => visibleAt <= now.getTime());
      return visible.slice(0, max).map((message): ReceivedMessage => {
        message.receiveCount += 1;
        if (!staysVisible()) show(message, now.getTime() + visibilityMs);
        const { messageId, body, sentAt, receiveCount } = message;
        return { messageId, receiptHandle: `${messageId}/${receiveCount}`, body, sentAt, receiveCount };
      });
    },
    async delete(receiptHandles) {
      for (const handle of receiptHandles) {
        const message = held(handle);
        if (message === undefined) continue;
        messages.delete(message.messageId);
        await onDeleted(message.messageId);
      }
    },
    async changeVisibility(receiptHandle, visibilityMs, now) {
      const message = held(receiptHandle);
      if (message !== undefined) show(message, now.getTime() + visibilityMs);
    },
    async depth(now) {
      const visible = [...messages.values()].filter(({ visibleAt }) => visibleAt <= now.getTime()).length;
      return { visible, inFlight: messages.size - visible, dead: 0 };
    },
  };
  return {
    ...queue,
    /** When each message that is still there is visible, in ms since the epoch. */
    visibleAt: () =>
      Object.fromEntries([...messages.values()].map(({ messageId, visibleAt }) => [messageId, visibleAt])),
  };
}
