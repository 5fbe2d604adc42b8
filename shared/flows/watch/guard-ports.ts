import type { EventStore } from "../../event-store/event-store.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import type { WatchStore } from "../../watch-store/watch-store.ts";

/** What a guard needs. */
export type GuardPorts = {
  routingTable: RoutingTable;
  catalog: Pick<VersionCatalog, "aliases" | "moveAlias" | "versions">;
  events: EventStore;
  replays: ReplayStore;
  watches: WatchStore;
  /** Tells who drives replays of one, or why nobody could be told. */
  callReplayer(name: string): Promise<string | undefined>;
  /** Publishes an event of Turnout's own. Told twice of the same it is the same event. */
  notify(event: string): Promise<void>;
  now: () => Date;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  newId: () => string;
};
