import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { GuardrailHit, TurnoutError } from "../../../shared/domain/errors.ts";
import { retryDelayMs } from "../../../shared/domain/retry.ts";
import { stepsOf } from "../../../shared/domain/routing/edit-steps.ts";
import type { Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import type { LeftPlace } from "../../../shared/domain/routing/revert-row.ts";
import type { Revision, RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { MAX_ROWS_PER_CHANGE } from "../../../shared/domain/routing/routing-change.ts";
import type { RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { leftDetails } from "../../../shared/domain/routing/row-details.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { revisionConflict } from "../../../shared/flows/change/change-routes.ts";
import { commitAsShown } from "../../../shared/flows/change/commit-as-shown.ts";
import { NAMED } from "../../../shared/flows/change/measure-effect.ts";
import { type ChangePreview, previewChange } from "../../../shared/flows/change/preview-change.ts";
import { undoIsRefused } from "../../../shared/flows/change/undo-refused.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { complain } from "../terminal/complain.ts";
import { confirm } from "../terminal/confirm.ts";
import { commandAsTyped } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { objectionTexts } from "../wording/remedy-text.ts";
import { showMoves, subjectText } from "../wording/subject-text.ts";
import { showTraffic, trafficJson } from "../wording/traffic-text.ts";

/** Most lines about the rows that change. */
const MAX_DETAILS = 30;

/** A change as it was made: several revisions if it was too large for one; and the guardrails it was made under. */
export type MadeChanges = { revisions: Revision[]; rows: RowChange[]; guardrails: Guardrails };

export type EditRequest = {
  /** The whole of it, which is previewed. */
  edit: RoutingEdit;
  /** What is committed, one change each in this order, if the whole would be too large for one. Default: the whole. */
  steps?: readonly RoutingEdit[];
  /** The revision that the edit was worked out on; another one is a conflict. Default: any will do. */
  plannedOn?: Revision;
  /** In the imperative, e.g. `pin customer acme of release-coordinator to beta`. */
  what: string;
  /** Said when there is nothing to change, e.g. `customer acme has no pin of release-coordinator`. */
  alreadySo: string;
  /** What is rather a slip than meant, a line each. Said with the preview, and also where that isn't shown. */
  warnings?: readonly string[];
  /** Lines that say more of what changes. */
  details?: (rows: readonly RowChange[]) => string[];
  /** The command that takes the change back. */
  undo: (made: MadeChanges) => string;
  now: Date;
};

/** Shows what a change does, asks, makes it, and prints the command that takes it back. */
export async function changeRouting(
  { routingTable: table, events, who }: Pick<Installation, "routingTable" | "events" | "who">,
  options: ChangeOptions,
  asked: EditRequest,
) {
  const { edit, what, now } = asked;
  const preview = await previewChange(table, edit, now, events);
  for (const expected of [options.expectRevision, asked.plannedOn]) {
    if (expected === undefined || expected === preview.revision) continue;
    throw await revisionConflict(table, expected, preview.revision);
  }
  if (preview.rows.length === 0 && preview.left?.length) throw allChangedSince(preview.left);
  if (preview.rows.length === 0) {
    if (options.json) printJson(toJson(options, preview, undefined));
    return note(`nothing to change: ${asked.alreadySo}`);
  }
  if (!options.json || !options.yes) showPreview(preview, asked);
  for (const warning of asked.warnings ?? []) note(`warning: ${warning}`);
  if (options.dryRun && options.json) printJson(toJson(options, preview, undefined));
  // A dry run ends as the change itself would.
  if (preview.objections.length > 0 && !options.force) throw new GuardrailHit(preview.objections);
  if (options.dryRun) return note("dry run: nothing was changed");
  await confirm("Make this change?", options.yes ?? false);
  const revisions = await commitAll({ table, events }, await who(), options, asked, preview);
  const undo = await undoOf({ table, events }, asked, preview, revisions);
  const [first, last] = [revisions[0] ?? preview.revision, revisions.at(-1) ?? preview.revision];
  if (options.json) return printJson(toJson(options, { ...preview, revision: last }, undo));
  printLine(`${first === last ? `revision ${last}` : `revisions ${first} to ${last}`}: ${what}`);
  note(`undo: ${undo}`);
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
  { edit, steps = stepsOf(edit), plannedOn, now }: EditRequest,
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

/** The undo, with `--force` where it would be refused without. */
async function undoOf(
  ports: { table: RoutingTable; events: Installation["events"] },
  { edit, undo, now }: EditRequest,
  { rows, guardrails }: ChangePreview,
  revisions: Revision[],
) {
  const command = undo({ revisions, rows, guardrails });
  // The change is made, whatever is in the way of finding this out.
  const isRefused = await undoIsRefused(ports, edit, { rows, guardrails }, now).catch(() => true);
  return isRefused ? `${command} --force` : command;
}

function showPreview(
  { revision, rows, left = [], moves, traffic }: ChangePreview,
  { edit, what, details }: EditRequest,
): void {
  note(`${what}  (routing is at revision ${revision})`);
  const lines = details?.(rows) ?? [];
  for (const line of lines.slice(0, MAX_DETAILS)) note(`  ${line}`);
  if (lines.length > MAX_DETAILS) note(`  … and ${plural(lines.length - MAX_DETAILS, "line")} more`);
  for (const line of leftDetails(left.slice(0, NAMED))) note(`  left as it is: ${line}`);
  if (left.length > NAMED) note(`  … and ${plural(left.length - NAMED, "place")} more`);
  // Where a source's events carry their subjects is not in the directory.
  if (edit.kind === "apply source" || rows.every(({ key }) => key.startsWith("settings#"))) return;
  showMoves(
    moves.count,
    moves.first.map(({ subject, component, from, to }) => `${subjectText(subject)}: ${component} ${from} → ${to}`),
  );
  if (traffic !== undefined) showTraffic(traffic);
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
