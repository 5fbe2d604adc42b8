import { html } from "hono/html";
import type { Attempt, EventRecord, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { isCalled } from "../../../shared/domain/deliveries/record-names.ts";
import { requestIdIn } from "../../../shared/domain/deliveries/request-id.ts";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { readTime } from "../../../shared/domain/text/time-window.ts";
import { type ExplainedDelivery, explainDelivery, findEvents } from "../../../shared/flows/explain/explain-event.ts";
import type { Explanation } from "../../../shared/flows/explain/explain-route.ts";
import { type Printed, printedFor, printedText } from "../../../shared/installation/printed-for.ts";
import { deliveryErrorText } from "../../../shared/installation/wording/delivery-error-text.ts";
import { noticeLines } from "../../../shared/installation/wording/notice-lines.ts";
import { outcomeErrorText, statusText } from "../../../shared/installation/wording/outcome-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import type { Visitor } from "../access/role.ts";
import { bodyText } from "../page/body-text.ts";
import { dataTable } from "../page/data-table.ts";
import { actionLink, commandBlock, facts, foreignText, instant, linkTo, textLines } from "../page/parts.ts";
import type { Html, Look, Page } from "../screen.ts";

/** How far back it is looked for by its name alone; with the time of its arrival it is found at once. */
const LOOK_BACK_MS = 3_600_000;

/** Deliveries that are explained on one page: an event may have come many times, to many components. */
const MOST_DELIVERIES = 20;

/** One event: what arrived, where it went and why, every attempt, and what it printed. */
export async function eventScreen(look: Look): Promise<Page> {
  const { installation, visitor, now, query } = look;
  const id = query.get("id") ?? "";
  const [first, ...duplicates] = await found(look, id);
  if (first === undefined) throw notFound(id, query.has("at"));
  const { record } = first;
  const outcomes = [first, ...duplicates].flatMap((one) => one.outcomes).slice(0, MOST_DELIVERIES);
  const explained: ExplainedDelivery[] = [];
  const leases = { readLeases: installation.laptops.leases };
  for (const outcome of outcomes)
    explained.push(await explainDelivery(installation.routingTable, outcome, now, leases));
  const printed = await printedFor(installation, outcomes, now);
  const body = html`${aboutRecord(record, duplicates.length)}
${noticeBlocks(record)}
${explained.map((delivery) => deliverySection(delivery, printed, visitor))}
<h2>What was published</h2>
${record.unavailable === undefined ? html`<pre tabindex="0">${bodyText(record.body)}</pre>` : html`<p class="bad">It can't be had: ${foreignText(record.unavailable)}</p>`}
${commandBlock("The same by command", commandLine("event", "show", record.id))}`;
  return { title: `Event ${record.id.slice(0, 120).toWellFormed()}`, section: "stream", body };
}

/** The events of this very name; else those that begin so. */
async function found({ installation, now, query }: Look, id: string) {
  if (id === "") return [];
  const at = readTime(query.get("at") ?? "");
  const window = at.ok
    ? { from: at.value, to: new Date(at.value.getTime() + 1) }
    : { from: new Date(now.getTime() - LOOK_BACK_MS), to: new Date(now.getTime() + 1) };
  const all = await Array.fromAsync(findEvents(installation.events, window, id, now));
  const named = all.filter(({ record }) => isCalled(record, id));
  return named.length > 0 ? named : all.slice(0, 1);
}

function notFound(id: string, hasTime: boolean): TurnoutError {
  const where = hasTime ? "at that time" : "in the last hour";
  return new TurnoutError("not found", `No event '${id.slice(0, 200).toWellFormed()}' has arrived ${where}.`, {
    remedies: ["search for it, which looks further back"],
  });
}

function aboutRecord(record: EventRecord, duplicates: number): Html {
  const { project, customer, plan, user } = record.subject;
  return facts([
    ["arrived", instant(record.t0)],
    ["source and type", html`${foreignText(record.source)}, ${foreignText(record.detailType)}`],
    ["project", project === undefined ? undefined : linkTo("customer", { project }, project)],
    ["customer", customer === undefined ? undefined : linkTo("customer", { customer }, customer)],
    ["plan", plan === undefined ? undefined : linkTo("customer", { plan }, plan)],
    ["user", user === undefined ? undefined : linkTo("customer", { user }, user)],
    ["publisher's key", foreignText(record.idempotencyKey)],
    ["event key", foreignText(record.eventKey)],
    ["kept until", instant(record.expiresAt)],
    ["came again", duplicates === 0 ? undefined : `${duplicates} times`],
    [
      "rejected",
      record.rejected === undefined ? undefined : html`<span class="bad">${foreignText(record.rejected, 1_000)}</span>`,
    ],
  ]);
}

/** What a notice of Turnout's own has somebody do. */
function noticeBlocks(record: EventRecord): Html {
  const notice = noticeLines(record);
  if (notice === undefined) return html``;
  return html`${commandBlock("Looks further", notice.looks)}
${notice.acts !== undefined && commandBlock("Acts on it", notice.acts)}`;
}

function deliverySection(delivery: ExplainedDelivery, printed: Printed, visitor: Visitor): Html {
  const { component, entry, record } = delivery;
  if (component === undefined)
    return html`<h2>No delivery</h2><p>${foreignText(statusText(delivery))}: no component listened to it.</p>`;
  const error = outcomeErrorText(delivery);
  return html`<section><h2>${linkTo("component", { name: component }, component)}</h2>
${facts([
  ["status", foreignText(statusText(delivery))],
  ["alias", entry && foreignText(entry.alias)],
  ["version", entry?.executedVersion === undefined ? undefined : foreignText(entry.executedVersion)],
  [
    "because",
    entry &&
      html`${entry.because}, at revision ${linkTo("change", { revision: entry.routingRevision }, String(entry.routingRevision))}`,
  ],
  [
    "generation",
    entry === undefined || entry.generation === "live"
      ? undefined
      : linkTo("replay", { name: entry.generation }, entry.generation),
  ],
  ["reopened by", entry?.replay === undefined ? undefined : linkTo("replay", { name: entry.replay }, entry.replay)],
  [
    "made good by",
    delivery.repairedBy === undefined
      ? undefined
      : linkTo("replay", { name: delivery.repairedBy }, delivery.repairedBy),
  ],
  ["error", error === undefined ? undefined : html`<span class="bad">${foreignText(error, 2_000)}</span>`],
  ["tried again", entry?.status === "failed" && entry.nextAttemptAt ? instant(entry.nextAttemptAt) : undefined],
])}
${entry && attemptsOf(entry, printed)}
${explanationOf("Why, as it was decided", delivery.atDecision)}
${delivery.now instanceof UnreadableRow ? html`<p class="bad">The component's row can't be read: ${foreignText(delivery.now.problem)}</p>` : isSame(delivery) ? "" : explanationOf("Where it would go now", delivery.now)}
${pinButtons(record, component, visitor)}
</section>`;
}

function attemptsOf(entry: LedgerEntry, printed: Printed): Html {
  const stack = entry.attempts.findLast(({ error }) => error?.stack !== undefined)?.error?.stack;
  const lines = printedText(entry, printed);
  return html`${dataTable<Attempt>(
    `Attempts at ${entry.component}`,
    [
      { title: "Attempt", isHeading: true, cell: ({ attempt }) => attempt, isNumber: true },
      { title: "When", cell: ({ at }) => instant(at) },
      {
        title: "Outcome",
        cell: ({ outcome }) => html`<span class="${outcome === "done" ? "good" : "bad"}">${outcome}</span>`,
      },
      { title: "Version", cell: ({ version }) => foreignText(version ?? ""), isNumber: true },
      {
        title: "Took",
        cell: ({ durationMs }) => (durationMs === undefined ? "" : `${Math.round(durationMs)} ms`),
        isNumber: true,
      },
      { title: "Error", cell: ({ error, version }) => errorCell(entry, error, version) },
      { title: "Request", cell: ({ attempt }) => foreignText(requestIdIn(entry, attempt)) },
    ],
    entry.attempts,
    "Nothing was tried yet.",
  )}
${stack !== undefined && html`<details><summary>Stack of the last error</summary><pre tabindex="0">${bodyText(stack)}</pre></details>`}
${lines.length > 0 && html`<details open><summary>What it printed</summary><pre tabindex="0">${bodyText(lines.join("\n"))}</pre></details>`}`;
}

function errorCell({ component, alias }: LedgerEntry, error: Attempt["error"], version: string | undefined): Html {
  if (error === undefined) return html``;
  return foreignText(deliveryErrorText({ component, alias, error, executedVersion: version }), 1_000);
}

function explanationOf(title: string, explanation: Explanation | undefined): Html {
  if (explanation === undefined) return html``;
  const { decision, revision } = explanation;
  const lines = decision.passedOver.map(({ rule, why }) => `${rule}: ${why}`);
  const fallback = decision.fallback
    ? html`<p class="warn">${foreignText(decision.named ?? "")} is unknown or retired, so ${foreignText(decision.alias)} takes its place.</p>`
    : "";
  return html`<details><summary>${title}: ${foreignText(decision.alias)}, ${decision.because}</summary>
<p>${foreignText(decision.rule)} <span class="soft">(revision ${revision})</span></p>${fallback}
${lines.length > 0 && html`<p>Passed over:</p>${textLines(lines)}`}</details>`;
}

function isSame({ atDecision, now }: ExplainedDelivery): boolean {
  if (atDecision === undefined || now === undefined || now instanceof UnreadableRow) return false;
  return atDecision.decision.alias === now.decision.alias && atDecision.decision.because === now.decision.because;
}

function pinButtons({ subject }: EventOutcome["record"], component: string, visitor: Visitor): Html {
  const { customer, project } = subject;
  return html`<p class="buttons">
${customer !== undefined && actionLink(visitor, "change the routing", "pin", { component, customer, edit: 1 }, "Pin its customer")}
${project !== undefined && actionLink(visitor, "change the routing", "pin", { component, project, edit: 1 }, "Pin its project")}
</p>`;
}
