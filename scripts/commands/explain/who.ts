import type { Command } from "commander";
import { AliasNotFound } from "../../../shared/domain/errors.ts";
import { aliasOf } from "../../../shared/domain/routing/component.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { type OnAlias, whoIsOn } from "../../../shared/flows/explain/who-is-on.ts";
import { routingTableAt } from "../../../shared/flows/routing-table-at.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { subjectText } from "../../../shared/installation/wording/subject-text.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { type Column, tablePrinter } from "../terminal/table.ts";

/** How many are named without --all. */
const NAMED = 50;

export function define(command: Command): void {
  command
    .argument("<component>", "the component")
    .argument("<alias>", "one of its aliases")
    .option("--all", `name all of them, not only the first ${NAMED}`);
  jsonOption(command)
    .addHelpText(
      "after",
      `
Of the directory and of whoever is pinned; a user or a customer that only events
know is among everyone else.

Example:
  $ turnout who release-coordinator beta
`,
    )
    .action(list);
}

async function list(component: string, alias: string, { all, json }: JsonOption & { all?: true }): Promise<void> {
  await withInstallation(async ({ routingTable, laptops }) => {
    const row = await componentNamed(routingTable, component);
    if (aliasOf(row, alias) === undefined) throw new AliasNotFound(alias, component, Object.keys(row.aliases));
    const revision = await routingTable.head();
    const table = tablePrinter(COLUMNS);
    let count = 0;
    const at = routingTableAt(routingTable, revision);
    for await (const page of whoIsOn(at, component, alias, new Date(), { readLeases: laptops.leases })) {
      const named = all ? page : page.slice(0, Math.max(0, NAMED - count));
      count += page.length;
      if (!json && named.length > 0) table.print(named);
      if (json) for (const each of named) printJson(toJson(each, revision));
    }
    table.end();
    const more = !all && count > NAMED ? `, the first ${NAMED} of them named; --all names all` : "";
    note(`${plural(count, "subject")} on ${alias} of ${component} at revision ${revision}${more}`);
  });
}

const COLUMNS: Column<OnAlias>[] = [
  { title: "SUBJECT", text: ({ subject }) => subjectText(subject), least: 20 },
  { title: "BECAUSE", text: ({ decision }) => decision.because },
  { title: "RULE", text: ({ decision }) => decision.rule, least: 16, cutFirst: true },
  {
    title: "NAMED",
    text: ({ decision }) => (decision.fallback ? `${decision.named} (unusable)` : undefined),
    style: () => "yellow",
  },
];

function toJson({ subject, decision }: OnAlias, revision: number) {
  const { user, project, customer, plan } = subject;
  return {
    user_id: user ?? null,
    project_id: project ?? null,
    customer_id: customer ?? null,
    customer_plan: plan ?? null,
    because: decision.because,
    rule: decision.rule,
    fallback: decision.fallback,
    named_alias: decision.named ?? null,
    routing_revision: revision,
  };
}
