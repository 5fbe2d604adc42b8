import { compareRecords, type RecordPlace } from "../../domain/deliveries/delivery.ts";
import { isEnded, noCounts, type OpenStretch, type Replay, type ReplayProgress } from "../../domain/replays/replay.ts";
import { withCounted, withRecounted, withStretch } from "../../domain/replays/replay-counts.ts";
import { untilWritten } from "../kept-writes.ts";
import { type HeldLines, type MadePage, makePage, noteHeld } from "./make-page.ts";
import { type MatchedPage, matchReplay } from "./match-replay.ts";
import { type Pace, paceOf } from "./pace.ts";
import {
  DRIVER_LEASE_MS,
  type MayGoOn,
  type ReplayDriver,
  type ReplayRun,
  replayDriver,
  Stopped,
} from "./replay-driver.ts";
import { matchedAs } from "./replay-item.ts";
import type { ReplayerPorts } from "./replayer-ports.ts";

/** How often a driver says that it is alive. */
const BEAT_MS = 10_000;

/** The time between two passes over what is open: doubles with every pass in which nothing came to rest. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/**
 * How much later than its claim a record may come: both are written side by side, before anything is sent. Three tries of
 * a request to DynamoDB. What was read of the window before that is looked at again.
 */
const RECORD_LAG_MS = 10_000;

/** What arrived longer before the replay than this has been recorded by then, unless it had been waiting in the queue. */
const ARRIVING_MS = 900_000;

/** Records of a page: two seconds' worth at the replay's rate, so that its progress is seen to move. */
const PAGE_SECONDS = 2;
const MIN_PAGE = 25;
const MAX_PAGE = 500;

/**
 * Drives a replay as far as it may, from where its last checkpoint was: a page that was not finished is matched anew, and
 * what was delivered of it is found delivered.
 *
 * @param mayGoOn asked before every batch, with how long that may take, in ms; false stops as soon as what is on its way
 *   has ended
 * @throws TurnoutError `not found`; what the stores throw, and then it goes on from its checkpoint the next time
 */
export async function runReplay(ports: ReplayerPorts, name: string, mayGoOn: MayGoOn): Promise<ReplayRun> {
  const driver = replayDriver(ports, name, mayGoOn);
  const taken = await driver.takeUp();
  if (!("replay" in taken)) return taken;
  let { replay } = taken;
  const pace = paceOf(replay.ratePerSecond);
  const stopBeating = keepAlive(ports, driver);
  try {
    for (;;) {
      if (replay.asked === "cancel" && replay.progress.cancelling === undefined) {
        replay = await driver.change(beginCancelling);
      }
      replay = await runPass(ports, replay, driver, pace);
      if (isEnded(replay)) return { ended: true };
      const waitMs = (replay.progress.nextPassAt?.getTime() ?? 0) - ports.now().getTime();
      if (waitMs > 0) return { ended: false, waitMs };
    }
  } catch (error) {
    if (!(error instanceof Stopped)) {
      await driver.note(error).catch(ports.onError);
      throw error;
    }
    return { ended: false, waitMs: 0 };
  } finally {
    stopBeating();
    // While it says that it is driven, nobody else takes it up.
    await untilWritten(ports, () => driver.leave(), new Date(ports.now().getTime() + DRIVER_LEASE_MS)).catch(
      ports.onError,
    );
  }
}

/**
 * Says now and then that the replay is driven, as a send may take longer than its driver is taken to be alive without a
 * word. Apart from the pages: what waits for the next time must not keep a page's events in memory.
 */
function keepAlive(ports: Pick<ReplayerPorts, "delay">, driver: ReplayDriver): () => void {
  let over = false;
  const beat = async () => {
    for (;;) {
      await ports.delay(BEAT_MS);
      if (over) return;
      // Also while it is stopping, for as long as something is on its way. Why it fails is met before the next batch.
      await driver.beat().catch(() => {});
    }
  };
  void beat();
  return () => {
    over = true;
  };
}

