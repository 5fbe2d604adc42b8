import { compareRecords, type RecordPlace } from "../deliveries/delivery.ts";
import { noCounts, type OpenStretch, type Replay, type ReplayProgress } from "./replay.ts";
import { summed, withRecounted } from "./replay-counts.ts";

/** What was found in a part of the window, and how many of its things are waited for. */
export type Found = Pick<OpenStretch, "counts" | "waitsFor">;

/** What a page of the window has come to. */
export type FoundPage = Found & { upTo: RecordPlace; decidedAt: Date; firstSentAt?: Date };

/** Most stretches that are remembered apart. */
const MAX_STRETCHES = 32;

/** The time between two passes over what is open: doubles with every pass in which nothing came to rest. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/**
 * How much later than its claim a record may come: both are written side by side, before anything is sent. Three tries of
 * a request to DynamoDB. What was read of the window before that is looked at again.
 */
export const RECORD_LAG_MS = 10_000;

/** What arrived longer before the replay than this has been recorded by then, unless it had been waiting in the queue. */
const ARRIVING_MS = 900_000;

/** From here on it only sees to what it has begun: all of it is gone over once more, and counted. */
export function beginCancelling(replay: Replay): Replay {
  const { pass, after = windowStart(replay), counts, startedAt, firstSentAt } = replay.progress;
  const progress: ReplayProgress = {
    pass: 2,
    counts: noCounts(),
    before: counts,
    stretches: [],
    cancelling: true,
    ...(pass === 1 ? { stopAfter: after } : {}),
    ...(startedAt && { startedAt }),
    ...(firstSentAt && { firstSentAt }),
  };
  return { ...replay, progress };
}

/** Whether its pass goes over the whole window: pass 1, and the first one of a replay that is cancelled. */
export function isWholePass({ progress: { pass, before } }: Replay): boolean {
  return pass === 1 || before !== undefined;
}

/** Whether a cancelled replay is behind everything that it had done with. */
export function isPastStop(replay: Replay): boolean {
  const { stopAfter, after = windowStart(replay) } = replay.progress;
  return stopAfter !== undefined && compareRecords(after, stopAfter) >= 0;
}

/** The open stretches by whether this pass has been at them already: it may go on from a checkpoint. */
export function stretchesOf({ progress: { after, stretches } }: Replay): { been: OpenStretch[]; ahead: OpenStretch[] } {
  const isAhead = ({ upTo }: OpenStretch) => after === undefined || compareRecords(upTo, after) > 0;
  return { been: stretches.filter((stretch) => !isAhead(stretch)), ahead: stretches.filter(isAhead) };
}

/**
 * How a replay goes on after each of its steps.
 * @param settleMs how long a router may still be at what it claimed before the replay began
 */
export function replayAfter(settleMs: number) {
  /** Whether it is too early for all records to be there of what was claimed before the replay began. */
  const isEarly = (replay: Replay, at: Date) => at < allRecordedAt(replay, settleMs);
  const asRead = (replay: Replay, stretch: OpenStretch, at: Date): OpenStretch =>
    isEarly(replay, at) ? { ...stretch, early: true } : stretch;

  return {
    page(replay: Replay, { upTo, counts, waitsFor, decidedAt, firstSentAt: sentAt }: FoundPage): Replay {
      const { progress } = replay;
      const { after, firstSentAt = sentAt } = progress;
      const stretch = asRead(replay, { ...(after && { after }), upTo, counts, waitsFor }, decidedAt);
      const stretches = withStretch(progress.stretches, stretch);
      const sum = summed(progress.counts, counts);
      return {
        ...replay,
        progress: { ...progress, after: upTo, counts: sum, stretches, ...(firstSentAt && { firstSentAt }) },
      };
    },
    wholePass(replay: Replay, now: Date): Replay {
      const { after, before: _, ...rest } = replay.progress;
      const end: OpenStretch = { ...(after && { after }), upTo: windowEnd(replay), counts: noCounts(), waitsFor: 0 };
      // What was read before the start plus the lag includes that nothing came after the last record.
      const stretches = withStretch(rest.stretches, asRead(replay, end, now));
      return { ...replay, progress: pausing({ ...rest, stretches }, now, allRecordedAt(replay, settleMs)) };
    },
    /** Whether a stretch needn't be read now: nothing is waited for in it but what may come until later. */
    canWait: (replay: Replay, { waitsFor }: OpenStretch, now: Date) => waitsFor === 0 && isEarly(replay, now),
    /** @param readAt when what was found of it began to be read */
    stretch(replay: Replay, { early: _, ...stretch }: OpenStretch, found: Found, readAt: Date): Replay {
      const { progress } = replay;
      const again = asRead(replay, { ...stretch, ...found }, readAt);
      const stretches = progress.stretches.map((one) => (isSame(one.upTo, stretch.upTo) ? again : one));
      const counts = withRecounted(progress.counts, stretch.counts, found.counts);
      return { ...replay, progress: { ...progress, after: stretch.upTo, stretches, counts } };
    },
    openPass(begun: Replay, replay: Replay, now: Date): Replay {
      const { after: _, pauseMs, ...rest } = replay.progress;
      const cameToRest = openIn(replay.progress) < openIn(begun.progress);
      const same = cameToRest || pauseMs === undefined ? {} : { pauseMs };
      return { ...replay, progress: pausing({ ...rest, ...same }, now, allRecordedAt(replay, settleMs)) };
    },
  };
}

