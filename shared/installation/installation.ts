import type { EventSource } from "../domain/events/event.ts";
import type { WorkerSettings } from "../domain/routing/component.ts";
import type { EventQueue } from "../event-queue/event-queue.ts";
import type { EventStore } from "../event-store/event-store.ts";
import type { LaptopStore } from "../laptop-store/laptop-store.ts";
import type { ReplayStore } from "../replay-store/replay-store.ts";
import type { RoutingTable } from "../routing-table/routing-table.ts";
import type { VersionLogs } from "../version-logs/version-logs.ts";
import type { FolderVersionCatalog } from "../versions/folder-version-catalog.ts";
import type { LambdaVersionCatalog } from "../versions/lambda-version-catalog.ts";
import type { LoadCode, VersionCatalog } from "../versions/version-catalog.ts";
import type { WatchStore } from "../watch-store/watch-store.ts";
import type { DeniedCalls } from "./denied-calls.ts";
import type { EnvelopedEvent } from "./event-bus.ts";
import type { FindMissing } from "./find-missing.ts";
import type { Finding } from "./finding.ts";

/** What became of an event that was published: the id that it goes by, or why it isn't known to be published. */
export type Published = { eventId: string } | { problem: string };

/** What a person works on: this machine, or an environment on AWS. */
export type Installation = {
  routingTable: RoutingTable;
  events: EventStore;
  replays: ReplayStore;
  watches: WatchStore;
  /** Who listens on a laptop. */
  laptops: LaptopStore;
  /** Where it is told what came of an attempt that was handed over. */
  outcomes(): Pick<EventQueue, "send">;
  catalog: VersionCatalog;
  /** Where versions come from: folders here, and functions there. */
  versions:
    | { from: "folders"; catalog: FolderVersionCatalog; load: (settings: WorkerSettings) => LoadCode }
    | { from: "functions"; catalog: LambdaVersionCatalog; environment: string; findMissing: FindMissing };
  /** Who works on it, for the change log. Asked for only where something is written. */
  who(): Promise<string>;
  /** The row of an event source; undefined also where who publishes may not read it. */
  sourceOf(source: string): Promise<EventSource | undefined>;
  /** Publishes events; one answer for each, in their order. */
  publish(events: readonly EnvelopedEvent[], now: Date): Promise<Published[]>;
  /** What versions have printed. */
  logs: VersionLogs;
  /** Whether something takes events from the queue and drives replays. */
  isServed(): boolean;
  /** Events that wait in the queue. */
  waiting(now: Date): Promise<number>;
  /**
   * Tells whoever drives replays of a new one, as far as that is needed. It is found within a minute in any case.
   * @returns why nobody could be told; undefined when all is well
   */
  callReplayer(replay: string): Promise<string | undefined>;
  /** What whoever works on it isn't let call, as far as that can be asked without calling it. */
  deniedCalls(): Promise<DeniedCalls>;
  /** Looks at everything that it consists of. Changes nothing. */
  examine(now: Date): Promise<Finding[]>;
  /** What a person can do about an error of whatever it is kept in; undefined for others. */
  explain(error: unknown): Error | undefined;
  close(): void;
};