/** Before everything that is in the window. */
function windowStart({ window }: Replay): RecordPlace {
  return { t0: window.from, eventKey: "", payloadHash: "" };
}

/** After everything that is in the window. */
function windowEnd({ window }: Replay): RecordPlace {
  return { t0: window.to, eventKey: "", payloadHash: "" };
}

/** From here on it only sees to what it has begun: all of it is gone over once more, and counted. */
function beginCancelling(replay: Replay): Replay {
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

async function runPass(ports: ReplayerPorts, replay: Replay, driver: ReplayDriver, pace: Pace): Promise<Replay> {
  const { pass, before } = replay.progress;
  const isWhole = pass === 1 || before !== undefined;
  return isWhole ? runWholePass(ports, replay, driver, pace) : runOpenPass(ports, replay, driver, pace);
}

/** Pass 1, and the first one of a replay that is cancelled: everything in the window, page by page. */
async function runWholePass(ports: ReplayerPorts, begun: Replay, driver: ReplayDriver, pace: Pace): Promise<Replay> {
  let replay = begun;
  const { after, stopAfter } = replay.progress;
  const held = await linesHeldBefore(ports, replay);
  const pages = matchReplay(ports, matchedAs(replay), {
    now: ports.now,
    pageSize: pageSizeOf(replay),
    tellVersions: false,
    ...(after && { after }),
  });
  try {
    // Beyond its last checkpoint a cancelled replay had begun one page at most; pages may be cut in other places by now.
    let looked = 0;
    // The next page is read while this one is delivered.
    let following = pages.next();
    for (;;) {
      const { value: page, done } = await following;
      if (done === true) break;
      following = pages.next();
      following.catch(() => {});
      // Of pages without a delivery to make as well: a pass over a long window must be stoppable, too.
      await driver.goOn();
      if (stopAfter !== undefined && compareRecords(replay.progress.after ?? windowStart(replay), stopAfter) >= 0) {
        looked += page.scanned;
        if (!page.items.some(({ kind }) => kind === "begun")) {
          if (looked >= 2 * pageSizeOf(replay)) break;
          continue;
        }
      }
      const made = await makePage(ports, replay, page, driver, pace, held);
      replay = await driver.change((current) => ({ ...current, progress: afterPage(ports, current, page, made) }));
    }
  } finally {
    await pages.return(undefined);
  }
  await driver.goOn();
  const now = ports.now();
  return driver.change((current) => ({ ...current, progress: afterWholePass(ports, current, now) }));
}

/** The lines that the open stretches hold which this pass has been at already: it goes on from a checkpoint. */
async function linesHeldBefore(ports: ReplayerPorts, replay: Replay): Promise<HeldLines> {
  const held: HeldLines = new Set();
  const { after, stretches, cancelling } = replay.progress;
  if (after === undefined || cancelling === true) return held;
  for (const stretch of stretches) {
    if (stretch.waitsFor === 0 || compareRecords(stretch.upTo, after) > 0) continue;
    for await (const page of pagesOf(ports, replay, stretch)) noteHeld(page, replay, ports, held);
  }
  return held;
}

/** Later passes: the stretches of the window in which something isn't at rest. */
async function runOpenPass(ports: ReplayerPorts, begun: Replay, driver: ReplayDriver, pace: Pace): Promise<Replay> {
  let replay = begun;
  const { after: visited, stretches } = replay.progress;
  const held = await linesHeldBefore(ports, replay);
  for (const stretch of stretches) {
    if (visited !== undefined && compareRecords(stretch.upTo, visited) <= 0) continue;
    const beganAt = ports.now();
    // Nothing is waited for in it but what may come until then.
    if (stretch.waitsFor === 0 && beganAt < allRecordedAt(ports, replay)) continue;
    const { early: _, ...same } = stretch;
    let now = asRead(ports, replay, { ...same, counts: noCounts(), waitsFor: 0 }, beganAt);
    for await (const page of pagesOf(ports, replay, stretch)) {
      await driver.goOn();
      const { counted, waitsFor } = await makePage(ports, replay, page, driver, pace, held);
      now = { ...now, counts: withCounted(now.counts, page.scanned, counted), waitsFor: now.waitsFor + waitsFor };
    }
    replay = await driver.change((current) => {
      const { progress } = current;
      const others = progress.stretches.map((one) => (compareRecords(one.upTo, stretch.upTo) === 0 ? now : one));
      const counts = withRecounted(progress.counts, stretch.counts, now.counts);
      return { ...current, progress: { ...progress, after: stretch.upTo, stretches: others, counts } };
    });
  }
  await driver.goOn();
  const now = ports.now();
  return driver.change((current) => ({ ...current, progress: afterOpenPass(ports, begun, current, now) }));
}

/** The pages of a stretch, without what comes after it. */
async function* pagesOf(
  ports: ReplayerPorts,
  replay: Replay,
  { after, upTo }: OpenStretch,
): AsyncGenerator<MatchedPage> {
  const window = { from: after?.t0 ?? replay.window.from, to: new Date(upTo.t0.getTime() + 1) };
  const options = { now: ports.now, pageSize: pageSizeOf(replay), upTo, tellVersions: false, ...(after && { after }) };
  yield* matchReplay(ports, { ...matchedAs(replay), window }, options);
}

function pageSizeOf({ ratePerSecond }: Replay): number {
  if (ratePerSecond === undefined) return MAX_PAGE;
  return Math.min(MAX_PAGE, Math.max(MIN_PAGE, Math.ceil(ratePerSecond * PAGE_SECONDS)));
}

function afterPage(ports: ReplayerPorts, replay: Replay, page: MatchedPage, made: MadePage): ReplayProgress {
  const { counted, waitsFor } = made;
  const { progress } = replay;
  const { after, firstSentAt = made.firstSentAt } = progress;
  const counts = withCounted(noCounts(), page.scanned, counted);
  const stretch: OpenStretch = { ...(after && { after }), upTo: page.upTo, counts, waitsFor };
  return {
    ...progress,
    after: page.upTo,
    counts: withCounted(progress.counts, page.scanned, counted),
    stretches: withStretch(progress.stretches, asRead(ports, replay, stretch, page.decidedAt)),
    ...(firstSentAt && { firstSentAt }),
  };
}

/** The stretch as it was read at that time: too early for all records to be there, or not. */
function asRead(ports: ReplayerPorts, replay: Replay, stretch: OpenStretch, at: Date): OpenStretch {
  return at < allRecordedAt(ports, replay) ? { ...stretch, early: true } : stretch;
}

/** From when on all is recorded of the window that was claimed before the replay began. */
function allRecordedAt({ settleMs }: ReplayerPorts, { window, progress, requestedAt }: Replay): Date {
  const { startedAt = requestedAt, cancelling } = progress;
  const isOver = window.to.getTime() <= startedAt.getTime() - ARRIVING_MS;
  return isOver || cancelling === true ? startedAt : new Date(+startedAt + Math.min(RECORD_LAG_MS, settleMs));
}

function afterWholePass(ports: ReplayerPorts, replay: Replay, now: Date): ReplayProgress {
  const { after, before: _, ...rest } = replay.progress;
  const rather: OpenStretch = { ...(after && { after }), upTo: windowEnd(replay), counts: noCounts(), waitsFor: 0 };
  // What was read before the start plus the lag includes that nothing came after the last record.
  const stretches = withStretch(rest.stretches, asRead(ports, replay, rather, now));
  return pausing({ ...rest, stretches }, now, allRecordedAt(ports, replay));
}

function afterOpenPass(ports: ReplayerPorts, begun: Replay, replay: Replay, now: Date): ReplayProgress {
  const { after: _, pauseMs, ...rest } = replay.progress;
  const cameToRest = openIn(replay.progress) < openIn(begun.progress);
  const same = cameToRest || pauseMs === undefined ? {} : { pauseMs };
  return pausing({ ...rest, ...same }, now, allRecordedAt(ports, replay));
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