/** Both together. */
export function joinedFound(a: Found, b: Found): Found {
  return { counts: summed(a.counts, b.counts), waitsFor: a.waitsFor + b.waitsFor };
}

/** The stretches with the part of the window that follows: as one more if anything in it is waited for. */
export function withStretch(stretches: readonly OpenStretch[], next: OpenStretch): OpenStretch[] {
  const last = stretches.at(-1);
  // Full: from here on the last one takes all that follows, so that it stays one part of the window.
  if (last !== undefined && stretches.length >= MAX_STRETCHES) return [...stretches.slice(0, -1), joined(last, next)];
  // What is only to be looked at again is so in one go.
  if (last !== undefined && isEarlyAlone(last) && isEarlyAlone(next) && isSame(next.after, last.upTo)) {
    return [...stretches.slice(0, -1), joined(last, next)];
  }
  return next.waitsFor === 0 && next.early === undefined ? [...stretches] : [...stretches, next];
}

function isEarlyAlone({ waitsFor, early }: OpenStretch): boolean {
  return waitsFor === 0 && early === true;
}

function joined(a: OpenStretch, b: OpenStretch): OpenStretch {
  const early = a.early ?? b.early;
  return { ...a, upTo: b.upTo, ...joinedFound(a, b), ...(early && { early }) };
}

function isSame(a: RecordPlace | undefined, b: RecordPlace): boolean {
  return a !== undefined && compareRecords(a, b) === 0;
}

/** Before everything that is in the window. */
function windowStart({ window }: Replay): RecordPlace {
  return { t0: window.from, eventKey: "", payloadHash: "" };
}

/** After everything that is in the window. */
function windowEnd({ window }: Replay): RecordPlace {
  return { t0: window.to, eventKey: "", payloadHash: "" };
}

/** From when on all is recorded of the window that was claimed before the replay began. */
function allRecordedAt({ window, progress, requestedAt }: Replay, settleMs: number): Date {
  const { startedAt = requestedAt, cancelling } = progress;
  const isOver = window.to.getTime() <= startedAt.getTime() - ARRIVING_MS;
  return isOver || cancelling === true ? startedAt : new Date(+startedAt + Math.min(RECORD_LAG_MS, settleMs));
}

function openIn({ stretches }: ReplayProgress): number {
  return stretches.reduce((sum, { waitsFor }) => sum + waitsFor, 0);
}

/** At rest, or with the time of its next pass, which isn't before `earliest` where something was read too early. */
function pausing(progress: ReplayProgress, now: Date, earliest: Date): ReplayProgress {
  const stretches = progress.stretches.filter(({ waitsFor, early }) => waitsFor > 0 || early === true);
  if (stretches.length === 0) return { ...progress, stretches, endedAt: now };
  const pauseMs = Math.min(MAX_PAUSE_MS, progress.pauseMs === undefined ? FIRST_PAUSE_MS : 2 * progress.pauseMs);
  const isEarly = stretches.every(({ waitsFor }) => waitsFor === 0);
  const nextPassAt = isEarly && earliest > now ? earliest : new Date(now.getTime() + pauseMs);
  return { ...progress, stretches, pass: progress.pass + 1, nextPassAt, pauseMs };
}
