import {
  type CloudWatchLogsClient,
  type FilteredLogEvent,
  paginateFilterLogEvents,
} from "@aws-sdk/client-cloudwatch-logs";
import type { TimeWindow } from "../domain/text/time-window.ts";
import { merged } from "./merge-lines.ts";
import type { LogLine, LogQuery, VersionLogs } from "./version-logs.ts";

export type CloudWatchLogsOptions = {
  client: CloudWatchLogsClient;
  /** The log groups of the functions behind a component. */
  groupsOf: (component: string) => Promise<string[]>;
  now: () => Date;
  /** Waits between two looks at what is followed. */
  wait: (ms: number) => Promise<void>;
};

/** How often a group that is followed is looked at, and how late an event may come to be seen there. */
const LOOK_EVERY_MS = 2_000;
const LATE_MS = 15_000;

/** Requests that one look asks for: a filter pattern has 1,024 characters at most. */
const MOST_ASKED = 20;

/** Events that are remembered as seen, of those that may be seen again. */
const MOST_SEEN = 100_000;

/**
 * What a component's functions have written, in CloudWatch Logs: a page of up to 10,000 events or 1 MB takes a request,
 * and a group is asked for each 20 requests that are named. A line that doesn't name its request belongs to nobody.
 */
export function cloudWatchVersionLogs({ client, groupsOf, now, wait }: CloudWatchLogsOptions): VersionLogs {
  async function* eventsOf(
    group: string,
    window: TimeWindow,
    filterPattern?: string,
  ): AsyncGenerator<FilteredLogEvent> {
    const asked = {
      logGroupName: group,
      startTime: window.from.getTime(),
      // Inclusive there.
      endTime: window.to.getTime() - 1,
      ...(filterPattern !== undefined && { filterPattern }),
    };
    try {
      for await (const { events = [] } of paginateFilterLogEvents({ client }, asked)) yield* events;
    } catch (error) {
      // A function that has never been called has none.
      if (!(error instanceof Error && error.name === "ResourceNotFoundException")) throw error;
    }
  }

  async function* linesIn(group: string, query: LogQuery, window: TimeWindow): AsyncGenerator<LogLine> {
    for (const pattern of patternsOf(query)) {
      for await (const event of eventsOf(group, window, pattern)) yield* linesOf(event, query);
    }
  }

  return {
    versions: async () => [],
    async *lines(query, window) {
      yield* merged((await groupsOf(query.component)).map((group) => linesIn(group, query, window)));
    },
    async *follow(query, since) {
      const seen = new Set<string>();
      const groups = await groupsOf(query.component);
      for (let from = since; ; ) {
        const to = new Date(now().getTime() + 1);
        for (const group of groups) {
          for await (const event of eventsOf(group, { from, to })) {
            if (event.eventId === undefined || seen.has(event.eventId)) continue;
            seen.add(event.eventId);
            if (seen.size > MOST_SEEN) seen.delete(seen.values().next().value ?? "");
            yield* linesOf(event, query);
          }
        }
        from = new Date(Math.max(since.getTime(), to.getTime() - LATE_MS));
        await wait(LOOK_EVERY_MS);
      }
    },
  };
}

/** Each of up to 20 requests; none means everything. */
function patternsOf({ requestIds }: LogQuery): (string | undefined)[] {
  if (requestIds === undefined) return [undefined];
  const ids = [...requestIds].map((id) => `?"${id}"`);
  return Array.from({ length: Math.ceil(ids.length / MOST_ASKED) }, (_, index) =>
    ids.slice(index * MOST_ASKED, (index + 1) * MOST_ASKED).join(" "),
  );
}

/** What Lambda itself writes around an invocation, as text and as JSON. */
const PLATFORM = /^(START RequestId|END RequestId|INIT_START)\b|"type":\s*"platform\.(?!report)/;

const ID = "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})";

/** Where runtimes name the request: Node's and Python's text, Lambda's own lines, and JSON. */
const REQUEST = [
  new RegExp(`^\\S+\\t${ID}\\t(\\w+)\\t`),
  new RegExp(`^\\[(?:\\w+)\\]\\t\\S+\\t${ID}\\t`),
  new RegExp(`RequestId: ${ID}`),
  new RegExp(`^\\S+ ${ID} `),
  new RegExp(`"requestId":\\s*"${ID}"`),
];

function linesOf({ message = "", timestamp = 0, logStreamName = "" }: FilteredLogEvent, query: LogQuery): LogLine[] {
  // A stream is called after its day, the version in brackets, and its environment.
  const version = /\[([^\]]+)\]/.exec(logStreamName)?.[1] ?? "";
  if (PLATFORM.test(message) || (query.version !== undefined && version !== query.version)) return [];
  const requestId = [...(query.requestIds ?? [])].find((id) => message.includes(id)) ?? requestIn(message);
  const origin = requestId === undefined ? {} : { requestId };
  const text = message.replace(REQUEST[0] ?? "", "$2 ").trimEnd();
  return text.split(/\r\n?|\n/).map((line) => ({ at: new Date(timestamp), version, ...origin, text: line }));
}

function requestIn(message: string): string | undefined {
  for (const form of REQUEST) {
    const id = form.exec(message)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}
