import type { Command } from "commander";
import { type BadLine, readDirectoryFile } from "../../shared/domain/directory-file.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { MAX_ROWS_PER_CHANGE, type RowChange } from "../../shared/domain/routing-change.ts";
import type { DirectoryRow, RoutingEdit } from "../../shared/domain/routing-edit.ts";
import type { SubjectRow } from "../../shared/domain/subject.ts";
import { changeRouting } from "./change-routing.ts";
import { complainLine } from "./complain.ts";
import { willWrite } from "./confirm.ts";
import { withNewState } from "./context.ts";
import { show } from "./directory-show.ts";
import { endPartlyDone } from "./exit-codes.ts";
import { jsonOption, type MutationOptions, mutationOptions, subjectId, usage } from "./options.ts";
import { plural } from "./output.ts";
import { mustRead, readInput } from "./read-input.ts";
import { undoByRevert } from "./revert.ts";
import { commandLine } from "./shell-quote.ts";

/** `false` for `--no-customer` and `--no-plan`. */
type SetOptions = MutationOptions & { project?: string; customer?: string | false; plan?: string | false };

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("say whose customer a project is, or which plan a customer has")
    .option("--project <id>", "a project", subjectId("--project"))
    .option("--customer <id>", "its customer, or the customer that has the plan", subjectId("--customer"))
    .option("--no-customer", "the project has no customer")
    .option("--plan <id>", "the customer's plan", subjectId("--plan"))
    .option("--no-plan", "the customer has no plan");
  // Commander takes `--no-customer` alone to mean a default of true.
  setting.setOptionValue("customer", undefined).setOptionValue("plan", undefined);
  mutationOptions(setting)
    .addHelpText(
      "after",
      `
Examples:
  $ turnout directory set --project acme/site --customer acme --reason "signed up"
  $ turnout directory set --customer acme --plan paid --reason "upgraded"
`,
    )
    .action(set);

  const importing = command
    .command("import")
    .description("take over a whole directory, as CSV or JSON")
    .argument("<file>", "CSV with the header project,customer,plan, or JSON objects; - for stdin")
    .option("--skip-bad", "take what can be read, and end with exit code 7 if something couldn't");
  mutationOptions(importing)
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

async function set(options: SetOptions): Promise<void> {
  const rows = statedRows(options);
  const edit: RoutingEdit = { kind: "set directory rows", rows };
  await withNewState(willWrite(options), ({ routingTable }) =>
    changeRouting(routingTable, options, {
      edit,
      what: `set ${rows.map(rowText).join(", ")}`,
      alreadySo: "the directory says so already",
      details: (changes) => changes.map(changeText),
      undo: (made) => (made.rows.length === 1 ? undoOf(made.rows, made.revisions) : undoByRevert(made.revisions)),
      now: new Date(),
    }),
  );
}

function statedRows({ project, customer, plan }: SetOptions): DirectoryRow[] {
  const rows: DirectoryRow[] = [];
  if (project !== undefined && customer !== undefined)
    rows.push({ level: "project", id: project, customer: customer || null });
  if (typeof customer === "string" && plan !== undefined)
    rows.push({ level: "customer", id: customer, plan: plan || null });
  const unused =
    (project !== undefined && customer === undefined) || (plan !== undefined && typeof customer !== "string");
  if (rows.length === 0 || unused) throw usage("Name a --project and its --customer, or a --customer and its --plan.");
  return rows;
}

async function importFile(file: string, options: MutationOptions & { skipBad?: true }): Promise<void> {
  const { name, text } = await readInput(file);
  const { rows, bad } = mustRead(readDirectoryFile(text), name);
  tellBad(name, bad);
  if (bad.length > 0 && (!options.skipBad || rows.length === 0)) {
    throw new TurnoutError(
      "failed",
      `Nothing was imported: ${plural(bad.length, "line")} of ${name} can't be read. Correct them, or add --skip-bad.`,
    );
  }
  if (rows.length === 0) throw new TurnoutError("failed", `${name} has a header and no lines.`);
  await withNewState(willWrite(options), ({ routingTable }) =>
    changeRouting(routingTable, options, {
      edit: { kind: "set directory rows", rows },
      steps: chunks(rows).map((chunk) => ({ kind: "set directory rows", rows: chunk })),
      what: `import ${plural(rows.length, "row")} of the directory from ${name}`,
      alreadySo: `the directory has all ${plural(rows.length, "row")} already`,
      details: (changes) => [`${changes.length} of ${plural(rows.length, "row")} would change`],
      undo: (made) => undoByRevert(made.revisions),
      now: new Date(),
    }),
  );
  if (bad.length > 0) endPartlyDone();
}

function chunks(rows: readonly DirectoryRow[]): DirectoryRow[][] {
  const count = Math.ceil(rows.length / MAX_ROWS_PER_CHANGE);
  return Array.from({ length: count }, (_, i) => rows.slice(i * MAX_ROWS_PER_CHANGE, (i + 1) * MAX_ROWS_PER_CHANGE));
}

function tellBad(name: string, bad: readonly BadLine[]): void {
  for (const { where, problem } of bad) complainLine(`${name}, ${where}: ${problem}.`);
}

function rowText(row: DirectoryRow): string {
  if (row.level === "project")
    return `project ${row.id}: ${row.customer === null ? "no customer" : `customer ${row.customer}`}`;
  return `customer ${row.id}: ${row.plan === null ? "no plan" : `plan ${row.plan}`}`;
}

function changeText({ key, before, after }: RowChange): string {
  const field = key.startsWith("project#") ? "customer" : "plan";
  const value = (row: RowChange["before"]) => (row as SubjectRow | null)?.[field] ?? `no ${field}`;
  return `${key.replace("#", " ")}: ${value(before)} → ${value(after)}`;
}

function undoOf([row]: readonly RowChange[], revisions: readonly number[]): string {
  const [level = "", id = ""] =
    row === undefined ? [] : [row.key.split("#", 1)[0], row.key.slice(row.key.indexOf("#") + 1)];
  const field = level === "project" ? "customer" : "plan";
  const before = (row?.before as SubjectRow | null | undefined)?.[field];
  const value = before === undefined ? [`--no-${field}`] : [`--${field}`, before];
  return commandLine(
    "directory",
    "set",
    `--${level}`,
    id,
    ...value,
    "--reason",
    `undo of revision ${revisions.join(", ")}`,
  );
}
