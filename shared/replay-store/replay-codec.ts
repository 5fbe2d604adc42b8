import type { RecordPlace } from "../domain/deliveries/delivery.ts";
import type { OpenStretch, Replay, ReplayProgress } from "../domain/replays/replay.ts";

/** As JSON has it: instants are texts. */
type StoredText<T> = T extends Date ? string : T extends object ? { [K in keyof T]: StoredText<T[K]> } : T;

/** A replay as JSON, in which every instant is an ISO 8601 text. */
export function encodeReplay(replay: Replay): string {
  return JSON.stringify(replay);
}

/** The replay that `encodeReplay` has made a text of. Field by field: a filter's pattern may name an instant, as text. */
export function decodeReplay(text: string): Replay {
  const { window, requestedAt, progress, driver, ...replay } = JSON.parse(text) as StoredText<Replay>;
  return {
    ...replay,
    window: { from: new Date(window.from), to: new Date(window.to) },
    requestedAt: new Date(requestedAt),
    progress: decodeProgress(progress),
    ...(driver && { driver: { id: driver.id, until: new Date(driver.until) } }),
  };
}

function decodeProgress(stored: StoredText<ReplayProgress>): ReplayProgress {
  const { after, stopAfter, stretches, nextPassAt, startedAt, firstSentAt, endedAt, failing, ...progress } = stored;
  return {
    ...progress,
    stretches: stretches.map(decodeStretch),
    ...(after && { after: decodePlace(after) }),
    ...(stopAfter && { stopAfter: decodePlace(stopAfter) }),
    ...(nextPassAt && { nextPassAt: new Date(nextPassAt) }),
    ...(startedAt && { startedAt: new Date(startedAt) }),
    ...(firstSentAt && { firstSentAt: new Date(firstSentAt) }),
    ...(endedAt && { endedAt: new Date(endedAt) }),
    ...(failing && { failing: { ...failing, since: new Date(failing.since), last: new Date(failing.last) } }),
  };
}

function decodeStretch({ after, upTo, ...stretch }: StoredText<OpenStretch>): OpenStretch {
  return { ...stretch, upTo: decodePlace(upTo), ...(after && { after: decodePlace(after) }) };
}

function decodePlace({ t0, ...place }: StoredText<RecordPlace>): RecordPlace {
  return { ...place, t0: new Date(t0) };
}
