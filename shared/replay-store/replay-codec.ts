import type { RecordPlace } from "../domain/deliveries/delivery.ts";
import type { OpenStretch, Replay, ReplayProgress } from "../domain/replays/replay.ts";
import { StoredReplay } from "../domain/replays/stored-replay.ts";
import { UnreadableReplay } from "../domain/replays/unreadable-replay.ts";
import { type Read, read, readJson } from "../domain/text/schema.ts";

/** As JSON has it: instants are texts. */
type StoredText<T> = T extends Date ? string : T extends object ? { [K in keyof T]: StoredText<T[K]> } : T;

/** A replay as JSON, in which every instant is an ISO 8601 text. */
export function encodeReplay(replay: Replay): string {
  return JSON.stringify(replay);
}

/** The replay of a stored text, if that can be read and is its own; `known` stands beside it. */
export function storedReplay(
  known: Pick<Replay, "name" | "requestedAt">,
  text: Read<string>,
): Replay | UnreadableReplay {
  const replay = text.ok ? decodeReplay(text.value) : text;
  if (!replay.ok) return new UnreadableReplay(known, replay.problem);
  const { name } = replay.value;
  return name === known.name ? replay.value : new UnreadableReplay(known, `its text is that of a replay '${name}'`);
}

/** The replay that `encodeReplay` has made a text of; or what is wrong with the text. */
export function decodeReplay(text: string): Read<Replay> {
  const json = readJson(text);
  if (!json.ok) return json;
  const stored = read(StoredReplay, json.value, "replay");
  return stored.ok ? { ok: true, value: decoded(stored.value as StoredText<Replay>) } : stored;
}

/** Field by field: a filter's pattern may name an instant, as text. */
function decoded({ window, requestedAt, progress, driver, ...replay }: StoredText<Replay>): Replay {
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
