import type { Guardrails } from "../../domain/routing/guardrails.ts";
import type { Revision, RowChange } from "../../domain/routing/routing-change.ts";
import type { RoutingEdit } from "../../domain/routing/routing-edit.ts";
import type { ChangePreview } from "../../flows/change/preview-change.ts";
import { undoIsRefused } from "../../flows/change/undo-refused.ts";
import type { Installation } from "../installation.ts";
import type { CommandWords } from "../wording/shell-quote.ts";

/** A change as it was made: several revisions if it was too large for one; and the guardrails it was made under. */
export type MadeChanges = { revisions: Revision[]; rows: RowChange[]; guardrails: Guardrails };

/** A change of the routing as a person asks for it, by a command or a form: what it edits, and how it is told of. */
export type AskedChange = {
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
  undo: (made: MadeChanges) => CommandWords;
  now: Date;
};

/** The command that takes a change back which was made, with `--force` where it would be refused without. */
export async function undoOfChange(
  { routingTable: table, events }: Pick<Installation, "routingTable" | "events">,
  { edit, undo, now }: Pick<AskedChange, "edit" | "undo" | "now">,
  { rows, guardrails }: ChangePreview,
  revisions: Revision[],
): Promise<CommandWords> {
  const words = undo({ revisions, rows, guardrails });
  // The change is made, whatever is in the way of finding this out.
  const isRefused = await undoIsRefused({ table, events }, edit, { rows, guardrails }, now).catch(() => true);
  return isRefused ? [...words, "--force"] : words;
}
