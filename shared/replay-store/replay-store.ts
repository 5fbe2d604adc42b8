import type { Replay, ReplayName } from "../domain/replays/replay.ts";
import type { UnreadableReplay } from "../domain/replays/unreadable-replay.ts";

/** The replays, kept for good: a name is used once, and who delivered what again is part of the history. */
export interface ReplayStore {
  /** Stores a replay, at lock 1. False when there is one of that name, and nothing was changed. */
  create(replay: Replay): Promise<boolean>;
  /** As the last answered write left it. @throws ReplayUnreadable */
  get(name: ReplayName): Promise<Replay | undefined>;
  /** The newest first, by `requestedAt`; at most `limit`. One that can't be read costs no other one its place. */
  list(limit: number): Promise<(Replay | UnreadableReplay)[]>;
  /** Those that haven't ended and can be read, the oldest first. */
  active(): Promise<Replay[]>;
  /**
   * Replaces a replay, if the stored one still has the lock of this one; the stored lock is one more.
   * @returns what is stored now, or undefined when it has changed since, or isn't there, and nothing was changed. A store
   * that has to repeat its own request, because the answer was lost, answers as that first request did.
   */
  update(replay: Replay): Promise<Replay | undefined>;
}
