import type { Command } from "commander";
import { type LineOrigin, requestIdsOf } from "../../../shared/domain/deliveries/request-id.ts";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { printable } from "../../../shared/domain/text/printable.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { LogLine, LogQuery } from "../../../shared/version-logs/version-logs.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption, usage } from "../terminal/options.ts";
import { note, paint, printJson } from "../terminal/output.ts";
import { type WindowOptions, windowOf, windowOptions } from "./filter-options.ts";
import { mustFindEvents } from "./find-event.ts";

type Asked = { query: LogQuery; window: TimeWindow; origins?: ReadonlyMap<string, LineOrigin> };

type LogsOptions = JsonOption & WindowOptions & { version?: string; event?: string; follow?: true };

export function define(command: Command): void {
  windowOptions(command.argument("<component>", "the component"))
    .option("--version <number>", "only this version")
    .option(
      "--event <id>",
      "only what was printed for this event, in every attempt; the beginning of its id or key will do",
    )
    .option("-f, --follow", "go on printing what is written from now on");
  jsonOption(command)
    .addHelpText(
      "after",
      `
A line per line that a version wrote: when, version, event and attempt, text; '-' where it was written outside of any
event. Control characters are shown as escapes. --event looks for the event as 'turnout event show' does, and then for
its lines from its arrival on. Ctrl-C ends --follow.

Here each version has a log of its own in the state folder. Of what it prints no more is kept than TURNOUT_LOG_MB (20),
and nothing for longer than TURNOUT_LOG_DAYS (14), as the server was started with. On AWS it is the function's log group;
event and attempt of a request are those that the router's log tells, else a line has its request alone.

Examples:
  $ turnout logs release-coordinator --version 23 -f
  $ turnout logs release-coordinator --event 3f6c0e1a --since 2d
  $ turnout logs release-coordinator --since 1h --json
`,
    )
    .action(show);
}

async function show(component: string, { json, version, event, follow, ...stated }: LogsOptions): Promise<void> {
  if (follow && event !== undefined) throw usage("Name one of --event and --follow.");
  if (follow && stated.to !== undefined) throw usage("Name one of --to and --follow.");
  await withInstallation(async (installation) => {
    await componentNamed(installation.routingTable, component);
    if (version !== undefined) await versionNamed(installation, component, version);
    const now = new Date();
    const window = windowOf(stated, now);
    const print = (line: LogLine) => (json ? printJson(toJson(component, line)) : printLogLine(line));
    const query: LogQuery = { component, ...(version !== undefined && { version }) };
    if (follow) {
      note(`what ${component} prints, from ${window.from.toISOString()} on; Ctrl-C ends it`);
      for await (const line of installation.logs.follow(query, window.from)) print(line);
      return;
    }
    const asked: Asked =
      event === undefined ? { query, window } : await ofEvent(installation, query, event, stated.since, now);
    let lines = 0;
    for await (const line of installation.logs.lines(asked.query, asked.window)) {
      // Requests are asked for by the ledger's names.
      print({ ...asked.origins?.get(line.requestId ?? ""), ...line });
      lines += 1;
    }
    if (lines > 0) return;
    const { from, to } = asked.window;
    note(
      `nothing was printed${event === undefined ? "" : " for it"} from ${from.toISOString()} to ${to.toISOString()}`,
    );
  });
}

/** @throws TurnoutError `not found` for a version that neither is there nor has left a log */
async function versionNamed({ catalog, logs }: Installation, component: string, version: string): Promise<void> {
  const [versions, logged] = await Promise.all([catalog.versions(component), logs.versions(component)]);
  const known = [...new Set([...versions.map((one) => one.version), ...logged])];
  if (known.includes(version)) return;
  const there = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  throw new TurnoutError("not found", `No version '${version}' of ${component}; ${there}.`);
}

/** The attempts of an event and its duplicates at this component, from its arrival on. */
async function ofEvent(
  { events }: Installation,
  query: LogQuery,
  wanted: string,
  sinceMs: number | undefined,
  now: Date,
): Promise<Asked> {
  const found = await mustFindEvents(events, wanted, sinceMs, now);
  const origins = new Map(
    found.flatMap(({ record, outcomes }) =>
      outcomes.flatMap(({ entry }) => {
        if (entry?.component !== query.component) return [];
        const eventId = record.id;
        return [...requestIdsOf(entry)].map(([id, attempt]): [string, LineOrigin] => [id, { attempt, eventId }]);
      }),
    ),
  );
  const from = new Date(Math.min(...found.map(({ record }) => record.t0.getTime())));
  const requestIds = new Set(origins.keys());
  return { query: { ...query, requestIds }, window: { from, to: new Date(now.getTime() + 1) }, origins };
}

function toJson(component: string, { at, version, eventId, attempt, requestId, text }: LogLine) {
  return {
    time: at.toISOString(),
    component,
    component_version: version,
    event_id: eventId ?? null,
    attempt: attempt ?? null,
    request_id: requestId ?? null,
    text,
  };
}

/** E.g. `2026-11-20T10:13:25.123Z  23  35a64eb0-d8d5-4044-b126-e8316801a5ab#1  looks for the release`. */
function printLogLine({ at, version, eventId, attempt, requestId, text }: LogLine): void {
  const whose = eventId === undefined ? (requestId ?? "-") : `${eventId}#${attempt}`;
  const head = printable(`${at.toISOString()}  ${version}  ${whose}`);
  process.stdout.write(`${paint("dim", head)}  ${printable(text)}\n`);
}
