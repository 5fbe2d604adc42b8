import { RevisionConflict } from "../../../shared/domain/errors.ts";
import { previewMove } from "../../../shared/flows/change/preview-move.ts";
import { moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import type { AskedMove } from "../../../shared/installation/changes/asked-move.ts";
import { audienceLines, moveWarnings } from "../../../shared/installation/wording/preview-lines.ts";
import { objectionTexts } from "../../../shared/installation/wording/remedy-text.ts";
import { commandBack } from "../../../shared/installation/wording/undo-commands.ts";
import type { Agreed, Asked, Done, Planned } from "./action.ts";

/** The move of an alias as an action, by the flows that the commands go through. */
export async function plannedMove({ installation, who, now, newId }: Asked, asked: AskedMove): Promise<Planned> {
  const { move, kind, details = [] } = asked;
  const { routingTable: table, events, catalog } = installation;
  const { component, alias, from, to } = move;
  const preview = await previewMove({ table, events }, move, kind, now);
  const what = `${asked.what} from ${from ?? "nowhere"} to version ${to}`;
  return {
    what,
    revision: preview.revision,
    lines: [...details, ...audienceLines(move, preview)],
    warnings: moveWarnings(preview),
    objections: objectionTexts(preview),
    ...(from === to && { nothing: `${alias} of ${component} points at version ${to} already` }),
    async carryOut({ reason, command, force, expectedRevision }: Agreed): Promise<Done> {
      if (expectedRevision !== preview.revision)
        throw new RevisionConflict(expectedRevision, preview.revision, undefined);
      const { settled } = await moveAlias(
        { table, events, catalog, newId },
        { move, kind, checked: preview, who, why: reason, command, at: now, force, expectedRevision },
      );
      const undo = commandBack(move, kind, settled, preview);
      return {
        what: `revision ${settled}: ${what}`,
        ...(undo === undefined
          ? { lines: [`${alias} pointed nowhere before, and can only be moved elsewhere.`] }
          : { undo }),
        next: { screen: "change", params: { revision: settled }, text: "See the change" },
      };
    },
  };
}
