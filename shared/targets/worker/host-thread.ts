import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import { originTag } from "../../domain/deliveries/request-id.ts";
import type { Send } from "../target.ts";
import type { FromHost } from "./host-messages.ts";

/** A host that doesn't end an attempt by itself, this long after its time, is ended with all that it runs. */
const OVERDUE_AFTER_MS = 1_500;

/** A thread whose last event took less than this is given some more before it has answered, and loses no time between. */
const QUICK_MS = 1;
const MOST_HANDED = 16;

/** What came of an event that was given to a thread. */
export type Invoked =
  | { outcome: "done"; durationMs: number }
  | { outcome: "failed"; durationMs: number; error: DeliveryError }
  /** Nothing was run. */
  | { outcome: "not begun" }
  /** The host ended under it, and of all that ran in it only this can be why. */
  | { outcome: "crashed"; durationMs: number; error: DeliveryError }
  /** The host ended under it, because of this or of another event that ran in it. */
  | { outcome: "suspected"; durationMs: number; error: DeliveryError }
  /** The host was ended under it because of another event. */
  | { outcome: "interrupted" }
  /** The host was told to stop. */
  | { outcome: "stopped" };

export type ThreadState = "loading" | "ready" | "ending" | "ended";

export type Loaded = "ready" | "interrupted" | DeliveryError;

/** One thread of a host. */
export type HostThread = {
  state(): ThreadState;
  /** Settles once the handler can be called, with what went wrong, or when the host was ended because of another thread. */
  loaded: Promise<Loaded>;
  /** Settles once the thread is gone. */
  ended: Promise<void>;
  /** How many events it has been given that aren't answered: the first of them runs, the others wait for it. */
  handed(): number;
  /** Whether it may be given an event more although it runs one: it is through with its events so fast. */
  hasRoom(): boolean;
  /** Only when ready, and nothing else runs unless it has room. Each event runs by itself, in the order given. */
  invoke(send: Pick<Send, "payload" | "requestId" | "of" | "alias" | "timeoutMs">): Promise<Invoked>;
};

/** A thread as its host has it. */
export type StartedThread = HostThread & {
  /** Takes what the process has said of it. */
  take(said: FromHost): void;
  /** It is gone: what it was given comes to what is said of it, by when it began, if it did. */
  end(fateOf: (startMs: number | undefined) => Invoked, unlessLoaded: Loaded): void;
};

export type ThreadOptions = {
  /** Gives the process an event for the thread. */
  tell: (event: [payload: string, requestId: string, alias: string, timeoutMs: number]) => void;
  /** Whether its host has ended. */
  isOver: () => boolean;
  /** Whether its host was told to stop. */
  isStopping: () => boolean;
  /** Called when an event's time is long over and it hasn't ended. */
  onOverdue: () => void;
};

type Handed = {
  requestId: string;
  timeoutMs: number;
  /** Once it is the first, and so may run. */
  startMs?: number;
  overdue?: NodeJS.Timeout;
  resolve: (invoked: Invoked) => void;
};

/** One thread of a host, which has been told to start it. */
export function startedThread({ tell, isOver, isStopping, onOverdue }: ThreadOptions): StartedThread {
  const loaded = Promise.withResolvers<Loaded>();
  const ended = Promise.withResolvers<void>();
  /** What it was given and hasn't answered, in that order. */
  const handed: Handed[] = [];
  let state: ThreadState = "loading";
  let lastDurationMs = Number.POSITIVE_INFINITY;

  /** Its time begins: the host begins it as soon as the one before it is through. */
  function beginFirst(): void {
    const [first] = handed;
    if (first === undefined) return;
    first.startMs = performance.now();
    first.overdue = setTimeout(onOverdue, first.timeoutMs + OVERDUE_AFTER_MS);
  }

  /** An answer for an attempt that the thread hasn't got, or a second one, is nobody's; so is one out of turn. */
  function answer(requestId: string, invoked: Invoked): void {
    const index = handed.findIndex((one) => one.requestId === requestId);
    const one = handed[index];
    if (one === undefined || (index > 0 && invoked.outcome !== "not begun")) return;
    handed.splice(index, 1);
    lastDurationMs = invoked.outcome === "done" ? invoked.durationMs : Number.POSITIVE_INFINITY;
    if (index === 0) beginFirst();
    // Threads that are stopped fail what they run, and say so if the process lives for long enough.
    finish(one, isStopping() && invoked.outcome === "failed" ? { outcome: "stopped" } : invoked);
  }

  function end(fateOf: (startMs: number | undefined) => Invoked, unlessLoaded: Loaded): void {
    for (const one of handed.splice(0)) finish(one, fateOf(one.startMs));
    state = "ended";
    loaded.resolve(unlessLoaded);
    ended.resolve();
  }

  function take(said: FromHost): void {
    switch (said[0]) {
      case "loaded":
        if (state !== "loading") return;
        state = "ready";
        loaded.resolve("ready");
        return;
      case "unloadable":
        loaded.resolve(said[2]);
        return;
      case "ending":
        state = "ending";
        return;
      case "done":
        answer(said[2], { outcome: "done", durationMs: said[3] });
        return;
      case "failed":
        answer(said[2], { outcome: "failed", durationMs: said[3], error: said[4] });
        return;
      case "not begun":
        answer(said[2], { outcome: "not begun" });
        return;
      case "ended":
        end(() => ({ outcome: "not begun" }), "interrupted");
        return;
    }
  }

  return {
    state: () => state,
    loaded: loaded.promise,
    ended: ended.promise,
    handed: () => handed.length,
    hasRoom: () => state === "ready" && lastDurationMs < QUICK_MS && handed.length > 0 && handed.length < MOST_HANDED,
    invoke: ({ payload, requestId: id, of, alias, timeoutMs }) =>
      new Promise((resolve) => {
        // To the host a request goes by what its lines are to begin with.
        const requestId = originTag({ requestId: id, ...of });
        if (isOver()) return resolve({ outcome: "not begun" });
        handed.push({ requestId, timeoutMs, resolve });
        if (handed.length === 1) beginFirst();
        tell([payload, requestId, alias, timeoutMs]);
      }),
    take,
    end,
  };
}

function finish({ overdue, resolve }: Handed, invoked: Invoked): void {
  clearTimeout(overdue);
  resolve(invoked);
}
