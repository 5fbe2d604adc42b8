import { html } from "hono/html";
import { type ChangeFilter, passesFilter } from "../../../shared/domain/routing/change-filter.ts";
import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";
import { subjectLevels } from "../../../shared/domain/subject.ts";
import { backwards } from "../../../shared/flows/change/change-log.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import type { RoutingTableReader } from "../../../shared/routing-table/routing-table.ts";
import { address } from "../page/address.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { filledIn } from "../page/filled-in.ts";
import { commandBlock, foreignText, instant, linkTo } from "../page/parts.ts";
import { undoButton } from "../page/undo-button.ts";
import { whatChanged } from "../page/what-changed.ts";
import type { Html, Look, Page } from "../screen.ts";

const PER_PAGE = 50;

/** Changes that are looked at for a page; a filter that nearly nothing passes goes on from there. */
const MOST_LOOKED_AT = 5_000;

const filtered = ["component", ...subjectLevels, "who"] as const;

/** Who changed what of the routing, and why, each with what takes it back: the newest first. */
export async function changesScreen({ installation, visitor, query }: Look): Promise<Page> {
  const filter = filterOf(query);
  const asked = Number(query.get("before") ?? "");
  const { changes, next } = await page(installation.routingTable, filter, Number.isInteger(asked) ? asked : 0);
  const older = address("changes", { ...filter, before: next });
  const words = Object.entries(filter).flatMap(([name, value]) => [`--${name}`, value]);
  const command = commandLine("history", ...words, "--limit", String(PER_PAGE));
  const body = html`
${dataTable("Changes", columns(visitor), changes, "No change passes.")}
${next === undefined ? "" : html`<p><a href="${older}">Older changes, before revision ${next}</a></p>`}
${commandBlock("The same by command", command)}`;
  return { title: "Changes", section: "changes", above: filters(filter), body };
}

function filterOf(query: URLSearchParams): { [name in (typeof filtered)[number]]?: string } {
  return Object.fromEntries(
    filtered.flatMap((name) => {
      const value = filledIn(name, query.get(name) ?? "");
      return value === "" ? [] : [[name, value]];
    }),
  );
}

async function page(
  table: Pick<RoutingTableReader, "head" | "changesAfter">,
  filter: ChangeFilter,
  before: number,
): Promise<{ changes: ChangeLogEntry[]; next?: number }> {
  const last = before > 0 ? before - 1 : await table.head();
  const changes: ChangeLogEntry[] = [];
  let looked = 0;
  for await (const some of backwards(table, last, 1)) {
    for (const change of some) {
      if (changes.length === PER_PAGE || looked === MOST_LOOKED_AT) return { changes, next: change.revision + 1 };
      looked += 1;
      if (passesFilter(change, filter)) changes.push(change);
    }
  }
  return { changes };
}

function filters(filter: ReturnType<typeof filterOf>): Html {
  return html`<form class="filters" action="${address("changes")}">${filtered.map(
    (name) => html`<label>${name}<br><input name="${name}" value="${filter[name] ?? ""}" maxlength="1024"></label>`,
  )}<button>Filter</button></form>`;
}

function columns(visitor: Look["visitor"]): DataColumn<ChangeLogEntry>[] {
  return [
    {
      title: "Revision",
      isHeading: true,
      isNumber: true,
      cell: ({ revision }) => linkTo("change", { revision }, String(revision)),
    },
    { title: "Time", cell: ({ at, unreadable }) => (unreadable === undefined ? instant(at) : "can't be read") },
    { title: "Who", cell: ({ who }) => foreignText(who) },
    { title: "What", cell: whatChanged },
    { title: "Why", cell: ({ why }) => foreignText(why) },
    { title: "Undo", cell: (change) => undoButton(change, visitor) },
  ];
}
