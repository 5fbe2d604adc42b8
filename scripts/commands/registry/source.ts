import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { DEFAULT_RETENTION_DAYS, EventSource } from "../../../shared/domain/events/event.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { sourcesIn } from "../../../shared/flows/event-sources.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { willWrite } from "../terminal/confirm.ts";
import { withInstallation, withNewInstallation } from "../terminal/context.ts";
import { readOrNote } from "../terminal/note-unread.ts";
import { type ChangeOptions, changeOptions, type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson, printPrettyJson } from "../terminal/output.ts";
import { mustRead, readJsonInput } from "../terminal/read-input.ts";
import { type Column, printTable } from "../terminal/table.ts";

export function define(command: Command): void {
  const applying = command
    .command("apply")
    .description("say where the events of a source carry their key and subject, and how long they are kept")
    .argument("<file>", "the source as JSON, - for stdin");
  changeOptions(applying)
    .addHelpText(
      "after",
      `
For publishers that write no detail.metadata. Example of a file:
  { "source": "github.com", "project": "detail.repository.full_name" }

"source" is what stands in the events' own field. What may be added:
  "idempotencyKey": "detail.id"     events with the same one, source and
                                    detail-type are one event (default: the
                                    event's id)
  "project", "customer",            who it is about, each a path (default: what
  "plan", "user"                    the directory says of the others)
  "retentionDays": 30               how long its events are kept, 1 to 3650
  "retentionDaysByType":            the same of some detail-types
    { "release": 365 }

A path begins with detail and has a field after each dot. What an event says in
detail.metadata goes before what stands at the path. An event in which a path
leads to nothing has no such subject. One in which it leads to neither text nor
a whole number is rejected, and 'replay start --status rejected' delivers it
once this is right.

The file takes the place of the whole row: a path that it doesn't name is gone.
It holds for events from the next batch on. Refused (exit code 1): a file that
isn't JSON, a field that there isn't, a path that doesn't begin with detail,
days out of bounds. A freeze stands against it (4) unless --force is given.

Examples:
  $ turnout source apply github.json --reason "projects are repositories"
  $ turnout source show github.com | turnout source apply - --reason x --dry-run
`,
    )
    .action(apply);
  jsonOption(command.command("list").description("list the sources"))
    .addHelpText("after", "\nExample:\n  $ turnout source list --json\n")
    .action(list);
  jsonOption(command.command("show").description("print a source, in the form that 'apply' takes").argument("<name>"))
    .addHelpText("after", "\nExample:\n  $ turnout source show github.com\n")
    .action(show);
}

async function apply(file: string, options: ChangeOptions): Promise<void> {
  const { name, value } = await readJsonInput(file);
  const source = mustRead(read(EventSource, value), name);
  await withNewInstallation(willWrite(options), (installation) =>
    changeRouting(installation, options, {
      edit: { kind: "apply source", source },
      what: `apply source ${source.source}`,
      alreadySo: `source ${source.source} is like this already`,
      details: (rows) => rows.flatMap(rowDetails),
      undo: ({ revisions }) => undoByRevert(revisions),
      now: new Date(),
    }),
  );
}

async function list({ json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const sources = await sourcesIn(routingTable, readOrNote);
    if (json) for (const source of sources) printJson(source);
    else if (sources.length === 0) note("no sources");
    else printTable(COLUMNS, sources);
  });
}

const COLUMNS: Column<EventSource>[] = [
  { title: "SOURCE", text: ({ source }) => source, least: 12 },
  { title: "KEY", text: ({ idempotencyKey }) => idempotencyKey, least: 8 },
  { title: "PROJECT", text: ({ project }) => project, least: 8 },
  { title: "CUSTOMER", text: ({ customer }) => customer, least: 8 },
  { title: "PLAN", text: ({ plan }) => plan, least: 8 },
  { title: "USER", text: ({ user }) => user, least: 8 },
  { title: "KEPT", text: keptText, optional: 1 },
];

function keptText({ retentionDays = DEFAULT_RETENTION_DAYS, retentionDaysByType }: EventSource): string {
  const types = Object.keys(retentionDaysByType ?? {}).length;
  return `${retentionDays} d${types === 0 ? "" : `, but for ${plural(types, "type")}`}`;
}

async function show(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const { rows } = await routingTable.rows([`source#${name}`]);
    const source = rows.get(`source#${name}`);
    if (source === undefined) {
      throw new TurnoutError("not found", `No source '${name}'. Add it with 'turnout source apply FILE'.`);
    }
    if (source instanceof UnreadableRow) {
      throw new TurnoutError(
        "failed",
        `The row of source '${name}' can't be read: ${source.problem}. Apply its file again ('turnout source apply FILE').`,
      );
    }
    if (json) printJson(source);
    else printPrettyJson(source);
  });
}
