import { html } from "hono/html";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import type { FailureFilter } from "../../../shared/domain/health/failure-levers.ts";
import { traitText } from "../../../shared/domain/health/trait.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import {
  type ExplainedFailures,
  explainFailures,
  type FailuresExplained,
  MOST_COMPARED,
  type SeenError,
} from "../../../shared/flows/watch/explain-failures.ts";
import { type FailingVersion, failingVersions } from "../../../shared/flows/watch/failing-versions.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { address, type Params } from "../page/address.ts";
import { type AskedWindow, askedWindow, sinceField } from "../page/asked-window.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { actionLink, commandBlock, eventLink, foreignText, instant, linkTo } from "../page/parts.ts";
import { waysBack } from "../page/ways-back.ts";
import { percentText } from "../pictures/figure-text.ts";
import type { Html, Look, Page } from "../screen.ts";

const narrowed = ["version", "alias", "customer", "project", "plan", "user"] as const;

/** Failures that are compared at once, as quick as a screen has to be; on demand all that are. */
const COMPARED_AT_ONCE = 100;

/** What explains what failed: of one component, or which components have failures at all. */
export async function failuresScreen(look: Look): Promise<Page> {
  const { installation, now, query } = look;
  const asked = askedWindow(query, now);
  const component = query.get("component")?.trim() ?? "";
  if (component === "") return failingComponents(look, asked);
  const filter: FailureFilter = Object.fromEntries(
    narrowed.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])),
  );
  const most = query.get("compare") === String(MOST_COMPARED) ? MOST_COMPARED : COMPARED_AT_ONCE;
  const found = await explainFailures(
    installation,
    { component, window: asked.window, filter, most },
    now,
    Math.random,
  );
  const no = found.explanations.some(({ rollBack }) => rollBack) ? await undosOf(look, component) : () => undefined;
  const words = { component, ...filter, ...asked.words };
  const options = Object.entries({ compare: String(most), ...filter, ...asked.words });
  const body = html`
<p>${comparedText(found)} ${!found.isAll && most < MOST_COMPARED && html`<a href="${address("failures", { ...words, compare: MOST_COMPARED })}">Compare ${MOST_COMPARED}</a>`}</p>
${dataTable("What explains them", explanationColumns(look.visitor, found, asked, no), found.explanations, found.failed === 0 ? "" : "Nothing tells them apart from what went well.")}
${found.explanations.length > 0 || found.errors.length === 0 ? "" : html`<ul>${found.errors.map((error) => html`<li>${errorText(error)}</li>`)}</ul>`}
<h2>The newest</h2>
${dataTable("The newest failures", listedColumns, found.newest, "None is listed.")}
${commandBlock("The same by command", commandLine("failures", component, ...options.flatMap(([name, value]) => [`--${name}`, value])))}`;
  return { title: `Failures of ${component}`, section: "failures", above: filters(words), body };
}

/** Why the version behind an alias can't be undone; undefined where it can be asked for. */
type NoUndo = (alias: string) => string | undefined;

async function undosOf({ installation }: Look, name: string): Promise<NoUndo> {
  const { routingTable, catalog } = installation;
  const [{ components }, aliases, back] = await Promise.all([
    routingTable.components(),
    catalog.aliases(name),
    waysBack(routingTable),
  ]);
  const component = components.find((one) => one.name === name);
  return (alias) => back(component, alias, aliases.find((one) => one.alias === alias)?.version ?? null).undo;
}

/** Counted alone: what explains them is looked for once one is chosen. */
async function failingComponents({ installation }: Look, { window, words }: AskedWindow): Promise<Page> {
  const rows = await failingVersions(installation.events, window);
  const columns: DataColumn<FailingVersion>[] = [
    {
      title: "Component",
      isHeading: true,
      cell: ({ component, version }) =>
        linkTo("failures", { component, version: version || undefined, ...words }, component),
    },
    { title: "Version", cell: ({ version }) => foreignText(version || "not known") },
    { title: "Failed", isNumber: true, cell: ({ failed }) => failed },
    { title: "of", isNumber: true, cell: ({ tried }) => tried },
    { title: "Share", isNumber: true, cell: ({ failed, tried }) => percentText(failed, tried) },
  ];
  const options = Object.entries(words).flatMap(([name, value]) => [`--${name}`, value]);
  const body = html`${dataTable("Failures", columns, rows, "No first attempt has failed in this window.")}
${commandBlock("The same by command", commandLine("failures", ...options))}`;
  return { title: "Failures", section: "failures", above: filters(words), body };
}

