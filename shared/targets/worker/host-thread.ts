import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import { originTag } from "../../domain/deliveries/request-id.ts";
import type { Send } from "../target.ts";
import { deadlineTimer } from "./deadline-timer.ts";
import type { FromHost } from "./host-messages.ts";
import { MOST_HANDED } from "./thread-progress.ts";

/** A host that doesn't end an attempt by itself, this long after its time, is ended with all that it runs. */
const OVERDUE_AFTER_MS = 1_500;

/** A thread whose last event took less than this is given some more before it has answered, and loses no time between. */
const QUICK_MS = 1;

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

type EventForThread = Pick<Send, "payload" | "requestId" | "of" | "alias" | "timeoutMs">;

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
  /** Whether it has room, and is through with all that it has been given before another one would have begun. */
  isSoonFree(): boolean;
  /** Only when ready, and nothing else runs unless it has room. Each event runs by itself, in the order given. */
  invoke(send: EventForThread, answer: (invoked: Invoked) => void): void;
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
  tell: (payload: string, number: number, requestId: string, alias: string, timeoutMs: number) => void;
  /** Whether its host has ended. */
  isOver: () => boolean;
  /** Whether its host was told to stop. */
  isStopping: () => boolean;
  /** Called when an event's time is long over and it hasn't ended. */
  onOverdue: () => void;
};

type Handed = {
  number: number;
  timeoutMs: number;
  /** Once it is the first, and so may run. */
  startMs: number | undefined;
  answer: (invoked: Invoked) => void;
};

/** One thread of a host, which has been told to start it. */
export function startedThread({ tell, isOver, isStopping, onOverdue }: ThreadOptions): StartedThread {
  const loaded = Promise.withResolvers<Loaded>();
  const ended = Promise.withResolvers<void>();
  /** What it was given and hasn't answered, in that order. */
  const handed: Handed[] = [];
  let lastNumber = 0;
  let state: ThreadState = "loading";
  let lastDurationMs = Number.POSITIVE_INFINITY;

  /** Its time begins: the host begins it as soon as the one before it is through. */
  function beginFirst(): void {
    const [first] = handed;
    if (first === undefined) return;
    first.startMs = performance.now();
    watch(first.startMs + first.timeoutMs + OVERDUE_AFTER_MS);
  }

  const watch = deadlineTimer((nowMs) => {
    const [first] = handed;
    if (first?.startMs === undefined) return undefined;
    const overdueMs = first.startMs + first.timeoutMs + OVERDUE_AFTER_MS;
    if (nowMs < overdueMs) return overdueMs;
    onOverdue();
    return undefined;
  });

  /** An answer for an attempt that the thread hasn't got, or a second one, is nobody's; so is one out of turn. */
  function answer(number: number, invoked: Invoked): void {
    const index = handed.findIndex((one) => one.number === number);
    const one = handed[index];
    if (one === undefined || (index > 0 && invoked.outcome !== "not begun")) return;
    handed.splice(index, 1);
    lastDurationMs = invoked.outcome === "done" ? invoked.durationMs : Number.POSITIVE_INFINITY;
    if (index === 0) beginFirst();
    // Threads that are stopped fail what they run, and say so if the process lives for long enough.
    one.answer(isStopping() && invoked.outcome === "failed" ? { outcome: "stopped" } : invoked);
  }

  function end(fateOf: (startMs: number | undefined) => Invoked, unlessLoaded: Loaded): void {
    state = "ended";
    const ends = handed.splice(0).map((one) => ({ ...one, fate: fateOf(one.startMs) }));
    // Once its host's other threads have ended, too: what is to be run again must not be given to one of them.
    queueMicrotask(() => {
      for (const { answer, fate } of ends) answer(fate);
    });
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

  const hasRoom = () =>
    state === "ready" && lastDurationMs < QUICK_MS && handed.length > 0 && handed.length < MOST_HANDED;

  return {
    state: () => state,
    loaded: loaded.promise,
    ended: ended.promise,
    handed: () => handed.length,
    hasRoom,
    isSoonFree: () => hasRoom() && handed.length * lastDurationMs < QUICK_MS,
    invoke({ payload, requestId, of, alias, timeoutMs }, answer) {
      if (isOver()) {
        queueMicrotask(() => answer({ outcome: "not begun" }));
        return;
      }
      const number = ++lastNumber;
      handed.push({ number, timeoutMs, startMs: undefined, answer });
      if (handed.length === 1) beginFirst();
      // To the host a request goes by what its lines are to begin with.
      tell(payload, number, originTag({ requestId, ...of }), alias, timeoutMs);
    },
    take,
    end,
  };
}
