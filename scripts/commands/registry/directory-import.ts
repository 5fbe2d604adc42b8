import { TurnoutError } from "../../../shared/domain/errors.ts";
import { type BadLine, readDirectoryFile } from "../../../shared/domain/routing/directory-file.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { unknownCustomers } from "../../../shared/flows/change/unknown-customers.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { changeRouting } from "../changes/change-routing.ts";
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
    warnOfUnknown(await unknownCustomers(installation.routingTable, rows));
    await changeRouting(installation, options, {
      edit: { kind: "set directory rows", rows },
      what: `import ${plural(rows.length, "row")} of the directory from ${name}`,
      alreadySo: `the directory has all ${plural(rows.length, "row")} already`,
      details: (changes) => [`${changes.length} of ${plural(rows.length, "row")} would change`],
      undo: (made) => undoByRevert(made.revisions),
      now: new Date(),
    });
  });
  if (bad.length > 0) endPartlyDone();
}

function warnOfUnknown(customers: readonly string[]): void {
  if (customers.length === 0) return;
  const named = customers.slice(0, NAMED_UNKNOWN);
  const more = customers.length > named.length ? `, … and ${customers.length - named.length} more` : "";
  note(
    `warning: the directory says nothing else of ${plural(customers.length, "customer")}: ${named.join(", ")}${more}`,
  );
}

function tellBad(name: string, bad: readonly BadLine[]): void {
  for (const { where, problem } of bad) complainLine(`${name}, ${where}: ${problem}.`);
}
