import { TurnoutError } from "../../../shared/domain/errors.ts";
import { type BadLine, readDirectoryFile } from "../../../shared/domain/routing/directory-file.ts";
import { MAX_ROWS_PER_CHANGE } from "../../../shared/domain/routing/routing-change.ts";
import type { DirectoryRow } from "../../../shared/domain/routing/routing-edit.ts";
import type { SubjectKey } from "../../../shared/domain/subject.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { splitKey } from "../../../shared/domain/text/split-key.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { undoByRevert } from "../changes/revert.ts";
import { complainLine } from "../terminal/complain.ts";
import { willWrite } from "../terminal/confirm.ts";
import { withNewInstallation } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";
import { mustRead, readInput } from "../terminal/read-input.ts";

/** How many customers that nothing is known of are named. */
const NAMED_UNKNOWN = 5;

export async function importFile(file: string, options: ChangeOptions & { skipBad?: true }): Promise<void> {
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
  await withNewInstallation(willWrite(options), async (installation) => {
    await warnOfUnknown(installation.routingTable, rows);
    await changeRouting(installation, options, {
      edit: { kind: "set directory rows", rows },
      steps: chunks(rows).map((chunk) => ({ kind: "set directory rows", rows: chunk })),
      what: `import ${plural(rows.length, "row")} of the directory from ${name}`,
      alreadySo: `the directory has all ${plural(rows.length, "row")} already`,
      details: (changes) => [`${changes.length} of ${plural(rows.length, "row")} would change`],
      undo: (made) => undoByRevert(made.revisions),
      now: new Date(),
    });
  });
  if (bad.length > 0) endPartlyDone();
}

/**
 * A project may come before its customer, so one that the directory says nothing of is no error. It may also be misspelt,
 * and then its customer's pins and plan never count for the project.
 */
async function warnOfUnknown(table: RoutingTable, rows: readonly DirectoryRow[]): Promise<void> {
  const unknown = new Set<SubjectKey>();
  for (const row of rows) if (row.level === "project" && row.customer !== null) unknown.add(`customer#${row.customer}`);
  for (const row of rows) if (row.level === "customer") unknown.delete(`customer#${row.id}`);
  const { rows: there } = await table.rows([...unknown]);
  const missing = [...unknown].filter((key) => !there.has(key));
  if (missing.length === 0) return;
  const named = missing.slice(0, NAMED_UNKNOWN).map((key) => splitKey(key)[1]);
  const more = missing.length > named.length ? `, … and ${missing.length - named.length} more` : "";
  note(`warning: the directory says nothing else of ${plural(missing.length, "customer")}: ${named.join(", ")}${more}`);
}

function chunks(rows: readonly DirectoryRow[]): DirectoryRow[][] {
  const count = Math.ceil(rows.length / MAX_ROWS_PER_CHANGE);
  return Array.from({ length: count }, (_, i) => rows.slice(i * MAX_ROWS_PER_CHANGE, (i + 1) * MAX_ROWS_PER_CHANGE));
}

function tellBad(name: string, bad: readonly BadLine[]): void {
  for (const { where, problem } of bad) complainLine(`${name}, ${where}: ${problem}.`);
}
