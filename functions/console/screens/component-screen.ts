import { html } from "hono/html";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { type BadVersion, badMark } from "../../../shared/domain/routing/guard-rule.ts";
import { outsidePeriod, type Period } from "../../../shared/domain/routing/period.ts";
import { isUnderWay } from "../../../shared/domain/routing/release.ts";
import { shareText } from "../../../shared/domain/routing/rollout.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { readCounts } from "../../../shared/flows/watch/read-counts.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import type { RoutingTableReader } from "../../../shared/routing-table/routing-table.ts";
import { address, type Params } from "../page/address.ts";
import { askedWindow, sinceField } from "../page/asked-window.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { actionLink, commandBlock, facts, foreignText, instant, linkTo } from "../page/parts.ts";
import { type Pinned, pinnedSubjects } from "../page/pinned-subjects.ts";
import { type WaysBack, waysBack } from "../page/ways-back.ts";
import { type RatedVersion, ratesPicture } from "../pictures/rates-picture.ts";
import { type RoutedGroup, routesPicture } from "../pictures/routes-picture.ts";
import type { Html, Look, Page } from "../screen.ts";

/** Plans whose pins are looked for, and those that are drawn. */
const MOST_PLANS = 1_000;
const MOST_DRAWN = 40;

/** One component: how its versions do, and where each plan and cohort goes. */
export async function componentScreen(look: Look): Promise<Page> {
  const { installation, visitor, now, query } = look;
  const { routingTable, catalog, events } = installation;
  const component = await componentNamed(routingTable, query.get("name") ?? "");
  const { name, allStable } = component;
  const asked = askedWindow(query, now);
  const [targets, { counts }, groups, pinned, back] = await Promise.all([
    catalog.aliases(name),
    readCounts(events, asked.window),
    groupsOf(routingTable, component, now),
    pinnedSubjects(routingTable, component, now),
    waysBack(routingTable),
  ]);
  const own = counts.filter((count) => count.component === name && count.version !== "");
  const byVersion = Map.groupBy(own, ({ version }) => version);
  for (const { version } of targets) if (!byVersion.has(version)) byVersion.set(version, []);
  const rated = [...byVersion]
    .map(([version, some]): RatedVersion => {
      const aliases = targets.filter((target) => target.version === version).map(({ alias }) => alias);
      return { version, aliases, counts: some };
    })
    .toSorted((a, b) => b.version.localeCompare(a.version, "en", { numeric: true }));
  const behind = new Map(targets.map(({ alias, version }) => [alias, version]));
  const words = Object.entries(asked.words).flatMap(([word, value]) => [`--${word}`, value]);
  const health = commandLine("health", name, ...words);
  const pins = commandLine("pins", "--component", name);
  const body = html`
${releaseLine(component)}
${ratesPicture("rates", asked.window, rated)}
<p class="links">${linkTo("failures", { component: name, ...asked.words }, "What explains its failures")}
${linkTo("stream", { component: name, ...asked.words }, "Its events")} ${linkTo("changes", { component: name }, "Its changes")}</p>
<h2>Where each goes</h2>
${routesPicture("routes", allStable === undefined ? [...pinnedGroups(pinned), ...groups] : groups, behind)}
${allStable === undefined ? pinsNote(pinned) : ""}
<h2>Aliases</h2>
${dataTable("Aliases", aliasColumns(visitor, component, behind, back), Object.keys(component.aliases), "It has no alias.")}
${badVersionsOf(component)}
${commandBlock("Its versions by command", health)}
${commandBlock("Its pins by command", pins)}
${commandBlock("Its aliases by command", commandLine("aliases", name))}`;
  const above = html`<form class="filters" action="${address("component")}"><input type="hidden" name="name" value="${name}">${sinceField(asked.words)}<button>Look</button></form>`;
  return { title: name, section: "overview", live: true, above, body };
}

function releaseLine({ release, allStable }: Component): Html {
  const releasing = isUnderWay(release) ? linkTo("release", { id: release.id }, `release ${release.id}`) : undefined;
  return facts([
    ["under way", releasing],
    [
      "all stable",
      allStable && html`<span class="warn">by ${foreignText(allStable.who)}: ${foreignText(allStable.why)}</span>`,
    ],
  ]);
}

