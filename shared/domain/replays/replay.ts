import type * as z from "zod/mini";
import type { RecordPlace } from "../deliveries/delivery.ts";
import { LIVE } from "../deliveries/delivery-key.ts";
import type { OutcomeFilter } from "../deliveries/event-outcome.ts";
import type { Remedy } from "../remedy.ts";
import type { Alias } from "../routing/alias.ts";
import { nameSchema } from "../text/schema.ts";
import type { TimeWindow } from "../text/time-window.ts";
import type { MatchedRows } from "./matched-rows.ts";

/**
 * What a replay is called, and the generation of what it delivers: 1 to 64 lower-case letters, digits and hyphens. It is
 * used once: another replay of the same name would find everything delivered already.
 */
export const ReplayName = nameSchema("a replay's name", 64);
export type ReplayName = z.infer<typeof ReplayName>;

/** True for a name that deliveries of events as they arrive go by. */
export function isReservedName(name: string): boolean {
  return name === LIVE;
}

/**
 * `rerun`: every matching delivery is made once more, in a generation of its own, so that idempotent consumers run it
 * again. `finish`: what is dead, or waits for another attempt, is tried again in the generation that it has.
 */
export const replayModes = ["rerun", "finish"] as const;
export type ReplayMode = (typeof replayModes)[number];

/** Where it delivers to: what the routing says then, the alias that handled the delivery before, or one alias. */
export type ReplayDestination = { kind: "today" } | { kind: "original" } | { kind: "alias"; alias: Alias };

/** What is to be delivered again. */
export type ReplayRequest = {
  /** By the time an event arrived. Absolute: a replay that goes on for an hour still means the same events. */
  window: TimeWindow;
  filter: OutcomeFilter;
  mode: ReplayMode;
  destination: ReplayDestination;
  /** What would run this version is skipped: an undo must not send anything to the version that it undoes. */
  avoidVersion?: string;
};

/** Why something that the filter matches isn't delivered again. */
export const skipReasons = {
  duplicate: "the same event came before, and that one counts",
  unmatched: "no component listened",
  waiting: "no router has taken it up yet: it will be delivered by today's routing",
  rejected: "its key was used before for another payload: it never runs",
  unreadable: "it can't be read",
  undelivered: "it couldn't be read when it arrived, and is delivered only if that is asked for",
  "body unavailable": "its body is lost or damaged",
  "not at rest": "it is being delivered, or will be tried again, by today's routing",
  "held up": "an earlier event of its project is to be tried again first",
  "claimed since": "it was taken up after the replay began, by the routing of then",
  repaired: "it is dead, and a later replay has made it good",
  superseded: "a later replay has run it too, and what that one made is what can be finished",
  "done already": "it was delivered, and is not run again to finish it",
  forgotten: "its ledger entry has expired, and with it whether it was delivered",
  "no component": "the component has been removed",
  "not listening": "the component doesn't listen to such events any more",
  "row unreadable": "a row that decides where it goes can't be read",
  "alias gone": "the alias that it should go to is retired or gone",
  "same version": "it would go to the version that is being undone",
  cancelled: "the replay was cancelled before",
} as const;
export type SkipReason = keyof typeof skipReasons;

/** What to do to have them delivered after all, or to learn more. */
export const skipRemedies: { [reason in SkipReason]?: Remedy } = {
  unmatched: { operation: "select unmatched" },
  undelivered: { operation: "select rejected" },
  "body unavailable": { operation: "show event" },
  "row unreadable": { operation: "examine installation" },
};

/** So many deliveries of a component went, or would go, to a version. Empty where none is known. */
export type VersionCount = { component: string; alias: Alias; version: string; count: number };

/** What a pass over the window has found. `matched` is `sent` and all that was skipped. */
export type ReplayCounts = {
  /** Records looked at. */
  scanned: number;
  matched: number;
  /** Deliveries that this replay makes, by where they went. */
  sent: number;
  versions: VersionCount[];
  skipped: Partial<Record<SkipReason, number>>;
  /** Of those sent. `open`: to be tried again, or its outcome is still to come. */
  done: number;
  dead: number;
  open: number;
};

/**
 * A part of the window that isn't at rest, after one record and up to another: with what it adds to the counts, and how
 * many things are waited for in it.
 */
