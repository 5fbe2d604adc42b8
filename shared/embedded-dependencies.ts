import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileBodyStore } from "./body-store/file-body-store.ts";
import { TurnoutError } from "./domain/errors.ts";
import { sqliteEventQueue } from "./event-queue/sqlite-event-queue.ts";
import { sqliteEventStore } from "./event-store/sqlite-event-store.ts";
import { sqliteReplayStore } from "./replay-store/sqlite-replay-store.ts";
import { sqliteRoutingTable } from "./routing-table/sqlite-routing-table.ts";
import { openDatabase } from "./sqlite/database.ts";
import { folderVersionCatalog } from "./versions/folder-version-catalog.ts";

/** The adapters of embedded mode on one state folder. */
export type EmbeddedState = ReturnType<typeof openEmbeddedState>;

/**
 * Opens the state folder: `state.db`, `bodies/`, `versions/`, `logs/`.
 * @param create makes the folder when it isn't there; without it a missing folder is an error
 * @param upgrade brings a state of an older layout up to date; see `openDatabase`
 * @throws TurnoutError `not found` when there is no state, `failed` when it can't be read or written
 */
export function openEmbeddedState(home: string, { create, upgrade = false }: { create: boolean; upgrade?: boolean }) {
  const file = join(home, "state.db");
  if (!create && !exists(file)) {
    throw new TurnoutError(
      "not found",
      `There is no Turnout state in ${home}. Run 'npm start' there first, or set TURNOUT_HOME to its state folder.`,
    );
  }
  makeStateFolder(home);
  const database = openDatabase(file, { upgrade });
  try {
    return {
      home,
      database,
      routingTable: sqliteRoutingTable(database),
      events: sqliteEventStore(database, fileBodyStore(join(home, "bodies"))),
      replays: sqliteReplayStore(database),
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

/** @throws TurnoutError `failed` when the folder may not be looked into: that isn't the same as not being there */
function exists(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TurnoutError(
      "failed",
      `The state folder can't be read (${detail}). Run this as the user that Turnout runs as.`,
      { cause: error },
    );
  }
}

/** @throws TurnoutError `failed` when it can't be made */
export function makeStateFolder(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TurnoutError(
      "failed",
      `The state folder ${home} can't be made (${detail}). Check its parent, or set TURNOUT_HOME to another folder.`,
      { cause: error },
    );
  }
}
