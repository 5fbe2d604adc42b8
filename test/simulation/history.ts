import type { Replay } from "../../shared/domain/replays/replay.ts";
import type { StruckFault } from "./faults.ts";
import type { PlannedReplay } from "./planned-replays.ts";

/** What a publisher asked for, and what it was told. */
export type Published = {
  id: string;
  at: number;
  /** Undefined: the request failed, and the event may have arrived all the same. */
  acceptedAt?: number;
  detailType: string;
  key: string;
  payload: number;
  project: string;
  customer: string;
  /** The event's own text. */
  body: string;
  readable: boolean;
  deadly: boolean;
};

/** Whether the two name one event: a publisher's key counts among the events of its type. */
export function isSameKey(a: Pick<Published, "detailType" | "key">, b: Pick<Published, "detailType" | "key">): boolean {
  return a.detailType === b.detailType && a.key === b.key;
}

/** The routing from a revision on, as its operator understands it. */
export type RoutingState = {
  /** Alias by project. */
  pins: ReadonlyMap<string, string>;
  aliases: ReadonlyMap<string, "usable" | "retired">;
  allStable: boolean;
  /** Keys of the rows that can't be read. */
  damaged: ReadonlySet<string>;
};

/** A change of routing: when it took effect, and when its operator was told so. */
export type Committed = { revision: number; at: number; toldAt?: number; what: string; routing: RoutingState };

/** A replay that an operator has started: what was asked of it, and what it said of itself at the end. */
export type SeenReplay = PlannedReplay & {
  startedAt: number;
  asks: { asked: Replay["asked"]; at: number; toldAt?: number }[];
  last?: Replay;
};

/** A run of a function on a batch of messages; of a replayer: what it did after it was asked whether it may go on. */
export type Batch = {
  id: string;
  process: string;
  startedAt: number;
  endedAt?: number;
  how?: "finished" | "failed" | "process crashed" | "function timed out";
  messages: string[];
  /** The replay that the batch belongs to. */
  replay?: string;
  /** Faults that struck the process or its messages' deliveries meanwhile. */
  hits: number;
};

/** An invocation as the version saw it; `arrivedAt` is undefined when it never got there. */
export type Run = {
  component: string;
  alias: string;
  invocation: "sync" | "async";
  /** The publisher's key. */
  key: string;
  /** The key that its consumer is given, and dedups its effects on. */
  consumerKey: string;
  detailType: string;
  generation: string;
  replay: string | null;
  attempt: number;
  routingRevision: number;
  project: string;
  payload: unknown;
  /** The event's text without what Turnout added. */
  event: string;
  timeoutMs: number;
  /** Who sent it, in which batch, and how far the sender's clock was ahead. */
  process: string;
  batch: Batch | undefined;
  clockMs: number;
  sentAt: number;
  arrivedAt?: number;
  startedAt?: number;
  endedAt?: number;
  effectAt?: number;
  outcome?: "succeeded" | "failed" | "no room" | "never begun" | "unreachable";
  /** When the sender stopped waiting, answered or not, and what it was told. */
  hungUpAt?: number;
  told?: "succeeded" | "failed" | "accepted" | "no room";
  /** When each message about its outcome was sent. */
  outcomesSentAt: number[];
};

/** Everything that was seen from outside, in the order in which it happened. Times are true times. */
export type History = {
  startedAt: number;
  published: Published[];
  commits: Committed[];
  batches: Batch[];
  runs: Run[];
  /** Messages that a queue gave up, by body. */
  deadLettered: { at: number; body: string }[];
  redriven: { at: number; messages: number }[];
  swept: { at: number; process: string; redelivered: number }[];
  faults: readonly StruckFault[];
  replays: SeenReplay[];
  /** Effects by the component and the key on which the consumer dedups. */
  effects: Map<string, { at: number; run: Run }>;
  /** Farthest that any router's clock was ahead of the true time. */
  maxClockMs: number;
  /** What was thrown that nobody should throw. */
  surprises: { at: number; error: unknown }[];
};

export function emptyHistory(startedAt: number, faults: readonly StruckFault[]): History {
  return {
    startedAt,
    published: [],
    commits: [],
    batches: [],
    runs: [],
    deadLettered: [],
    redriven: [],
    swept: [],
    faults,
    replays: [],
    effects: new Map(),
    maxClockMs: 0,
    surprises: [],
  };
}
