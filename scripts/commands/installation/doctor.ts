import { existsSync } from "node:fs";
import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { examineInstallation } from "../../../shared/installation/examine-installation.ts";
import { type Finding, problem } from "../../../shared/installation/finding.ts";
import { environmentName } from "../../../shared/installation/wording/environment-name.ts";
import { remediesText } from "../../../shared/installation/wording/remedy-text.ts";
import { embeddedSettings } from "../../../shared/settings.ts";
import { withInstallation } from "../terminal/context.ts";
import { endFailed } from "../terminal/exit-codes.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { type Column, printTable } from "../terminal/table.ts";

export function define(command: Command): void {
  jsonOption(command)
    .addHelpText(
      "after",
      `
Looks at the state and its queues; on AWS also at credentials, clock, tables,
bucket, bus, functions, and the account's quota of concurrent executions. Names
every row of the routing and every replay that can't be read. Compares every
alias with the change log: one that was moved behind Turnout's back is told.
Counts what is unresolved of the last day's events, on AWS of the last hour's,
10,000 at most. Says what 'turnout health' says of the last 15 minutes. Changes
nothing. A server that runs on the state is asked how it is, also while nobody
else can read it.

Exit code: 0 if there is no problem, 1 if there is one. Warnings are no
problems.

Examples:
  $ turnout doctor
  $ turnout --env prod doctor --json
`,
    )
    .action(examine);
}

async function examine({ json }: JsonOption): Promise<void> {
  const found = await findings();
  if (json) for (const finding of found) printJson(toJson(finding));
  else printTable(COLUMNS, found);
  const count = (status: Finding["status"]) => found.filter((finding) => finding.status === status).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  const remarks = found.filter(({ remedies }) => remedies.length > 0);
  if (!json) for (const { check, remedies } of remarks) note(`${check}: ${remediesText(remedies)}.`);
  note(problems + warnings === 0 ? "all is well" : `${plural(problems, "problem")}, ${plural(warnings, "warning")}`);
  if (problems > 0) endFailed();
}

async function findings(): Promise<Finding[]> {
  try {
    return await withInstallation((installation) => examineInstallation(installation, new Date()));
  } catch (error) {
    if (!(error instanceof TurnoutError)) throw error;
    const { message, remedies } = error;
    if (environmentName() !== undefined) return [problem("environment", message, ...remedies)];
    return [problem("state", message, ...remedies), ...(await whatTheServerSays())];
  }
}

/** It has the state open, and may know why nobody else can read it. */
async function whatTheServerSays(): Promise<Finding[]> {
  const { home } = embeddedSettings(process.env);
  if (!existsSync(home)) return [];
  const { examineServer } = await import("../../../shared/installation/examine-server.ts");
  // A folder that can't even be looked into has no server that could be asked.
  return examineServer(home).then(
    (finding) => [finding],
    () => [],
  );
}

const COLUMNS: Column<Finding>[] = [
  { title: "CHECK", text: ({ check }) => check, least: 16 },
  {
    title: "STATUS",
    text: ({ status }) => status,
    style: ({ status }) => (status === "ok" ? "green" : status === "warning" ? "yellow" : "red"),
  },
  { title: "FOUND", text: ({ found }) => found, least: 24 },
];

function toJson({ check, status, found, remedies }: Finding) {
  return { check, status, found, remedy: remedies.length === 0 ? null : remediesText(remedies) };
}