export type OpenStretch = {
  after?: RecordPlace;
  upTo: RecordPlace;
  counts: ReplayCounts;
  waitsFor: number;
  /** It was read so soon after the replay began that a record of before may have come since. */
  early?: true;
};

/**
 * How far it is. Pass 1 goes over the whole window. Every later pass visits the stretches that are open, until none is:
 * then all is at rest. One that is cancelled goes over the whole window once more, for what it had begun.
 */
export type ReplayProgress = {
  pass: number;
  /** The last record that the pass has done with, all before it included. */
  after?: RecordPlace;
  counts: ReplayCounts;
  /** What had been counted before, while a pass over the whole window counts anew. */
  before?: ReplayCounts;
  /** Set once it goes over what it had begun when it was cancelled; `stopAfter`: it had done with all up to here. */
  cancelling?: true;
  stopAfter?: RecordPlace;
  /** In order of time; found by the pass over the whole window, and fewer with every pass after it. */
  stretches: OpenStretch[];
  /** When the next pass begins; undefined while one is under way. */
  nextPassAt?: Date;
  /** The pause before it; undefined where something came to rest in the pass before. */
  pauseMs?: number;
  startedAt?: Date;
  firstSentAt?: Date;
  endedAt?: Date;
  /** Why it goes no further at the moment; of one that has failed, why it went no further. */
  trouble?: string;
  /** Since when its runs have ended in errors without getting any further, the last of them, and how many there were. */
  failing?: { since: Date; last: Date; tries: number };
  /** It has ended because that went on for too long. It can be resumed, or cancelled. */
  failed?: true;
};

/** A window of events that is delivered again, as a job of the server. */
export type Replay = ReplayRequest & {
  name: ReplayName;
  /** Rises with every stored change, and only the newest may be changed. */
  lock: number;
  who: string;
  why: string;
  /** The command as typed. */
  command: string;
  requestedAt: Date;
  /** Deliveries begun per second at most; undefined: as fast as it goes. */
  ratePerSecond?: number;
  /** Deliveries on their way at once. */
  concurrency: number;
  /** What the plan said that was agreed to. */
  planned: ReplayCounts;
  /** When what that plan matches arrived. */
  matched?: MatchedRows;
  /** What its operators want of it, and who said so last. */
  asked: "run" | "pause" | "cancel";
  askedBy?: { who: string; why: string; at: string };
  progress: ReplayProgress;
  /** Who drives it, and until when unless it says so again. */
  driver?: { id: string; until: Date };
};

/**
 * `queued`: no server has taken it up. `waiting`: for the time of its next pass. `stopping`: cancelled, and what it has
 * begun comes to its end. `done` and `cancelled` are at rest. `failed`: it was given up, with what it had begun as it is.
 */
export const replayStatuses = [
  "queued",
  "running",
  "waiting",
  "pausing",
  "paused",
  "stopping",
  "cancelled",
  "done",
  "failed",
] as const;
export type ReplayStatus = (typeof replayStatuses)[number];

/** The one status of a replay, the same wherever it is shown. */
export function statusOf({ asked, progress, driver }: Replay, now: Date): ReplayStatus {
  const driven = driver !== undefined && driver.until > now;
  if (progress.failed) return "failed";
  if (progress.endedAt !== undefined) return asked === "cancel" ? "cancelled" : "done";
  if (asked === "cancel") return "stopping";
  if (asked === "pause") return driven ? "pausing" : "paused";
  if (progress.startedAt === undefined) return "queued";
  if (progress.nextPassAt !== undefined && progress.nextPassAt > now) return "waiting";
  return "running";
}

/** Replays that haven't ended, at most: each takes a share of what the components can do. */
export const MAX_ACTIVE_REPLAYS = 5;

export const DEFAULT_RATE_PER_SECOND = 100;
export const DEFAULT_CONCURRENCY = 25;
/** Five replays of one replayer have as many connections to Lambda as it keeps, 500. */
export const MAX_CONCURRENCY = 100;

export function isEnded({ progress }: Pick<Replay, "progress">): boolean {
  return progress.endedAt !== undefined;
}

export function noCounts(): ReplayCounts {
  return { scanned: 0, matched: 0, sent: 0, versions: [], skipped: {}, done: 0, dead: 0, open: 0 };
}
