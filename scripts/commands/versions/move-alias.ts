import { randomUUID } from "node:crypto";
import { GuardrailHit } from "../../../shared/domain/errors.ts";
import type { AliasMove, MoveKind } from "../../../shared/domain/routing/alias-move.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import { revisionConflict } from "../../../shared/flows/change/change-routes.ts";
import { type MovePreview, previewMove } from "../../../shared/flows/change/preview-move.ts";
import { keyOf, loggedAliases, standingOf } from "../../../shared/flows/versions/logged-aliases.ts";
import { moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { audienceLines, moveWarnings } from "../../../shared/installation/wording/preview-lines.ts";
import { objectionTexts } from "../../../shared/installation/wording/remedy-text.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { commandAsTyped } from "../terminal/context.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { note } from "../terminal/output.ts";

/** Says when an alias isn't where the change log has it: who moves it should know that somebody else did. */
export async function noteDrift(
  { routingTable, catalog }: Installation,
  component: string,
  alias: string,
): Promise<void> {
  const aliases = await catalog.aliases(component);
  const logged = await loggedAliases(routingTable, [{ component, alias }]);
  const now = aliases.find((one) => one.alias === alias);
  const standing = standingOf(logged.get(keyOf({ component, alias })) ?? {}, now);
  if (standing.kind !== "drifted") return;
  note(`  ${alias} of ${component} was moved behind Turnout's back: it ${standing.text}`);
}

/** The revision that the routing is at. @throws RevisionConflict when another one was expected */
export async function expectedHead(table: RoutingTable, { expectRevision }: ChangeOptions): Promise<Revision> {
  const head = await table.head();
  if (expectRevision === undefined || expectRevision === head) return head;
  throw await revisionConflict(table, expectRevision, head);
}

/** Works out whom a move would give another version. */
export function previewOf(
  { routingTable: table, events }: Pick<Installation, "routingTable" | "events">,
  move: AliasMove,
  kind: MoveKind,
  now: Date,
): Promise<MovePreview> {
  return previewMove({ table, events }, move, kind, now);
}

/** Says whom the move gives another version, and what is to be known of that. */
export function showAudience(move: AliasMove, preview: MovePreview): void {
  for (const line of audienceLines(move, preview)) note(`  ${line}`);
  for (const warning of moveWarnings(preview)) note(`warning: ${warning}`);
}

/** The same, for programs; without a preview, that nothing is moved. */
export function previewJson(preview: MovePreview | undefined) {
  if (preview === undefined) return { moves: { count: 0, first: [] }, last_hour: null, objections: [] };
  const { moves, traffic } = preview;
  const components = traffic.components.map(({ component, events, moved, inFlight }) => {
    return { component, events, moved, in_flight: inFlight };
  });
  return { moves, last_hour: { cut: traffic.cut, components }, objections: objectionTexts(preview) };
}

/** @throws GuardrailHit when something stands against the move, without `--force` */
export function refuseExceeding({ objections }: MovePreview, { force }: Pick<ChangeOptions, "force">): void {
  if (objections.length > 0 && !force) throw new GuardrailHit(objections);
}

/**
 * Moves the alias as this command's doing, at this moment.
 * @param checked whom it moves, as of a revision
 * @param replay the replay that belongs to it
 * @returns the revision at which the move is settled
 */
export async function moveAs(
  { catalog, routingTable: table, events, who }: Installation,
  move: AliasMove,
  kind: MoveKind,
  checked: MovePreview | undefined,
  { reason, force, expectRevision }: Pick<ChangeOptions, "reason" | "force" | "expectRevision">,
  replay?: string,
): Promise<Revision> {
  const { settled } = await moveAlias(
    { table, events, catalog, newId: randomUUID },
    {
      move,
      kind,
      ...(checked === undefined ? {} : { checked }),
      who: await who(),
      why: reason,
      command: commandAsTyped(),
      at: new Date(),
      force: force ?? false,
      ...(expectRevision === undefined ? {} : { expectedRevision: expectRevision }),
      ...(replay === undefined ? {} : { replay }),
    },
  );
  return settled;
}
