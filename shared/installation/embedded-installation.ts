import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { readable } from "../domain/routing/unreadable-row.ts";
import { type EmbeddedState, openEmbeddedState } from "../embedded-dependencies.ts";
import { fileVersionLogs } from "../version-logs/file-version-logs.ts";
import type { Installation } from "./installation.ts";
import { runningServer } from "./server-lock.ts";

/**
 * This machine, whose state is in a folder.
 * @throws TurnoutError `not found` when there is none and none is to be made
 */
export function embeddedInstallation(home: string, options: { create: boolean }): Installation {
  return installationOn(openEmbeddedState(home, options), () => runningServer(home) !== undefined);
}

/**
 * This machine, for the process that has its state open.
 * @param isServed whether a server runs on the state; no server may ask that of the lock that it holds itself
 */
export function installationOn(embedded: EmbeddedState, isServed: () => boolean): Installation {
  return {
    ...pick(embedded),
    versions: {
      from: "folders",
      catalog: embedded.catalog,
      load: (settings) => async (code) => {
        const { loadCode } = await import("../targets/worker/load-code.ts");
        return loadCode(code, settings);
      },
    },
    who: async () => osUser(),
    async sourceOf(source) {
      const key = `source#${source}` as const;
      return readable((await embedded.routingTable.rows([key])).rows.get(key));
    },
    async publish(events, now) {
      await embedded.queue.send(
        events.map(({ body }) => body),
        now,
      );
      return events.map(({ event }) => ({ eventId: event.id }));
    },
    // Who follows a log waits for as long as it likes.
    logs: fileVersionLogs(embedded.logs, (ms) => delay(ms)),
    outcomes: () => embedded.outcomes,
    isServed,
    waiting: async (now) => (await embedded.queue.depth(now)).visible,
    // It looks for itself, several times a second.
    callReplayer: async () => undefined,
    async examine(now) {
      const { examineEmbedded } = await import("./examine-embedded.ts");
      return examineEmbedded(embedded, now);
    },
    deniedCalls: async () => ({}),
    explain: () => undefined,
    close: embedded.close,
  };
}

function pick({ routingTable, events, replays, watches, laptops, catalog }: EmbeddedState) {
  return { routingTable, events, replays, watches, laptops, catalog };
}

/** Who runs this process. */
export function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have a number but no name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
