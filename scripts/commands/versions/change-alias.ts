import type { AskedMove } from "../../../shared/installation/changes/asked-move.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { commandLineBack, noteUndo } from "../changes/undo-of-move.ts";
import { confirm } from "../terminal/confirm.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import {
  expectedHead,
  moveAs,
  noteDrift,
  previewJson,
  previewOf,
  refuseExceeding,
  showAudience,
} from "./move-alias.ts";

/** Shows what the move of an alias does, asks, makes it, and prints the command that takes it back. */
export async function changeAlias(installation: Installation, options: ChangeOptions, asked: AskedMove) {
  const { move, kind, details = [] } = asked;
  const now = new Date();
  const { component, alias, from, to } = move;
  const head = await expectedHead(installation.routingTable, options);
  const unmoved = { ...move, dry_run: options.dryRun ?? false, changed: false, revision: head, undo: null };
  if (from === to) {
    if (options.json) printJson({ ...unmoved, ...previewJson(undefined) });
    return note(`nothing to change: ${alias} of ${component} points at version ${to} already`);
  }
  const preview = await previewOf(installation, move, kind, now);
  const what = `${asked.what} from ${from ?? "nowhere"} to version ${to}`;
  if (!options.json || !options.yes) {
    note(`${what}  (routing is at revision ${head})`);
    for (const line of details) note(`  ${line}`);
    showAudience(move, preview);
  }
  // Also where nobody is asked: the log of whatever runs this is where it will be looked for.
  await noteDrift(installation, component, alias);
  if (options.dryRun && options.json) printJson({ ...unmoved, ...previewJson(preview) });
  // A dry run ends as the move itself would.
  refuseExceeding(preview, options);
  if (options.dryRun) return note("dry run: nothing was changed");
  await confirm("Move it?", options.yes ?? false);
  const revision = await moveAs(installation, move, kind, preview, options);
  const undo = commandLineBack(move, kind, revision, preview);
  if (options.json) return printJson({ ...unmoved, ...previewJson(preview), changed: true, revision, undo });
  printLine(`revision ${revision}: ${what}`);
  noteUndo(move, undo);
}
