import { html } from "hono/html";
import { askedStatuses, type EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { recentEvents } from "../../../shared/flows/explain/recent-events.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import { outcomeErrorText, statusText } from "../../../shared/installation/wording/outcome-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { address } from "../page/address.ts";
import { type AskedWindow, askedWindow, sinceField } from "../page/asked-window.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { commandBlock, eventLink, foreignText, instant, linkTo } from "../page/parts.ts";
import type { Html, Look, Page } from "../screen.ts";
import { filterFields, filterIn } from "./stream-filter.ts";

/** A page has so many lines, and what is looked at for them stays quick however rare they are. */
const LIMITS = { outcomes: 60, looked: 1_500 };

/** With Turnout's own notices that no component listens to: `--notices` of the command. */
const NOTICES = "notices";

/** Filters that have a field of their own; the others stand in the address alone, and are kept. */
const FIELDS = ["component", "customer", "project", "executed-version"] as const;

/** What arrived and what became of it, the newest first, by the filters of the command `events`. */
export async function streamScreen({ installation, now, query }: Look): Promise<Page> {
  const { events, routingTable } = installation;
  const notices = query.has(NOTICES);
  const filter = { ...filterIn(query), ...(notices && { notices }) };
  const asked = askedWindow(query, now, "15m");
  const ports = { events, routing: routingCache(routingTable) };
  const { outcomes, from, isAll } = await recentEvents(ports, { window: asked.window, filter, limits: LIMITS }, now);
  const none = isAll ? "No event matches." : "None of the newest events matches.";
  const older = narrowed(query);
  if (notices) older.set(NOTICES, "yes");
  for (const [name, value] of Object.entries({ ...asked.words, to: from.toISOString() })) older.set(name, value);
  const further = html`<p class="soft">Looked back to ${instant(from)}. <a href="${address("stream", older)}">Older ones</a></p>`;
  const body = html`${dataTable("Events", COLUMNS, outcomes, none, rowId)}${isAll ? "" : further}`;
  const isLive = asked.words.to === undefined;
  return { title: "Stream", section: "stream", live: isLive, above: above(query, asked), body };
}

/** The filters of an address, without its window. */
function narrowed(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams(
    [...query].filter(([name, value]) => Object.hasOwn(filterFields, name) && value.trim() !== ""),
  );
}

function above(query: URLSearchParams, { words }: AskedWindow): Html {
  const filters = narrowed(query);
  const field = (name: string) =>
    html`<label>${name.replace("-", " ")}<br><input name="${name}" value="${filters.get(name) ?? ""}" maxlength="1024" autocomplete="off" spellcheck="false"></label>`;
  const statuses = askedStatuses.map(
    (status) => html`<option${status === filters.get("status") ? html` selected` : ""}>${status}</option>`,
  );
  const kept = [...filters].filter(([name]) => name !== "status" && !FIELDS.some((one) => one === name));
  const command = [...filters].flatMap(([name, value]) => [`--${name}`, value]);
  const window = Object.entries(words).flatMap(([name, value]) => [`--${name}`, value]);
  const notices = query.has(NOTICES);
  return html`<form class="filters" action="${address("stream")}">${FIELDS.map(field)}
<label>status<br><select name="status"><option value="">any</option>${statuses}</select></label>
${sinceField(words)}${kept.map(
  ([name, value]) => html`<label>${name}<br><input name="${name}" value="${value}" maxlength="1024"></label>`,
)}<label class="switch"><input type="checkbox" name="${NOTICES}" value="yes"${notices ? html` checked` : ""}> Turnout's own notices</label>
<button>Look</button> <a class="button" href="${address("stream")}">All</a></form>
${commandBlock("The same by command", commandLine("events", ...command, ...window, notices ? `--${NOTICES}` : undefined))}`;
}

/** An outcome's place on the page; what is of one event and component comes once per generation. */
function rowId({ record, component, entry }: EventOutcome): string {
  const name = [record.eventKey, record.t0.getTime(), component ?? "", entry?.generation ?? ""].join(" ");
  return `row-${encodeURIComponent(name)}`;
}

const bad: ReadonlySet<string> = new Set(["dead", "rejected", "failed"]);
const good: ReadonlySet<string> = new Set(["done", "repaired"]);

const COLUMNS: DataColumn<EventOutcome>[] = [
  { title: "Arrived", cell: ({ record }) => instant(record.t0) },
  {
    title: "Event",
    isHeading: true,
    cell: ({ record: { id, t0 } }) => eventLink(id, t0),
  },
  { title: "Source", cell: ({ record }) => foreignText(record.source, 60) },
  { title: "Type", cell: ({ record }) => foreignText(record.detailType, 60) },
  { title: "Project", cell: ({ record }) => subjectLink("project", record.subject.project) },
  { title: "Customer", cell: ({ record }) => subjectLink("customer", record.subject.customer) },
  {
    title: "Component",
    cell: ({ component }) => (component === undefined ? "" : linkTo("component", { name: component }, component)),
  },
  { title: "Alias", cell: ({ entry }) => foreignText(entry?.alias ?? "") },
  { title: "Version", cell: ({ entry }) => foreignText(entry?.executedVersion ?? ""), isNumber: true },
  { title: "Because", cell: ({ entry }) => entry?.because ?? "" },
  { title: "Tries", cell: ({ entry }) => entry?.attempt, isNumber: true },
  {
    title: "Status",
    cell: (outcome) => {
      const kind = bad.has(outcome.status) ? "bad" : good.has(outcome.status) ? "good" : "soft";
      return html`<span class="${kind}">${foreignText(statusText(outcome))}</span>`;
    },
  },
  { title: "Error", cell: (outcome) => foreignText(outcomeErrorText(outcome) ?? "", 160) },
];

function subjectLink(level: "project" | "customer", id: string | undefined): Html | string {
  if (id === undefined) return "";
  return linkTo("customer", { [level]: id }, id.length > 40 ? `${id.slice(0, 39).toWellFormed()}…` : id);
}
