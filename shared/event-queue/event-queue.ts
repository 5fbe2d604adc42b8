/** A message taken from the queue, with the right to delete it until it becomes visible again. */
export type ReceivedMessage = {
  messageId: string;
  /** Changes with every receive; an old one no longer works. */
  receiptHandle: string;
  body: string;
  sentAt: Date;
  /** Its place among the messages of one sent time, where anybody knows; the same at every receive. */
  sequence?: number;
  /** How often it was received, this time included. */
  receiveCount: number;
  /** Whose it is, where the queue says so. */
  group?: string;
};

/**
 * A message's text. Messages of one group (a customer, say) share the queue fairly with those of other groups: where
 * one sends a flood, the others' messages don't wait behind it.
 */
export type OutgoingMessage = string | { body: string; group: string };

/** How long a message stays hidden that a router was given: six times the longest router run, as AWS advises. */
export const HANDED_OUT_MS = 6 * 900_000;

export type QueueDepth = { visible: number; inFlight: number; dead: number };

/** Events on their way to the router: at least once, in no promised order, as SQS standard queues behave. */
export interface EventQueue {
  /**
   * Stores the messages durably, all or none; on SQS an error may leave some of them sent. Returns their ids in the same
   * order.
   */
  send(messages: readonly OutgoingMessage[], now: Date): Promise<string[]>;
  /**
   * Takes up to `max` visible messages and hides them for `visibilityMs`. A message received `maxReceiveCount` times
   * already goes to the dead-letter queue instead.
   * @param inTurnOnly leaves what a group has sent beyond its fair share, where the queue knows; default false
   */
  receive(max: number, visibilityMs: number, now: Date, inTurnOnly?: boolean): Promise<ReceivedMessage[]>;
  /** Removes messages for good. A receipt handle that is out of date is ignored. */
  delete(receiptHandles: readonly string[]): Promise<void>;
  /** Makes a message visible again in `visibilityMs` from now (0: at once). An out-of-date handle is ignored. */
  changeVisibility(receiptHandle: string, visibilityMs: number, now: Date): Promise<void>;
  depth(now: Date): Promise<QueueDepth>;
}

/** A message that an `AdmittingQueue` is to store after all. */
export type KeptMessage = {
  message: ReceivedMessage;
  visibleAt: Date;
  /** How often it counts as received by then. */
  receives: number;
};

/** A queue whose only consumer may work off messages that were never stored in it. */
export interface AdmittingQueue {
  /**
   * Takes in messages as if they had been sent and received, and stores nothing: it is the consumer's that none is lost.
   * Their places are after those of all that were sent before. They count as in flight until `leave` is told.
   * @returns undefined where messages wait that come first, or there is nobody who alone receives from the queue
   */
  admit(bodies: readonly string[], now: Date): ReceivedMessage[] | undefined;
  /** Stores messages that were admitted, durably, all or none. One that is stored already stays as it is. */
  keep(messages: readonly KeptMessage[]): Promise<void>;
  /** The consumer is through with these. */
  leave(admitted: readonly ReceivedMessage[]): void;
}
