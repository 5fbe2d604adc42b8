import { join } from "node:path";
import { fileBodyStore } from "./body-store/file-body-store.ts";
import { TurnoutError } from "./domain/errors.ts";
import { sqliteEventQueue } from "./event-queue/sqlite-event-queue.ts";
import { sqliteEventStore } from "./event-store/sqlite-event-store.ts";
import { sqliteLaptopStore } from "./laptop-store/sqlite-laptop-store.ts";
import { sqliteReplayStore } from "./replay-store/sqlite-replay-store.ts";
import { sqliteRoutingTable } from "./routing-table/sqlite-routing-table.ts";
import { openDatabase } from "./sqlite/database.ts";
import { clockMark } from "./sqlite/kept-clock-mark.ts";
import { logCopier, mayCopyBeside } from "./sqlite/log-copier.ts";
import { isFilled, makePrivateFile, makeStateFolder, refuseVanished } from "./sqlite/state-folder.ts";
import { folderVersionCatalog } from "./versions/folder-version-catalog.ts";
import { sqliteWatchStore } from "./watch-store/sqlite-watch-store.ts";

/** The adapters of embedded mode on one state folder. */
export type EmbeddedState = ReturnType<typeof openEmbeddedState>;

/**
 * Opens the state folder: `state.db`, `bodies/`, `versions/`, `logs/`.
 * @param create makes the folder when it isn't there; without it a missing folder is an error
 * @param upgrade brings a state of an older layout up to date; see `openDatabase`
 * @throws TurnoutError `not found` when there is no state; `failed` when it can't be read or written, or when the state
 *   file has gone from beside what belongs to it
 */
export function openEmbeddedState(home: string, { create, upgrade = false }: { create: boolean; upgrade?: boolean }) {
  const file = join(home, "state.db");
  refuseVanished(home);
  if (!create && !isFilled(file)) {
    throw new TurnoutError(
      "not found",
      `There is no Turnout state in ${home}. Run 'npm start' there first, or set TURNOUT_HOME to its state folder.`,
    );
  }
  makeStateFolder(home);
  makePrivateFile(file);
  // Whoever has the state alone is a server, and writes much.
  const copier = upgrade && mayCopyBeside() ? logCopier(file) : undefined;
  const database = openDatabase(file, { upgrade, copier });
  try {
    const clock = clockMark(database);
    return {
      home,
      database,
      clock,
      routingTable: sqliteRoutingTable(database),
      events: sqliteEventStore(database, fileBodyStore(join(home, "bodies")), clock.expiryTime),
      replays: sqliteReplayStore(database),
      watches: sqliteWatchStore(database),
      laptops: sqliteLaptopStore(database),
      queue: sqliteEventQueue(database),
      deadLetters: sqliteEventQueue(database, { name: "live-dead" }),
      outcomes: sqliteEventQueue(database, { name: "outcomes", maxReceiveCount: 10 }),
      catalog: folderVersionCatalog(database, join(home, "versions")),
      logs: join(home, "logs"),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
