import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { GuardrailHit, TurnoutError } from "../../../shared/domain/errors.ts";
import { retryDelayMs } from "../../../shared/domain/retry.ts";
import { stepsOf } from "../../../shared/domain/routing/edit-steps.ts";
import type { LeftPlace } from "../../../shared/domain/routing/revert-row.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import { MAX_ROWS_PER_CHANGE } from "../../../shared/domain/routing/routing-change.ts";
import { leftDetails } from "../../../shared/domain/routing/row-details.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { revisionConflict } from "../../../shared/flows/change/change-routes.ts";
import { commitAsShown } from "../../../shared/flows/change/commit-as-shown.ts";
import { NAMED } from "../../../shared/flows/change/measure-effect.ts";
import { type ChangePreview, previewChange } from "../../../shared/flows/change/preview-change.ts";
import { type AskedChange, undoOfChange } from "../../../shared/installation/changes/asked-change.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { changeLines } from "../../../shared/installation/wording/preview-lines.ts";
import { objectionTexts } from "../../../shared/installation/wording/remedy-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { trafficJson } from "../../../shared/installation/wording/traffic-text.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { complain } from "../terminal/complain.ts";
import { confirm } from "../terminal/confirm.ts";
import { commandAsTyped } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";

/**
 * Shows what a change does, asks, makes it, and prints the command that takes it back.
 * @returns the revisions that it made; none where nothing was changed
 */
export async function changeRouting(
  { routingTable: table, events, who }: Pick<Installation, "routingTable" | "events" | "who">,
  options: ChangeOptions,
  asked: AskedChange,
): Promise<Revision[]> {
  const { edit, what, now } = asked;
  const preview = await previewChange(table, edit, now, events);
  for (const expected of [options.expectRevision, asked.plannedOn]) {
    if (expected === undefined || expected === preview.revision) continue;
    throw await revisionConflict(table, expected, preview.revision);
  }
  if (preview.rows.length === 0 && preview.left?.length) throw allChangedSince(preview.left);
  if (preview.rows.length === 0) {
    if (options.json) printJson(toJson(options, preview, undefined));
    note(`nothing to change: ${asked.alreadySo}`);
    return [];
  }
  if (!options.json || !options.yes) {
    note(`${what}  (routing is at revision ${preview.revision})`);
    for (const line of changeLines(preview, asked)) note(`  ${line}`);
  }
  for (const warning of asked.warnings ?? []) note(`warning: ${warning}`);
  if (options.dryRun && options.json) printJson(toJson(options, preview, undefined));
  // A dry run ends as the change itself would.
  if (preview.objections.length > 0 && !options.force) throw new GuardrailHit(preview.objections);
  if (options.dryRun) {
    note("dry run: nothing was changed");
    return [];
  }
  await confirm("Make this change?", options.yes ?? false);
  const revisions = await commitAll({ table, events }, await who(), options, asked, preview);
  const undo = commandLine(...(await undoOfChange({ routingTable: table, events }, asked, preview, revisions)));
  const [first, last] = [revisions[0] ?? preview.revision, revisions.at(-1) ?? preview.revision];
  if (options.json) {
    printJson(toJson(options, { ...preview, revision: last }, undo));
    return revisions;
  }
  printLine(`${first === last ? `revision ${last}` : `revisions ${first} to ${last}`}: ${what}`);
  note(`undo: ${undo}`);
  return revisions;
}

/** The error for a revert that finds nothing as the changes have left it. */
function allChangedSince(left: readonly LeftPlace[]): TurnoutError {
  const told = `${leftDetails(left.slice(0, NAMED)).join("; ")}${left.length > NAMED ? `; … and ${left.length - NAMED} more` : ""}`;
  const remedies = ["revert the later change first", "set what you want by hand"];
  return new TurnoutError("conflict", `Nothing was changed, for nothing is left to revert: ${told}.`, { remedies });
}

/** Commits the steps, and says how far it has come. */
async function commitAll(
  ports: { table: RoutingTable; events: Installation["events"] },
  who: string,
  options: ChangeOptions,
  { edit, steps = stepsOf(edit), plannedOn, now }: AskedChange,
  preview: ChangePreview,
): Promise<Revision[]> {
  const counter = progress(steps.length, "changes");
  const expectsRevision = options.expectRevision !== undefined || plannedOn !== undefined;
  const request = {
    edit,
    steps,
    expectsRevision,
    strict: expectsRevision || options.yes !== true,
    who,
    why: options.reason,
    command: commandAsTyped(),
    at: now,
    force: options.force ?? false,
  };
  const { revisions, stopped } = await commitAsShown(
    { ...ports, newId: randomUUID, pause },
    request,
    preview,
    counter.next,
  ).finally(counter.stop);
  if (stopped !== undefined) {
    complain(stopped.error);
    note(`Only part of it was done, ${plural(revisions.length, "change")} of ${steps.length}.`);
    endPartlyDone();
  }
  return revisions;
}

function toJson(options: ChangeOptions, preview: ChangePreview, undo: string | undefined) {
  const { revision, rows, moves, traffic } = preview;
  return {
    changed: undo !== undefined,
    dry_run: options.dryRun ?? false,
    revision,
    rows_changed: rows.length,
    /** Not of a series of changes: it may have a million rows. */
    rows: rows.length <= MAX_ROWS_PER_CHANGE ? rows : null,
    /** What a revert leaves: set anew since. */
    left: preview.left ?? [],
    moves,
    last_hour: traffic === undefined ? null : trafficJson(traffic),
    objections: objectionTexts(preview),
    undo: undo ?? null,
  };
}

/** Up to 2 s: a preview looks at the last hour's events, and takes about as long. */
const PAUSES = { baseDelayMs: 25, maxDelayMs: 2_000 };

async function pause(lost: number): Promise<void> {
  await delay(retryDelayMs(PAUSES, lost, Math.random()));
}
