import type { Command } from "commander";
import { changeOptions, jsonOption, subjectId } from "../terminal/options.ts";
import { importFile } from "./directory-import.ts";
import { set } from "./directory-set.ts";
import { show } from "./directory-show.ts";

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("say whose customer a project is, or which plan a customer has")
    .option("--project <id>", "a project", subjectId("--project"))
    .option("--customer <id>", "its customer, or the customer that has the plan", subjectId("--customer"))
    .option("--no-customer", "the project has no customer")
    .option("--plan <id>", "the customer's plan", subjectId("--plan"))
    .option("--no-plan", "the customer has no plan");
  changeOptions(setting)
    .addHelpText(
      "after",
      `
Examples:
  $ turnout directory set --project acme/site --customer acme --reason "new"
  $ turnout directory set --customer acme --plan paid --reason "upgraded"
`,
    )
    .action(set);

  const importing = command
    .command("import")
    .description("take over a whole directory, as CSV or JSON")
    .argument("<file>", "CSV with the header project,customer,plan, or JSON objects; - for stdin")
    .option("--skip-bad", "take what can be read, and end with exit code 7 if something couldn't");
  changeOptions(importing)
    .addHelpText(
      "after",
      `
A line gives a project its customer, a customer its plan, or both. What is so
already is left alone, so an import can be run again.

Example:
  $ turnout directory import customers.csv --reason "from the CRM" --dry-run
`,
    )
    .action(importFile);

  const showing = command
    .command("show")
    .description("list projects with their customers, and customers with their plans")
    .option("--project <id>", "only this project", subjectId("--project"))
    .option("--customer <id>", "only this customer and its projects", subjectId("--customer"));
  jsonOption(showing)
    .addHelpText("after", "\nExample:\n  $ turnout directory show --json > directory.ndjson\n")
    .action(show);
}
