import { isEnded, type Replay } from "../domain/replays/replay.ts";
import { ReplayUnreadable, readableReplays, UnreadableReplay } from "../domain/replays/unreadable-replay.ts";
import type { Database } from "../sqlite/database.ts";
import { encodeReplay, storedReplay } from "./replay-codec.ts";
import type { ReplayStore } from "./replay-store.ts";

// What is looked for stands before the text, which may fill pages of its own: a listing reads few of them.
const TABLE = `
  CREATE TABLE IF NOT EXISTS replays (
    name TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    requested_at INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    replay TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS replays_requested ON replays (requested_at, name);
  CREATE INDEX IF NOT EXISTS replays_active ON replays (requested_at, name) WHERE ended = 0;
`;

/** The replays in the state file. */
export function sqliteReplayStore(database: Database): ReplayStore & { releaseDrivers(): Promise<number> } {
  const { connection } = database;
  connection.exec(TABLE);
  const insert = connection.prepare(
    "INSERT INTO replays (name, revision, requested_at, ended, replay) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const select = connection.prepare("SELECT name, requested_at, replay FROM replays WHERE name = ?");
  const selectNewest = connection.prepare(
    "SELECT name, requested_at, replay FROM replays ORDER BY requested_at DESC, name DESC LIMIT ?",
  );
  const selectActive = connection.prepare(
    "SELECT name, requested_at, replay FROM replays WHERE ended = 0 ORDER BY requested_at, name",
  );
  const change = connection.prepare(
    "UPDATE replays SET revision = ?, ended = ?, replay = ? WHERE name = ? AND revision = ?",
  );

  const active = () => readableReplays(selectActive.all().map(replayIn));

  /** Inside a write. Undefined when the stored one has another lock. */
  function put(replay: Replay): Replay | undefined {
    const next = { ...replay, lock: replay.lock + 1 };
    const { changes } = change.run(next.lock, ended(next), encodeReplay(next), replay.name, replay.lock);
    return Number(changes) === 1 ? next : undefined;
  }

  return {
    create(replay) {
      const first = { ...replay, lock: 1 };
      return database.write(() => {
        const { name, lock, requestedAt } = first;
        return Number(insert.run(name, lock, requestedAt.getTime(), ended(first), encodeReplay(first)).changes) === 1;
      });
    },
    async get(name) {
      const row = select.get(name);
      const replay = row === undefined ? undefined : replayIn(row);
      if (replay instanceof UnreadableReplay) throw new ReplayUnreadable(replay);
      return replay;
    },
    async list(limit) {
      return selectNewest.all(limit).map(replayIn);
    },
    async active() {
      return active();
    },
    update(replay) {
      return database.write(() => put(replay));
    },
    /**
     * Takes the driver off every replay that hasn't ended. Only for the sole server at its start: whoever drove them is
     * gone. Returns how many.
     */
    releaseDrivers() {
      return database.write(() => {
        const driven = active().filter(({ driver }) => driver !== undefined);
        for (const { driver: _, ...replay } of driven) put(replay);
        return driven.length;
      });
    },
  };
}

function ended(replay: Replay): number {
  return isEnded(replay) ? 1 : 0;
}

function replayIn({ name, requested_at: at, replay }: Record<string, unknown>): Replay | UnreadableReplay {
  const known = { name: String(name), requestedAt: new Date(Number(at)) };
  return storedReplay(known, { ok: true, value: String(replay) });
}
