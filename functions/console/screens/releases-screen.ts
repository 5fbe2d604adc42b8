import { html } from "hono/html";
import { oddsText } from "../../../shared/domain/health/evidence-words.ts";
import { stateText } from "../../../shared/domain/releases/release-state.ts";
import { isUnderWay } from "../../../shared/domain/routing/release.ts";
import { type ReleaseOf, releases } from "../../../shared/flows/release/find-release.ts";
import {
  beyondVerdict,
  doneText,
  foundText,
  saysOf,
  standsAs,
  strongest,
} from "../../../shared/flows/watch/guard-told.ts";
import { type GuardedVersion, guardsOf } from "../../../shared/flows/watch/guards-of.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { actionLink, commandBlock, foreignText, instant, linkTo } from "../page/parts.ts";
import type { Html, Look, Page } from "../screen.ts";

/** Versions on their way to everybody, and what watches over them. */
export async function releasesScreen({ installation, visitor }: Look): Promise<Page> {
  const [all, guarded] = await Promise.all([releases(installation.routingTable), guardsOf(installation)]);
  const above = html`<p class="buttons">${actionLink(visitor, "move versions", "release-start", {}, "Start a release")}
${actionLink(visitor, "change the routing", "guard-set", {}, "Guard an alias")}</p>`;
  const body = html`<h2>Releases</h2>
${dataTable("Releases", releaseColumns, all, "There are no releases.", ({ release }) => `release-${release.id}`)}
<h2>Guards</h2>
${dataTable("Guards", guardColumns, guarded, "Nothing is guarded.", ({ component, alias, version }) => `guard-${component}-${alias}-${version}`)}
${commandBlock("The releases by command", commandLine("release", "list"))}
${commandBlock("The guards by command", commandLine("guard", "show"))}`;
  return { title: "Releases and guards", section: "releases", live: true, above, body };
}

const releaseColumns: DataColumn<ReleaseOf>[] = [
  { title: "Release", isHeading: true, cell: ({ release: { id } }) => linkTo("release", { id }, id) },
  { title: "Component", cell: ({ component: { name } }) => linkTo("component", { name }, name) },
  { title: "Version", cell: ({ release }) => foreignText(release.version) },
  { title: "State", cell: ({ release }) => stateMark(release) },
  { title: "Begun", cell: ({ release }) => instant(new Date(release.startedAt)) },
  { title: "By", cell: ({ release }) => foreignText(release.who) },
  { title: "Why", cell: ({ release }) => foreignText(release.why) },
];

function stateMark(release: ReleaseOf["release"]): Html {
  const isGood = release.ended?.how === "done";
  const mark = isGood ? "good" : isUnderWay(release) ? (release.paused ? "warn" : "") : "bad";
  return html`<span class="${mark}">${foreignText(stateText(release))}</span>`;
}

const guardColumns: DataColumn<GuardedVersion>[] = [
  {
    title: "Alias",
    isHeading: true,
    cell: ({ component, alias, version }) =>
      linkTo("guard", { component, alias, version: version ?? undefined }, `${alias} of ${component}`),
  },
  { title: "Version", cell: ({ version }) => foreignText(version ?? "none") },
  { title: "Mode", cell: standsAs },
  { title: "Says", cell: (one) => saysMark(one) },
  { title: "Worse than stable", isNumber: true, cell: (one) => oddsText(strongest(one)?.worseThanStable) },
  { title: "Worse than before", isNumber: true, cell: (one) => oddsText(strongest(one)?.worseThanBefore) },
  { title: "What was done", cell: (one) => foreignText(doneText(one), 300) },
  { title: "Told", cell: (one) => foreignText(beyondVerdict(one, foundText(one)), 300) },
];

function saysMark(one: GuardedVersion): Html {
  const says = saysOf(one);
  return html`<span class="${says === "worse" ? "bad" : says === "healthy so far" ? "good" : "soft"}">${says}</span>`;
}
