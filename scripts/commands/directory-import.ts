import { type BadLine, readDirectoryFile } from "../../shared/domain/directory-file.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { MAX_ROWS_PER_CHANGE } from "../../shared/domain/routing-change.ts";
import type { DirectoryRow } from "../../shared/domain/routing-edit.ts";
import { changeRouting } from "./change-routing.ts";
import { complainLine } from "./complain.ts";
import { willWrite } from "./confirm.ts";
import { withNewState } from "./context.ts";
import { endPartlyDone } from "./exit-codes.ts";
import type { MutationOptions } from "./options.ts";
import { plural } from "./output.ts";
import { mustRead, readInput } from "./read-input.ts";
import { undoByRevert } from "./revert.ts";

export async function importFile(file: string, options: MutationOptions & { skipBad?: true }): Promise<void> {
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
  await withNewState(willWrite(options), (state) =>
    changeRouting(state, options, {
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
