import type { Command } from "commander";
import { CohortNotFound, TurnoutError } from "../../../shared/domain/errors.ts";
import type { RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import { changeOf } from "../../../shared/domain/routing/row-map.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import { membersOf } from "../../../shared/flows/explain/find-subjects.ts";
import { namedSubjects } from "../../../shared/installation/wording/named-subjects.ts";
import type { CommandWords } from "../../../shared/installation/wording/shell-quote.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { willWrite } from "../terminal/confirm.ts";
import { withInstallation, withNewInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions, cohortName, jsonOption, subjectIds } from "../terminal/options.ts";
import { add, drop } from "./cohort-members.ts";
import { registerOf, routesOf } from "./cohort-register.ts";
import { list, show } from "./cohort-show.ts";

export function define(command: Command): void {
  const named = (name: string, description: string) =>
    command.command(name).description(description).argument("<cohort>", "the cohort", cohortName("The cohort"));

  changeOptions(
    named("create", "make a cohort, or describe it anew").option("--description <text>", "who is in it", ""),
  )
    .addHelpText(
      "after",
      `
Example:
  $ turnout cohort create staff --description "everybody here" --reason "new"
`,
    )
    .action(create);
  changeOptions(named("remove", "take a cohort away; refused while it has members or routes"))
    .addHelpText("after", '\nExample:\n  $ turnout cohort remove staff --reason "not used any more"\n')
    .action(remove);

  members(named("add", "put users, projects and customers into a cohort"))
    .addHelpText(
      "after",
      `
A file has the header 'customer', 'project' or 'user' and an id on each line, or
JSON objects such as {"customer": "acme"}. Who is in it already is left alone,
so that it can be run again.

Examples:
  $ turnout cohort add staff --customer acme globex --reason "they asked"
  $ turnout cohort add partners --from partners.csv --reason "the CRM" --yes
`,
    )
    .action(add);
  members(named("drop", "take users, projects and customers out of a cohort"))
    .addHelpText("after", '\nExample:\n  $ turnout cohort drop staff --customer acme --reason "they left"\n')
    .action(drop);

  jsonOption(command.command("list").description("list the cohorts"))
    .addHelpText("after", "\nExample:\n  $ turnout cohort list\n")
    .action(list);
  jsonOption(named("show", "list a cohort's members and the routes that use it"))
    .addHelpText("after", "\nExample:\n  $ turnout cohort show staff --json\n")
    .action(show);
}

function members(command: Command): Command {
  return changeOptions(
    command
      .option("--user <id...>", "users", subjectIds("--user"))
      .option("--project <id...>", "projects", subjectIds("--project"))
      .option("--customer <id...>", "customers", subjectIds("--customer"))
      .option("--from <file>", "a file that lists them, - for stdin")
      .option("--skip-bad", "take what can be read, and end with exit code 7 if something couldn't"),
  );
}

async function create(cohort: string, options: ChangeOptions & { description: string }): Promise<void> {
  const { description } = options;
  const now = new Date();
  await withNewInstallation(willWrite(options), async (installation) =>
    changeRouting(installation, options, {
      edit: { kind: "create cohort", cohort, description, who: await installation.who(), at: now.toISOString() },
      what: `create cohort ${cohort}${description === "" ? "" : `: ${description}`}`,
      alreadySo: `there is a cohort ${cohort} like this already`,
      details: (rows) => rows.flatMap(rowDetails),
      undo: ({ revisions, rows }) => undoOfCreate(cohort, rows, `undo of revision ${revisions.join(", ")}`),
      now,
    }),
  );
}

function undoOfCreate(cohort: string, rows: readonly RowChange[], reason: string): CommandWords {
  const before = own(readable(changeOf(rows, "settings#cohorts")?.before) ?? {}, cohort);
  if (before === undefined) return ["cohort", "remove", cohort, "--reason", reason];
  return ["cohort", "create", cohort, "--description", before.description, "--reason", reason];
}

async function remove(cohort: string, options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { routingTable } = installation;
    // Before the scan: a member that comes in during it, or after it, is a conflict.
    const plannedOn = await routingTable.head();
    const register = await registerOf(routingTable);
    const entry = own(register, cohort);
    if (entry === undefined) throw new CohortNotFound(cohort, Object.keys(register));
    const routes = (await routesOf(routingTable, cohort)).map(({ component }) => `the route of ${component}`);
    const inIt = await namedSubjects(membersOf(routingTable, cohort));
    const names = inIt === undefined ? routes : [...routes, inIt];
    if (names.length > 0) {
      throw new TurnoutError(
        "not allowed",
        `Cohort '${cohort}' is still named by ${names.join("; ")}. Nothing was changed. ` +
          "Remove its routes with 'turnout cohort-route remove' and its members with 'turnout cohort drop' first.",
      );
    }
    await changeRouting(installation, options, {
      edit: { kind: "remove cohort", cohort },
      plannedOn,
      what: `remove cohort ${cohort}`,
      alreadySo: `there is no cohort ${cohort}`,
      details: (rows) => rows.flatMap(rowDetails),
      undo: ({ revisions }) => {
        const reason = `undo of revision ${revisions.join(", ")}`;
        return ["cohort", "create", cohort, "--description", entry.description, "--reason", reason];
      },
      now: new Date(),
    });
  });
}
