import { html } from "hono/html";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { readHistory } from "../../../shared/flows/change/change-log.ts";
import { customerName } from "../../../shared/flows/watch/customer-of.ts";
import { beyondVerdict, saysOf, standsAs, verdictOf } from "../../../shared/flows/watch/guard-told.ts";
import { type GuardedVersion, guardsOf } from "../../../shared/flows/watch/guards-of.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { dataTable } from "../page/data-table.ts";
import { actionLink, commandBlock, facts, foreignText, instant, linkTo } from "../page/parts.ts";
import { whatChanged } from "../page/what-changed.ts";
import { guardMeters } from "../pictures/meters-picture.ts";
import type { Html, Look, Page } from "../screen.ts";

/** What the guard did lately is told so far back. */
const MOST_TOLD = 20;

/** What watches over an alias: its meters, what they say, and what was done about it. */
export async function guardScreen({ installation, visitor, query }: Look): Promise<Page> {
  const [component, alias] = [query.get("component") ?? "", query.get("alias") ?? ""];
  const wanted = query.get("version");
  const all = (await guardsOf(installation, component)).filter((one) => one.alias === alias);
  const found = all.find(({ version }) => version === wanted) ?? all[0];
  const title = `Guard of ${alias} of ${component}`;
  if (found === undefined) {
    const link = actionLink(visitor, "change the routing", "guard-set", { component, alias }, "Guard it");
    if (alias === "") throw new TurnoutError("usage", "Name the alias whose guard you want to see.");
    return { title, section: "releases", body: html`<p class="none">Nothing watches over it.</p><p>${link}</p>` };
  }
  const verdict = verdictOf(found);
  const body = html`
<p><b>${saysOf(found)}</b> ${foreignText(beyondVerdict(found), 2_000)}</p>
${verdict === undefined ? html`<p class="none">It has not looked yet.</p>` : guardMeters("meters", verdict)}
<p class="buttons">${buttons(found, visitor)}</p>
${guardFacts(found)}
${await doneBy(installation, component)}
${commandBlock("The same by command", commandLine("guard", "show", component))}`;
  return { title, section: "releases", live: true, body };
}

function buttons({ component, alias, guard }: GuardedVersion, visitor: Look["visitor"]): Html {
  const button = (action: string, text: string) =>
    actionLink(visitor, "change the routing", action, { component, alias, mode: guard?.mode }, text);
  if (guard === undefined) return button("guard-set", "Guard it");
  return html`${button("guard-set", "Change the mode")}${button("guard-clear", "Guard it no more")}`;
}

function guardFacts(found: GuardedVersion): Html {
  const { component, version, guard, watch, isThere } = found;
  const at = (time: string | undefined) => (time === undefined ? undefined : instant(new Date(time)));
  return facts([
    ["component", linkTo("component", { name: component }, component)],
    [
      "version",
      version === null ? "none" : html`${foreignText(version)}${isThere ? "" : ", which isn't there any more"}`,
    ],
    ["mode", `${standsAs(found)}${guard?.all ? ", with what it has done" : ""}`],
    ["set", guard && html`${at(guard.at)} by ${foreignText(guard.who)}: ${foreignText(guard.why, 1_000)}`],
    ["came", at(watch?.since)],
    ["counts from", at(watch?.from)],
    ["looked at", at(watch?.lookedAt)],
    [
      "failed for",
      watch &&
        (watch.customers.length === 0 ? "no customer" : foreignText(watch.customers.map(customerName).join(", "), 500)),
    ],
    ["replay", watch?.trip?.replay && linkTo("replay", { name: watch.trip.replay }, watch.trip.replay)],
  ]);
}

async function doneBy({ routingTable }: Look["installation"], component: string): Promise<Html> {
  const changes = (await Array.fromAsync(readHistory(routingTable, { who: `guard/${component}` }, MOST_TOLD))).flat();
  const columns = [
    {
      title: "Revision",
      isHeading: true,
      isNumber: true,
      cell: ({ revision }: (typeof changes)[number]) => linkTo("change", { revision }, String(revision)),
    },
    { title: "Time", cell: ({ at }: (typeof changes)[number]) => instant(at) },
    { title: "What was done", cell: whatChanged },
    { title: "Why", cell: ({ why }: (typeof changes)[number]) => foreignText(why, 500) },
  ];
  return html`<h2>What guards of ${foreignText(component)} did</h2>
${dataTable("What guards did", columns, changes.toReversed(), "Nothing so far.", ({ revision }) => `change-${revision}`)}`;
}
