import { html } from "hono/html";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { type SubjectLevel, subjectLevels } from "../../../shared/domain/subject.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { address } from "../page/address.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { commandBlock, foreignText, linkTo } from "../page/parts.ts";
import type { Html, Look, Page } from "../screen.ts";

const MOST_LISTED = 100;

type Listed = { id: string; row: SubjectRow | UnreadableRow };

/** Whom the directory knows: customers, or the projects, plans and users that rows stand of. */
export async function customersScreen({ installation, query }: Look): Promise<Page> {
  const level = subjectLevels.find((one) => one === query.get("level")) ?? "customer";
  const begins = query.get("begins") ?? "";
  const { found, isMore } = await listed(installation.routingTable.subjects(level, begins));
  const pins = commandLine("pins", "--level", level);
  const body = html`
${dataTable(`Of level ${level}`, columns(level), found, "The directory has none of them.", undefined)}
${isMore ? html`<p class="soft">There are more. Say how the name begins, or go to one by its whole name.</p>` : ""}
${level === "customer" || level === "project" ? commandBlock("The directory by command", commandLine("directory", "show")) : ""}
${commandBlock("Their pins by command", pins)}`;
  return { title: "Customers", section: "customers", above: forms(level, begins), body };
}

async function listed(all: AsyncIterable<Listed>): Promise<{ found: Listed[]; isMore: boolean }> {
  const found: Listed[] = [];
  for await (const one of all) {
    if (found.length === MOST_LISTED) return { found, isMore: true };
    found.push(one);
  }
  return { found, isMore: false };
}

function forms(level: SubjectLevel, begins: string): Html {
  const levels = subjectLevels.map(
    (one) => html`<option value="${one}"${one === level ? html` selected` : ""}>${one}</option>`,
  );
  return html`<form class="filters" action="${address("customers")}">
<label>list<br><select name="level">${levels}</select></label>
<label>whose name begins with<br><input name="begins" value="${begins}" maxlength="1024"></label><button>List</button></form>
<form class="filters" action="${address("customer")}"><label>go to the customer<br><input name="customer" maxlength="1024" required></label><button>Go</button></form>`;
}

function columns(level: SubjectLevel): DataColumn<Listed>[] {
  const known = (of: (row: SubjectRow) => Html | string) => (one: Listed) =>
    one.row instanceof UnreadableRow ? html`<span class="bad">can't be read</span>` : of(one.row);
  return [
    { title: level, isHeading: true, cell: ({ id }) => linkTo("customer", { [level]: id }, id) },
    {
      title: "Customer",
      cell: known(({ customer }) => (customer === undefined ? "" : linkTo("customer", { customer }, customer))),
    },
    { title: "Plan", cell: known(({ plan }) => (plan === undefined ? "" : linkTo("customer", { plan }, plan))) },
    { title: "Cohorts", cell: known(({ cohorts }) => foreignText(cohorts.join(", "))) },
    {
      title: "Pins",
      cell: known(({ pins }) =>
        foreignText(
          Object.entries(pins)
            .map(([component, { alias }]) => `${component} to ${alias}`)
            .join(", "),
        ),
      ),
    },
  ];
}
