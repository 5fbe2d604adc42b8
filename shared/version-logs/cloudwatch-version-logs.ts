import {
  type CloudWatchLogsClient,
  type FilteredLogEvent,
  paginateFilterLogEvents,
} from "@aws-sdk/client-cloudwatch-logs";
import type { LineOrigin } from "../domain/deliveries/request-id.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import {
  type DeliveryLines,
  deliveryLinesPattern,
  type ToldRequest,
  toldRequest,
  withOrigins,
} from "./line-origins.ts";
import { merged } from "./merge-lines.ts";
import type { LogLine, LogQuery, VersionLogs } from "./version-logs.ts";

export type CloudWatchLogsOptions = {
  client: CloudWatchLogsClient;
  /** The log groups of the functions behind a component. */
  groupsOf: (component: string) => Promise<string[]>;
  /** Where a line is written of each of a component's deliveries, and how long after what its version has printed. */
  deliveryLinesOf: (component: string) => Promise<DeliveryLines>;
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

/** How long a line that is followed waits for its delivery's. */
const HELD_MS = 10_000;

/**
 * What a component's functions have written, in CloudWatch Logs: a page of up to 10,000 events or 1 MB takes a request,
 * and a group is asked for each 20 requests that are named. A line that doesn't name its request is of the one that its
 * environment was at, where the window has the beginning of that. Whose a request was, the lines of deliveries say, each of which is read once beside the component's own.
 */
export function cloudWatchVersionLogs(options: CloudWatchLogsOptions): VersionLogs {
  const { client, groupsOf, deliveryLinesOf, now, wait } = options;

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
    const running: Running = new Map();
    for (const pattern of patternsOf(query)) {
      for await (const event of eventsOf(group, window, pattern)) yield* linesOf(event, query, running);
    }
  }

  async function* toldIn(group: string, component: string, window: TimeWindow): AsyncGenerator<ToldRequest> {
    try {
      for await (const event of eventsOf(group, window, deliveryLinesPattern(component))) yield* toldRequest(event);
    } catch (error) {
      // Who may read the component's log alone reads it without.
      if (!(error instanceof Error && error.name === "AccessDeniedException")) throw error;
    }
  }

  function toldRequests({ groups }: DeliveryLines, component: string, window: TimeWindow): AsyncGenerator<ToldRequest> {
    return merged(groups.map((group) => toldIn(group, component, window)));
  }

  return {
    versions: async () => [],
    async *lines(query, window) {
      const lines = merged((await groupsOf(query.component)).map((group) => linesIn(group, query, window)));
      // Who names requests knows whose they are.
      if (query.requestIds !== undefined) return yield* lines;
      const deliveries = await deliveryLinesOf(query.component);
      const to = new Date(Math.min(window.to.getTime() + deliveries.withinMs, now().getTime() + 1));
      const told = toldRequests(deliveries, query.component, { from: window.from, to });
      yield* withOrigins(lines, told, deliveries.withinMs);
    },
    async *follow(query, since) {
      const seen = new Set<string>();
      const running: Running = new Map();
      const [groups, deliveries] = await Promise.all([groupsOf(query.component), deliveryLinesOf(query.component)]);
      let held: LogLine[] = [];
      for (let from = since; ; ) {
        const to = new Date(now().getTime() + 1);
        for (const group of groups) {
          for await (const event of eventsOf(group, { from, to })) {
            if (event.eventId === undefined || seen.has(event.eventId)) continue;
            seen.add(event.eventId);
            if (seen.size > MOST_SEEN) seen.delete(seen.values().next().value ?? "");
            held.push(...linesOf(event, query, running));
          }
        }
        const origins = new Map<string, LineOrigin>();
        const [first] = held;
        if (first !== undefined) {
          const told = toldRequests(deliveries, query.component, { from: first.at, to });
          for await (const { requestId, origin } of told) origins.set(requestId, origin);
        }
        const waiting: LogLine[] = [];
        for (const line of held) {
          const origin = origins.get(line.requestId ?? "");
          const isHeld = line.requestId !== undefined && to.getTime() - line.at.getTime() < HELD_MS;
          if (origin === undefined && isHeld) waiting.push(line);
          else yield { ...line, ...origin };
        }
        held = waiting;
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

/** What each environment of a function is at, by its log stream: one request at a time. */
type Running = Map<string, string>;

const STARTED = [
  new RegExp(`^START RequestId: ${ID}`),
  new RegExp(`"type":\\s*"platform.start".*"requestId":\\s*"${ID}"`),
];
const ENDED = /^END RequestId|"type":\s*"platform\.runtimeDone"/;

function linesOf(event: FilteredLogEvent, query: LogQuery, running: Running): LogLine[] {
  const { message = "", timestamp = 0, logStreamName = "" } = event;
  const started = idIn(STARTED, message);
  if (started !== undefined) running.set(logStreamName, started);
  if (ENDED.test(message)) running.delete(logStreamName);
  // A stream is called after its day, the version in brackets, and its environment.
  const version = /\[([^\]]+)\]/.exec(logStreamName)?.[1] ?? "";
  if (PLATFORM.test(message) || (query.version !== undefined && version !== query.version)) return [];
  const wanted = [...(query.requestIds ?? [])].find((id) => message.includes(id));
  const requestId = wanted ?? idIn(REQUEST, message) ?? running.get(logStreamName);
  const origin = requestId === undefined ? {} : { requestId };
  const text = message.replace(REQUEST[0] ?? "", "$2 ").trimEnd();
  return text.split(/\r\n?|\n/).map((line) => ({ at: new Date(timestamp), version, ...origin, text: line }));
}

function idIn(forms: readonly RegExp[], message: string): string | undefined {
  for (const form of forms) {
    const id = form.exec(message)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}
