import type { LineOrigin } from "../domain/deliveries/request-id.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";

/** A line that a version has written; without an origin it was written outside of any invocation. */
export type LogLine = LineOrigin & { at: Date; version: string; text: string };

/** Which lines: those of a component, of one version or all, and of these requests alone where any are named. */
export type LogQuery = { component: string; version?: string; requestIds?: ReadonlySet<string> };

/** What versions have printed. */
export interface VersionLogs {
  /** Those of a window, oldest first. */
  lines(query: LogQuery, window: TimeWindow): AsyncIterable<LogLine>;
  /** Those written from `since` on, for as long as they are asked for, in the order in which they come to be known. */
  follow(query: LogQuery, since: Date): AsyncIterable<LogLine>;
  /** Versions of which there is something; also such as are gone. */
  versions(component: string): Promise<string[]>;
}
