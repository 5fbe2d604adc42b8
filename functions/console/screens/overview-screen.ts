import { html } from "hono/html";
import { quantileMs } from "../../../shared/domain/health/duration-buckets.ts";
import { oddsText } from "../../../shared/domain/health/evidence-words.ts";
import type { MetricVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { stateText } from "../../../shared/domain/releases/release-state.ts";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { isUnderWay } from "../../../shared/domain/routing/release.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import { timeWindow } from "../../../shared/domain/text/time-window.ts";
import { saysOf, strongest } from "../../../shared/flows/watch/guard-told.ts";
import { type GuardedVersion, guardsOf } from "../../../shared/flows/watch/guards-of.ts";
import { healthOf, type VersionHealth } from "../../../shared/flows/watch/health.ts";
import { msText, percent, standingOn, standingText, unresolvedText } from "../../../shared/flows/watch/health-told.ts";
import { standingSubjects } from "../../../shared/flows/watch/standing-subjects.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import type { Visitor } from "../access/role.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { actionLink, commandBlock, foreignText, linkTo } from "../page/parts.ts";
import { type WaysBack, waysBack } from "../page/ways-back.ts";
import type { Html, Look, Page } from "../screen.ts";

/** What is looked back at. */
const SINCE_MS = 15 * 60_000;

/** More are not on one page: the components of a large installation have a page each. */
const MOST_ROWS = 200;

type Row = VersionHealth & {
  subjects: string;
  guard: GuardedVersion | undefined;
  definition: Component | undefined;
};

/** Every component and version, a line each: who is on it, how it does, and what leads further. */
export async function overviewScreen({ installation, visitor, now }: Look): Promise<Page> {
  const { routingTable, events, catalog } = installation;
  const window = timeWindow({ sinceMs: SINCE_MS }, now);
  if (!window.ok) throw new Error(window.problem);
  const [{ versions }, guarded, { revision, components, unreadable }, back] = await Promise.all([
    healthOf({ events, routingTable, catalog }, { window: window.value }, now),
    guardsOf(installation),
    routingTable.components(),
    waysBack(routingTable),
  ]);
  const standing = await standingOf(routingTable, revision, components, now);
  const rows = versions.map((version): Row => {
    const guard = guarded.find(({ component, version: of, isThere }) => {
      return isThere && component === version.component && of === version.version;
    });
    const definition = components.find(({ name }) => name === version.component);
    return { ...version, subjects: standingText(standingOn(version, standing)), guard, definition };
  });
  const frozen = components.filter(({ allStable }) => allStable !== undefined);
  const body = html`${unreadable.map(
    ({ name, row }) =>
      html`<p class="bad">The row of ${foreignText(name)} can't be read, and its events wait: ${foreignText(row.problem)}</p>`,
  )}
${frozen.map(({ name, allStable, fallbackAlias }) => allStableLine(name, fallbackAlias, allStable?.who ?? "", visitor))}
${dataTable("Components and their versions", columns(visitor, back), rows.slice(0, MOST_ROWS), "There are no components yet.", rowId)}
${rows.length > MOST_ROWS && html`<p class="soft">${rows.length - MOST_ROWS} more versions are not shown here.</p>`}`;
  const above = html`<p class="soft">First attempts of the last 15 minutes. How surely a version is worse than stable, and than before, is told as odds against chance: 1,000 to 1 and more is beyond doubt.</p>
