import { isEnded, noCounts, type OpenStretch, type Replay } from "../../domain/replays/replay.ts";
import {
  beginCancelling,
  type Found,
  isPastStop,
  isWholePass,
  joinedFound,
  replayAfter,
  stretchesOf,
} from "../../domain/replays/replay-progress.ts";
import { pageMaker } from "./make-page.ts";
import { type MatchedPage, matchedAs, replayMatcher } from "./match-replay.ts";
import { type Pace, paceOf } from "./pace.ts";
import { type MayGoOn, type ReplayDriver, type ReplayRun, replayDriver, Stopped } from "./replay-driver.ts";
import type { ReplayerPorts } from "./replayer-ports.ts";

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
  const stopBeating = driver.keepAlive();
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
    await driver.leave().catch(ports.onError);
  }
}

/** Goes over the window, or over what is open of it, once. */
async function runPass(ports: ReplayerPorts, begun: Replay, driver: ReplayDriver, pace: Pace): Promise<Replay> {
  const pageSize = pageSizeOf(begun);
  const matcher = replayMatcher(ports, matchedAs(begun), { now: ports.now, pageSize, tellVersions: false });
  const pages = pageMaker(ports, begun, { matcher, driver, pace });
  const after = replayAfter(ports.settleMs);

  /** The pages of a stretch, without what comes after it. */
  function pagesOf(stretch: OpenStretch): AsyncGenerator<MatchedPage> {
    const window = { from: stretch.after?.t0 ?? begun.window.from, to: new Date(stretch.upTo.t0.getTime() + 1) };
    return matcher.pages({ window, after: stretch.after, upTo: stretch.upTo });
  }

  /** Everything in the window, page by page. */
  async function wholePass(): Promise<Replay> {
    let replay = begun;
    const matched = matcher.pages({ after: begun.progress.after });
    try {
      // Beyond its last checkpoint a cancelled replay had begun one page at most; pages may be cut in other places by now.
      let looked = 0;
      // The next page is read while this one is delivered.
      let following = matched.next();
      for (;;) {
        const { value: page, done } = await following;
        if (done === true) break;
        following = matched.next();
        following.catch(() => {});
        // Of pages without a delivery to make as well: a pass over a long window must be stoppable, too.
        await driver.goOn();
        if (isPastStop(replay)) {
          looked += page.scanned;
          if (!page.items.some(({ kind }) => kind === "begun")) {
            if (looked >= 2 * pageSize) break;
            continue;
          }
        }
        const found = await pages.make(page);
        replay = await driver.change((current) => after.page(current, found));
      }
    } finally {
      await matched.return(undefined);
    }
    await driver.goOn();
    const now = ports.now();
    return driver.change((current) => after.wholePass(current, now));
  }

  /** Makes the pages of a stretch, and answers what there was in all of it. */
  async function madeOf(stretch: OpenStretch): Promise<Found> {
    let found: Found = { counts: noCounts(), waitsFor: 0 };
    for await (const page of pagesOf(stretch)) {
      await driver.goOn();
      found = joinedFound(found, await pages.make(page));
    }
    return found;
  }

  /** The stretches of the window in which something isn't at rest. */
  async function openPass(stretches: readonly OpenStretch[]): Promise<Replay> {
    for (const stretch of stretches) {
      const readAt = ports.now();
      if (after.canWait(begun, stretch, readAt)) continue;
      const found = await madeOf(stretch);
      await driver.change((current) => after.stretch(current, stretch, found, readAt));
    }
    await driver.goOn();
    const now = ports.now();
    return driver.change((current) => after.openPass(begun, current, now));
  }

  const { been, ahead } = stretchesOf(begun);
  // What an earlier run of this pass had to leave open holds up what is ahead. In a cancelled replay nothing is held up.
  for (const stretch of begun.progress.cancelling ? [] : been) {
    if (stretch.waitsFor === 0) continue;
    for await (const page of pagesOf(stretch)) pages.noteHeld(page);
  }
  return isWholePass(begun) ? wholePass() : openPass(ahead);
}

function pageSizeOf({ ratePerSecond }: Replay): number {
  if (ratePerSecond === undefined) return MAX_PAGE;
  return Math.min(MAX_PAGE, Math.max(MIN_PAGE, Math.ceil(ratePerSecond * PAGE_SECONDS)));
}