function filters(words: { [name: string]: string | undefined } & AskedWindow["words"]): Html {
  const field = (name: string) =>
    html`<label>${name}<br><input name="${name}" value="${words[name] ?? ""}" maxlength="1024"></label>`;
  return html`<form class="filters" action="${address("failures")}">${["component", ...narrowed].map(field)}${sinceField(words)}<button>Look</button></form>`;
}

function comparedText({ counted, isAll, failed, passed, leftOut }: FailuresExplained): string {
  if (counted === 0 && failed === 0) return "No first attempt has failed in this window.";
  if (failed === 0) return `${counted} failed, of which none is listed that was asked for.`;
  const others = counted > failed ? `, of ${counted} that were counted of whatever subject` : "";
  const left = leftOut.events > 0 ? ` ${plural(leftOut.events, "event")} of these can't be looked into.` : "";
  const newest = isAll ? "" : "The newest ";
  return `${newest}${plural(failed, "failure")}${others}, beside ${passed} that went well.${left}`;
}

function explanationColumns(
  visitor: Look["visitor"],
  { component, failed, passed }: FailuresExplained,
  { window }: AskedWindow,
  no: NoUndo,
): DataColumn<ExplainedFailures>[] {
  return [
    {
      title: "What they have in common",
      isHeading: true,
      cell: ({ traits, alike }) =>
        html`${foreignText(traits.map(traitText).join(" and "))}${alike.length === 0 ? "" : html`<br><span class="soft">as do ${foreignText(alike.map(traitText).join(", "), 300)}</span>`}`,
    },
    { title: "Failed", isNumber: true, cell: ({ failures }) => `${failures.length} of ${failed}` },
    { title: "Went well", isNumber: true, cell: (one) => `${one.passed} of ${passed}` },
    { title: "Error", cell: ({ errors }) => html`${errors.map((error) => html`<div>${errorText(error)}</div>`)}` },
    {
      title: "Do",
      cell: (one) => html`<span class="buttons">${levers(visitor, component, one, window.to, no)}</span>`,
    },
  ];
}

/** What acts on these and on nothing else. */
function levers(visitor: Look["visitor"], component: string, one: ExplainedFailures, to: Date, no: NoUndo): Html {
  const { pin, rollBack, filter, since } = one;
  const pinning =
    pin &&
    actionLink(
      visitor,
      "change the routing",
      "pin",
      { [pin.level]: pin.id, component, to: pin.to },
      `Pin to ${pin.to}`,
    );
  const undoing =
    rollBack &&
    actionLink(visitor, "move versions", "undo", { component, alias: rollBack }, `Undo ${rollBack}`, no(rollBack));
  const again = filter && {
    ...paramsOf(filter),
    status: "unresolved",
    from: since.toISOString(),
    to: to.toISOString(),
  };
  const replaying = again && actionLink(visitor, "replay events", "replay-start", again, "Replay these");
  return html`${pinning}${undoing}${replaying ?? html`<span class="soft">no filter tells these apart</span>`}`;
}

function paramsOf(filter: NonNullable<ExplainedFailures["filter"]>): Params {
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

function errorText({ error, version, count, isFirst }: SeenError): Html {
  return html`${count} × ${foreignText(error)}${isFirst ? html` <span class="bad">first seen on ${foreignText(version || "?")}</span>` : ""}`;
}

const listedColumns: DataColumn<Failure>[] = [
  {
    title: "Event",
    isHeading: true,
    cell: ({ eventId, at }) => eventLink(eventId, at),
  },
  { title: "Time", cell: ({ at }) => instant(at) },
  { title: "Version", cell: ({ version: ran }) => foreignText(ran) },
  {
    title: "Customer",
    cell: ({ subject: { customer } }) => (customer === undefined ? "" : linkTo("customer", { customer }, customer)),
  },
  { title: "Type", cell: ({ type }) => foreignText(type) },
  { title: "Error", cell: ({ errorType, message }) => foreignText(`${errorType}: ${message}`) },
];
