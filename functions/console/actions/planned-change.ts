import { RevisionConflict, TurnoutError } from "../../../shared/domain/errors.ts";
import { stepsOf } from "../../../shared/domain/routing/edit-steps.ts";
import type { RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { wholeRowDetails } from "../../../shared/domain/routing/row-details.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { commitAsShown } from "../../../shared/flows/change/commit-as-shown.ts";
import { previewChange } from "../../../shared/flows/change/preview-change.ts";
import { type AskedChange, undoOfChange } from "../../../shared/installation/changes/asked-change.ts";
import { changeLines } from "../../../shared/installation/wording/preview-lines.ts";
import { errorText, objectionTexts } from "../../../shared/installation/wording/remedy-text.ts";
import type { Agreed, Asked, Done, Planned } from "./action.ts";

/** A change of the routing as an action: previewed, and made, by the flows that the command goes through. */
export async function plannedChange(asked: Asked, change: AskedChange): Promise<Planned> {
  const { routingTable: table, events } = asked.installation;
  const { edit, now, plannedOn, what, alreadySo, warnings } = change;
  const preview = await previewChange(table, edit, now, events);
  if (plannedOn !== undefined && plannedOn !== preview.revision) {
    throw new RevisionConflict(plannedOn, preview.revision, undefined);
  }
  const isNothing = preview.rows.length === 0;
  return {
    what,
    revision: preview.revision,
    lines: isNothing ? [] : changeLines(preview, change),
    rows: rowLines(preview.rows),
    ...(warnings && { warnings }),
    objections: objectionTexts(preview),
    ...(isNothing && { nothing: alreadySo }),
    async carryOut({ reason, command, force, expectedRevision }: Agreed): Promise<Done> {
      if (expectedRevision !== preview.revision)
        throw new RevisionConflict(expectedRevision, preview.revision, undefined);
      const steps = change.steps ?? stepsOf(edit);
      const { revisions, stopped } = await commitAsShown(
        // Nobody waits: what comes between is shown first.
        { table, events, newId: asked.newId, pause: async () => {} },
        { edit, steps, expectsRevision: true, strict: true, who: asked.who, why: reason, command, at: now, force },
        preview,
        () => {},
      );
      const [first, last] = [revisions[0] ?? preview.revision, revisions.at(-1) ?? preview.revision];
      return {
        what: `${first === last ? `revision ${last}` : `revisions ${first} to ${last}`}: ${what}`,
        lines: stopped === undefined ? [] : stoppedLines(stopped.error, revisions.length, steps.length),
        undo: await undoOfChange(asked.installation, change, preview, revisions),
        next: { screen: "change", params: { revision: last }, text: "See the change" },
      };
    },
  };
}

/** Lines of rows that are shown: a form is no export. */
const MAX_ROW_LINES = 200;

function rowLines(rows: readonly RowChange[]): string[] {
  const lines = rows.flatMap(wholeRowDetails);
  const more = lines.length - MAX_ROW_LINES;
  return more > 0 ? [...lines.slice(0, MAX_ROW_LINES), `… and ${plural(more, "line")} more`] : lines;
}

function stoppedLines(error: unknown, made: number, wanted: number): string[] {
  const told =
    error instanceof TurnoutError ? errorText(error) : error instanceof Error ? error.message : String(error);
  return [`Only part of it was done, ${plural(made, "change")} of ${wanted}.`, told];
}