/** The versions that no alias gets without force. */
function badVersionsOf({ name, badVersions = [] }: Component): Html {
  if (badVersions.length === 0) return html``;
  const columns: DataColumn<BadVersion>[] = [
    { title: "Version", isHeading: true, cell: ({ version }) => foreignText(version) },
    {
      title: "Behind",
      cell: ({ alias, version }) => linkTo("guard", { component: name, alias, version }, alias),
    },
    { title: "Found", cell: ({ at }) => instant(new Date(at)) },
    { title: "Why", cell: ({ why }) => foreignText(why, 1_000) },
  ];
  return html`<h2>Found to be bad</h2>
${dataTable("Versions that were found to be bad", columns, badVersions, "", ({ version, alias }) => `bad-${version}-${alias}`)}`;
}

/** Pins of users, projects and customers, which come before all other rules. */
function pinnedGroups({ subjects, unlooked }: Pinned): RoutedGroup[] {
  return subjects.map(({ level, alias, count }) => {
    const who = `${unlooked.includes(level) ? "≥ " : ""}${plural(count, level)}`;
    return { rule: `${level} pin`, who, alias, listed: address("customers", { level }) };
  });
}

function pinsNote({ unlooked }: Pinned): Html {
  const lists = (["user", "project", "customer"] as const).map((level) => linkTo("customers", { level }, `${level}s`));
  const more = unlooked.length === 0 ? "" : ` Pins are counted among the first 1,000 ${unlooked.join("s, ")}s.`;
  return html`<p class="soft">Pins of ${lists[0]}, ${lists[1]} and ${lists[2]}, in this order, come before all else.${more}</p>`;
}

/** The other rules that count now, in the order in which they win. */
async function groupsOf(table: RoutingTableReader, component: Component, now: Date): Promise<RoutedGroup[]> {
  const { name, allStable, fallbackAlias, cohortRoutes, rollout, defaultAlias } = component;
  if (allStable !== undefined) return [{ rule: "all stable", who: "everybody", alias: fallbackAlias }];
  const counts = (rule: Period) => outsidePeriod(rule, now) === undefined;
  const plans: RoutedGroup[] = [];
  let looked = 0;
  for await (const { id, row } of table.subjects("plan")) {
    if (++looked > MOST_PLANS || plans.length === MOST_DRAWN) break;
    const pin = own(readable(row)?.pins ?? {}, name);
    if (pin !== undefined && counts(pin)) plans.push({ rule: "plan pin", who: id, alias: pin.alias });
  }
  return [
    ...cohortRoutes
      .filter(counts)
      .slice(0, MOST_DRAWN)
      .map(({ cohort, alias }) => ({ rule: "cohort route", who: cohort, alias })),
    ...plans,
    ...(rollout === undefined || !counts(rollout)
      ? []
      : [{ rule: "rollout", who: `${shareText(rollout.basisPoints)} of each ${rollout.by}`, alias: rollout.alias }]),
    { rule: "default alias", who: "everybody else", alias: defaultAlias },
  ];
}

function aliasColumns(
  visitor: Look["visitor"],
  component: Component,
  behind: ReadonlyMap<string, string | null>,
  back: WaysBack,
): DataColumn<string>[] {
  const { name, defaultAlias, fallbackAlias, guards = {}, aliases, badVersions } = component;
  const isRetired = (alias: string) => own(aliases, alias)?.retired === true;
  return [
    { title: "Alias", isHeading: true, cell: (alias) => foreignText(alias) },
    {
      title: "Version",
      cell: (alias) => {
        const version = behind.get(alias) ?? null;
        const bad = badMark(badVersions, version);
        return html`${foreignText(version ?? "none")}${bad && html` ${linkTo("guard", { component: name, alias: bad.alias, version: bad.version }, "bad")}`}`;
      },
    },
    {
      title: "Is",
      cell: (alias) =>
        [
          alias === defaultAlias ? "where everybody else goes" : "",
          alias === fallbackAlias ? "the fallback" : "",
          isRetired(alias) ? "retired" : "",
        ]
          .filter(Boolean)
          .join(", "),
    },
    {
      title: "Guard",
      cell: (alias) => {
        const guard = own(guards, alias);
        return linkTo("guard", { component: name, alias }, guard === undefined ? "none" : guard.mode);
      },
    },
    {
      title: "Do",
      cell: (alias) => {
        const version = behind.get(alias) ?? null;
        const no = back(component, alias, version);
        const button = (action: string, about: Params, text: string, nothing?: string) =>
          actionLink(visitor, "move versions", action, { component: name, ...about }, text, nothing);
        const promote =
          version === null || version === behind.get(defaultAlias)
            ? ""
            : button("promote", { source: alias, alias: defaultAlias }, `Promote to ${defaultAlias}`);
        return html`<span class="buttons">${button("rollback", { alias }, "Roll back", no.rollback)}${button("undo", { alias }, "Undo", no.undo)}${promote}</span>`;
      },
    },
  ];
}
