import { html } from "hono/html";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { type Subject, SubjectId, type SubjectLevel, subjectLevels } from "../../../shared/domain/subject.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { recentEvents } from "../../../shared/flows/explain/recent-events.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { type ComparedFailures, comparedFailures } from "../page/compared-failures.ts";
import { dataTable } from "../page/data-table.ts";
import { commandBlock, eventLink, facts, foreignText, instant, linkTo } from "../page/parts.ts";
import { recentRows } from "../page/recent-rows.ts";
import { routedOf } from "../page/routed-components.ts";
import { routedTable } from "../page/routed-table.ts";
import type { Html, Look, Page } from "../screen.ts";

/** Events are looked for so far back, and no further than through so many of everybody's. */
const LOOKED_BACK_MS = 24 * 3_600_000;
const LIMITS = { outcomes: 20, looked: 400 };
const WIDER = { outcomes: 50, looked: 20_000 };

/** Where a customer's events go and why, how that compares, and what became of the newest. */
export async function customerScreen(look: Look): Promise<Page> {
  const { installation, now, query } = look;
  const { level, id } = askedSubject(query);
  const subject: Subject = { [level]: id };
  const window = { from: new Date(now.getTime() - LOOKED_BACK_MS), to: new Date(now.getTime() + 1) };
  const routed = await routedOf(installation, subject, now);
  const isWide = query.has("wide");
  const asked = { window, filter: { [level]: id }, limits: isWide ? WIDER : LIMITS };
  const [{ rows }, recent, failed] = await Promise.all([
    installation.routingTable.rows([`${level}#${id}`]),
    recentEvents(installation, asked, now),
    comparedFailures(installation, { level, id }, routed, now),
  ]);
  const row = readable(rows.get(`${level}#${id}`));
  const back = recent.isAll ? "in the last 24 hours" : `among the newest ${recent.looked} of everybody's`;
  const commands = routed.map(({ component }) => {
    const words = [`--${level}`, id, "--component", component];
    return commandBlock(`Where it goes at ${component}, by command`, commandLine("explain", ...words));
  });
  const body = html`
${directoryFacts(level, id, row, routed.at(0)?.explanation.subject)}
<h2>Where its events go</h2>
${routedTable(look, { level, id }, routed, failed, row)}
<h2>Its newest events</h2>
${recentRows(recent.outcomes, `No events of it ${back}.`)}
<p class="soft links"><span>Looked for ${back}.</span> ${recent.isAll || isWide ? "" : linkTo("customer", { [level]: id, wide: "yes" }, "Look further back")}
${linkTo("stream", { [level]: id }, "All of its events")}</p>
${failuresPart(level, id, failed)}
${commands}`;
  return { title: `${level === "customer" ? "Customer" : `The ${level}`} ${id}`, section: "customers", body };
}

function askedSubject(query: URLSearchParams): { level: SubjectLevel; id: string } {
  const level = subjectLevels.find((one) => query.has(one));
  if (level === undefined) throw new TurnoutError("usage", "Name a customer, project, plan or user.");
  const id = read(SubjectId, query.get(level) ?? "");
  if (!id.ok) throw new TurnoutError("usage", `The ${level}: ${id.problem}.`);
  return { level, id: id.value };
}

function directoryFacts(level: SubjectLevel, id: string, row: SubjectRow | undefined, resolved: Subject = {}): Html {
  const { customer, plan } = resolved;
  const link = (of: SubjectLevel, name: string | undefined) =>
    name === undefined || of === level ? undefined : linkTo("customer", { [of]: name }, name);
  return facts([
    ["customer", link("customer", customer)],
    ["plan", link("plan", plan)],
    ["cohorts", row && row.cohorts.length > 0 ? foreignText(row.cohorts.join(", ")) : undefined],
    ["directory", row === undefined ? "has no row of it; its events go by their own words" : undefined],
    ["its changes", linkTo("changes", { [level]: id }, `what was changed of ${id}`)],
  ]);
}

type FailedRow = ComparedFailures["newest"][number];

function failuresPart(level: SubjectLevel, id: string, { newest }: ComparedFailures): Html {
  const columns = [
    {
      title: "Event",
      isHeading: true,
      cell: ({ eventId, at }: FailedRow) => eventLink(eventId, at),
    },
    { title: "Time", cell: ({ at }: FailedRow) => instant(at) },
    {
      title: "Component",
      cell: ({ component }: FailedRow) => linkTo("failures", { component, [level]: id }, component),
    },
    { title: "Version", cell: ({ version }: FailedRow) => foreignText(version) },
    { title: "Error", cell: ({ errorType, message }: FailedRow) => foreignText(`${errorType}: ${message}`) },
  ];
  return html`<h2>What failed for it</h2>${dataTable("Failures", columns, newest, "No first attempt has failed in the last 24 hours.")}`;
}
