import type { EventQueue, KeptMessage, ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { between } from "./chance.ts";
import type { Rates } from "./faults.ts";
import type { SimulatedProcess, Surroundings } from "./simulated-process.ts";

export type StoredMessage = {
  messageId: string;
  body: string;
  sentAt: number;
  visibleAt: number;
  receiveCount: number;
  /** The order in which the queue took them. */
  sequence: number;
};

export type QueueOptions = {
  name: string;
  /** A message that was received so often goes to the dead-letter queue. */
  maxReceiveCount?: number;
  deadLetters?: StandardQueue;
  /** Told when a message is going to be visible, each time that changes. */
  onVisible: (at: number) => void;
  /** Whether a message says which came before it, as those of the embedded queue do. */
  tellsOrder?: boolean;
  onDeleted?: (message: StoredMessage) => void;
  /** Told of a message that goes to the dead-letter queue. */
  onGivenUp?: (message: StoredMessage) => void;
};

export type StandardQueue = {
  name: string;
  messages: ReadonlyMap<string, StoredMessage>;
  put(message: StoredMessage): void;
  send(bodies: readonly string[]): string[];
  /** Gives messages their places, and stores nothing. */
  admit(bodies: readonly string[]): ReceivedMessage[];
  /** Stores messages that were admitted. */
  keep(messages: readonly KeptMessage[]): void;
  receive(max: number, visibilityMs: number): ReceivedMessage[];
  delete(receiptHandles: readonly string[]): void;
  changeVisibility(receiptHandle: string, visibilityMs: number): void;
  /** An operator moves everything back to where it came from: each is a new message there. Returns how many. */
  redrive(to: Pick<StandardQueue, "send">): number;
};

const OLD_HANDLE: Rates = { "old handle taken": 0.2 };

/** Longest delay of a message on its way into the queue, and longest time until a second copy is handed out. */
const MAX_DELAYED_MS = 120_000;

/**
 * An SQS standard queue: at least once, in no order. It hands a message out twice now and then, and gives one up to its
 * dead-letter queue that was handed out too often. Its clock is the true time. Nothing in here fails: the way does.
 */
export function standardQueue({ time, chance, faults }: Surroundings, options: QueueOptions): StandardQueue {
  const { name, maxReceiveCount = 1_000, deadLetters, onVisible, onDeleted = () => {}, onGivenUp = () => {} } = options;
  const { tellsOrder = false } = options;
  let sequence = 0;
  const messages = new Map<string, StoredMessage>();
  const sent = new Map<string, number>();

  function show(message: StoredMessage, at: number): void {
    message.visibleAt = at;
    onVisible(at);
  }

  /** From what it says: chance is drawn by name, and no name may depend on other messages. */
  function idOf(body: string): string {
    const said = nameOf(body);
    const number = (sent.get(said) ?? 0) + 1;
    sent.set(said, number);
    return `${said}, ${number}`;
  }

  function put(message: StoredMessage): void {
    messages.set(message.messageId, message);
    show(message, message.visibleAt);
  }

  /** The message of a handle. With an old one, SQS says, "the message might not be deleted": it might be, too. */
  function held(receiptHandle: string): StoredMessage | undefined {
    const [messageId = "", receiveCount] = receiptHandle.split("/");
    const message = messages.get(messageId);
    const old = message?.receiveCount !== Number(receiveCount);
    return old && faults.strike(`${receiptHandle} is old`, OLD_HANDLE) === undefined ? undefined : message;
  }

  return {
    name,
    messages: messages as ReadonlyMap<string, StoredMessage>,
    put,
    send(bodies) {
      return bodies.map((body) => {
        const messageId = idOf(body);
        const point = `${messageId} sent to ${name}`;
        const late = faults.strike(point, { "message delayed": 0.02 }) === undefined ? 0 : 1;
        const now = time.now();
        const visibleAt = now + late * between(chance(point), 1_000, MAX_DELAYED_MS);
        put({ messageId, body, sentAt: now, visibleAt, receiveCount: 0, sequence: ++sequence });
        return messageId;
      });
    },
    admit(bodies) {
      return bodies.map((body) => {
        const messageId = idOf(body);
        const order = tellsOrder ? { sequence: ++sequence } : {};
        return {
          messageId,
          receiptHandle: `${messageId}/1`,
          body,
          sentAt: new Date(time.now()),
          receiveCount: 1,
          ...order,
        };
      });
    },
    keep(kept) {
      for (const { message, visibleAt, receives } of kept) {
        const { messageId, body, sentAt, sequence: place = ++sequence } = message;
        if (messages.has(messageId)) continue;
        const times = { sentAt: sentAt.getTime(), visibleAt: visibleAt.getTime() };
        put({ messageId, body, ...times, receiveCount: receives, sequence: place });
      }
    },
    receive(max, visibilityMs) {
      const now = time.now();
      const visible = [...messages.values()].filter(({ visibleAt }) => visibleAt <= now);
      const order = new Map(visible.map((message) => [message, chance(`${message.messageId} turn ${now}`)]));
      visible.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
      const mayBeReceived = visible.filter((message) => {
        if (message.receiveCount < maxReceiveCount || deadLetters === undefined) return true;
        messages.delete(message.messageId);
        onGivenUp(message);
        deadLetters.put({ ...message, receiveCount: 0, visibleAt: now });
        return false;
      });
      return mayBeReceived.slice(0, max).map((message): ReceivedMessage => {
        message.receiveCount += 1;
        const { messageId, body, sentAt, receiveCount } = message;
        const point = `${messageId} received ${receiveCount} from ${name}`;
        const twice = faults.strike(point, { "message handed out twice": 0.03 }) !== undefined;
        const again = twice ? between(chance(point), 0, 5_000) : visibilityMs;
        show(message, now + again);
        const handle = `${messageId}/${receiveCount}`;
        const order = tellsOrder ? { sequence: message.sequence } : {};
        return { messageId, receiptHandle: handle, body, sentAt: new Date(sentAt), receiveCount, ...order };
      });
    },
    delete(receiptHandles) {
      for (const handle of receiptHandles) {
        const message = held(handle);
        if (message === undefined || !messages.delete(message.messageId)) continue;
        onDeleted(message);
      }
    },
    changeVisibility(receiptHandle, visibilityMs) {
      const message = held(receiptHandle);
      if (message !== undefined) show(message, time.now() + visibilityMs);
    },
    redrive(to) {
      const all = [...messages.values()].filter(({ visibleAt }) => visibleAt <= time.now());
      for (const { messageId } of all) messages.delete(messageId);
      to.send(all.map(({ body }) => body));
      return all.length;
    },
  };
}

/** What a message is about. */
function nameOf(body: string): string {
  const [, component = "", eventKey = ""] = /^{"redelivery":{"component":"([^"]*)","eventKey":"(.{6})/.exec(body) ?? [];
  if (component !== "") return `again ${eventKey} at ${component}`;
  const [, id] = /^{"version":"0","id":"([^"]*)"/.exec(body) ?? [];
  if (id !== undefined) return id;
  const [, about, attempt] =
    /"idempotencyKey":"([^"]*)","publisherKey":"[^"]*","generation":"[^"]*","attempt":(\d+)/.exec(body) ?? [];
  const what = body.startsWith('{"forged":true,') ? "forged outcome" : "outcome";
  return about === undefined ? body : `${what} of ${about} attempt ${attempt}`;
}

/** The queue as a process far from it sees it. */
export function distantQueue(
  process: SimulatedProcess,
  queue: StandardQueue,
): Pick<EventQueue, "send" | "changeVisibility"> {
  return {
    send: (messages) =>
      process.call(`send to ${queue.name}`, () =>
        queue.send(messages.map((message) => (typeof message === "string" ? message : message.body))),
      ),
    changeVisibility: (handle, visibilityMs) =>
      process.call(`change visibility in ${queue.name}`, () => queue.changeVisibility(handle, visibilityMs)),
  };
}