<p class="buttons">${actionLink(visitor, "change the routing", "freeze", {}, "Freeze")}${actionLink(visitor, "change the routing", "pin", {}, "Pin")}</p>
${commandBlock("The same by command", commandLine("health"))}`;
  return { title: "Overview", section: "overview", live: true, above, body };
}

type Remembered = { revision: Revision; minute: number; standing: ReturnType<typeof standingSubjects> };

const remembered = new WeakMap<RoutingTable, Remembered>();

/** Who is on which alias changes with the routing, and as pins begin and end: to the minute will do for who watches. */
function standingOf(table: RoutingTable, revision: Revision, components: readonly Component[], now: Date) {
  const minute = Math.floor(now.getTime() / 60_000);
  const known = remembered.get(table);
  if (known?.revision === revision && known.minute === minute) return known.standing;
  const names = components.map(({ name }) => name);
  const standing = standingSubjects(table, names, now);
  remembered.set(table, { revision, minute, standing });
  standing.catch(() => remembered.delete(table));
  return standing;
}

function rowId({ component, version }: Row): string {
  return `version-${encodeURIComponent(component)}-${encodeURIComponent(version)}`;
}

function allStableLine(name: string, fallback: string, who: string, visitor: Visitor): Html {
  const off = actionLink(
    visitor,
    "change the routing",
    "all-stable",
    { component: name, off: "yes" },
    "Let its rules count",
  );
  return html`<p class="warn">Everything of ${foreignText(name)} goes to ${foreignText(fallback)}, as ${foreignText(who)} says. ${off}</p>`;
}

function columns(visitor: Visitor, back: WaysBack): DataColumn<Row>[] {
  return [
    {
      title: "Component",
      isHeading: true,
      cell: ({ component }) => narrow(linkTo("component", { name: component }, component)),
    },
    { title: "Version", cell: ({ version }) => narrow(foreignText(version === "" ? "?" : version)), isNumber: true },
    { title: "Verdict", cell: (row) => narrow(verdictCell(row)) },
    { title: "Error %", cell: errorCell, isNumber: true },
    { title: "Aliases", cell: ({ aliases }) => foreignText(aliases.join(", ")) },
    { title: "Subjects", cell: ({ subjects }) => subjects, isNumber: true },
    { title: "Per minute", cell: ({ perMinute }) => perMinute.toFixed(1), isNumber: true },
    { title: "p50", cell: ({ counts }) => msText(quantileMs(counts.durations, 0.5)), isNumber: true },
    { title: "p95", cell: ({ counts }) => msText(quantileMs(counts.durations, 0.95)), isNumber: true },
    { title: "Unresolved", cell: unresolvedCell, isNumber: true },
    { title: "Worse than stable", cell: (row) => evidenceText(evidenceOf(row)?.worseThanStable), isNumber: true },
    { title: "Worse than before", cell: (row) => evidenceText(evidenceOf(row)?.worseThanBefore), isNumber: true },
    { title: "Release", cell: releaseCell },
    { title: "Do", cell: (row) => deeds(row, visitor, back) },
  ];
}

/** On a phone these stand beside each other: how a version does is seen without scrolling sideways. */
function narrow(cell: Html): Html {
  return html`<span class="narrow">${cell}</span>`;
}

function errorCell({ component, version, counts }: Row): Html {
  const text = percent(counts.failed, counts.firsts);
  if (counts.failed === 0) return html`${text}`;
  return html`<span class="bad">${linkTo("failures", { component, version }, text)}</span>`;
}

function unresolvedCell(row: Row): Html {
  const text = unresolvedText(row);
  if (text === "") return html``;
  const { component, version } = row;
  return linkTo("stream", { component, "executed-version": version, status: "unresolved" }, text);
}

/** By the guard, where one watches; by the window, where none does. */
function evidenceOf({ guard, verdict }: Row): Pick<MetricVerdict, "worseThanStable" | "worseThanBefore"> | undefined {
  const watched = guard && strongest(guard);
  if (watched !== undefined) return watched;
  const { worseThanStable, worseThanBefore } = verdict;
  return {
    ...(worseThanStable !== undefined && { worseThanStable }),
    ...(worseThanBefore !== undefined && { worseThanBefore }),
  };
}

function verdictCell({ component, guard, verdict, counts }: Row): Html {
  if (guard !== undefined) {
    const says = saysOf(guard);
    const kind = says === "worse" ? "bad" : says === "healthy so far" ? "good" : "soft";
    return html`<span class="${kind}">${linkTo("guard", { component, alias: guard.alias }, `${says} (${guard.guard?.mode ?? "not guarded"})`)}</span>`;
  }
  if (counts.firsts === 0) return html`<span class="soft">no events</span>`;
  if (verdict.isTooFew) return html`<span class="warn">too few</span>`;
  return html`<span class="${verdict.level === "ok" ? "good" : "bad"}">${verdict.level}</span>`;
}

function releaseCell({ version, definition }: Row): Html {
  const release = definition?.release;
  if (!isUnderWay(release) || release.version !== version) return html``;
  return linkTo("release", { id: release.id }, stateText(release));
}

/** What takes a version back from where it is, and what brings it further. */
function deeds({ component, version, pointing, definition }: Row, visitor: Visitor, back: WaysBack): Html {
  const fallback = definition?.fallbackAlias;
  const backs = pointing.map((alias) => {
    const nothing = back(definition, alias, version).rollback;
    return actionLink(visitor, "move versions", "rollback", { component, alias }, `Roll back ${alias}`, nothing);
  });
  const on = pointing
    .filter((alias) => alias !== fallback && fallback !== undefined && !pointing.includes(fallback))
    .map((alias) =>
      actionLink(
        visitor,
        "move versions",
        "promote",
        { component, source: alias, alias: fallback },
        `Promote to ${fallback}`,
      ),
    )
    .slice(0, 1);
  const stable =
    fallback !== undefined && pointing.includes(fallback) && definition?.allStable === undefined
      ? actionLink(visitor, "change the routing", "all-stable", { component }, "All stable")
      : "";
  return html`<span class="deeds">${backs}${on}${stable}</span>`;
}

function evidenceText(evidence: number | undefined): string {
  return evidence === undefined ? "" : oddsText(evidence);
}
