import { clockProblem, expiryTime, STEADY_MS, standing } from "../domain/clock-mark.ts";
import type { Database } from "./database.ts";

const TABLE =
  "CREATE TABLE IF NOT EXISTS clock_mark (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT";

/** How far the mark may lie behind: it is written so often. */
const WRITTEN_EVERY_MS = 60_000;

/** The latest time that a state file was in use at; see `shared/domain/clock-mark.ts`. */
export function clockMark(database: Database) {
  const { connection } = database;
  connection.exec(TABLE);
  const select = connection.prepare("SELECT at FROM clock_mark");
  const upsert = connection.prepare(
    "INSERT INTO clock_mark (id, at) VALUES (1, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
  );
  let aheadSinceMs: number | undefined;
  const mark = () => {
    const at = select.get()?.at;
    return at === undefined ? undefined : new Date(Number(at));
  };
  const write = (at: Date) => database.write(() => void upsert.run(at.getTime()));
  return {
    problem: (now: Date) => clockProblem(now, mark()),
    isBehind: (now: Date) => standing(now, mark()) === "behind",
    expiryTime: (now: Date) => expiryTime(now, mark()),
    /** Takes the time as right, whatever was before. */
    trust: write,
    /**
     * To be called by a running server again and again.
     * @param runningMs a clock that can't be set, such as `performance.now()`
     */
    async observe(now: Date, runningMs: number): Promise<void> {
      const before = mark();
      const stands = standing(now, before);
      if (stands !== "ahead") aheadSinceMs = undefined;
      if (stands === "behind") return;
      if (stands === "ahead") {
        aheadSinceMs ??= runningMs;
        if (runningMs - aheadSinceMs < STEADY_MS) return;
      }
      if (before === undefined || now.getTime() - before.getTime() >= WRITTEN_EVERY_MS) await write(now);
    },
  };
}
