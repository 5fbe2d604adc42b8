import type { Pin } from "../../../shared/domain/routing/pin.ts";
import type { RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { changeOf, isSubjectChange } from "../../../shared/domain/routing/row-map.ts";
import { undoOfPin } from "../../../shared/domain/routing/undo-edit.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import type { SubjectKey, SubjectLevel } from "../../../shared/domain/subject.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import type { MadeChanges } from "../changes/change-routing.ts";
import { undoByRevert } from "../changes/revert.ts";
import { commandLine } from "../terminal/shell-quote.ts";

export type PinnedSubject = { level: SubjectLevel; id: string; component: string };

/** The aliases of a component that a pin may name; none for a component that is gone. */
export async function usableAliases(table: RoutingTable, name: string): Promise<string[]> {
  const { rows } = await table.rows([`component#${name}`]);
  const component = readable(rows.get(`component#${name}`));
  return Object.entries(component?.aliases ?? {}).flatMap(([alias, { retired }]) => (retired ? [] : [alias]));
}

/** The command that gives a subject back the pin that it had before a change, or none if it had none that counts. */
export function commandForPinBefore(
  subject: PinnedSubject,
  made: MadeChanges,
  usable: readonly string[],
  now: Date,
): string {
  const { revisions, rows, guardrails } = made;
  const { level, id, component } = subject;
  const undo = undoOfPin(pinIn(changeOf(rows, `${level}#${id}`)?.before, component), usable, guardrails, now);
  const named = [`--${level}`, id, "--component", component];
  const reason = ["--reason", `undo of revision ${revisions.join(", ")}`];
  if (undo.undo === "revert") return undoByRevert(revisions);
  if (undo.undo === "unpin") return commandLine("unpin", ...named, ...reason);
  const { pin } = undo;
  const from = pin.from === undefined ? [] : ["--from", pin.from];
  const until = pin.until === undefined ? [] : ["--until", pin.until];
  const successor = pin.successor === undefined ? [] : ["--successor", pin.successor];
  return commandLine("pin", ...named, "--to", pin.alias, ...successor, ...from, ...until, ...reason);
}

/** The pins before and after, in words. */
export function pinDetails(component: string, rows: readonly RowChange[]): string[] {
  return rows
    .filter(isSubjectChange)
    .map(({ before, after }) => `${pinText(pinIn(before, component))} → ${pinText(pinIn(after, component))}`);
}

function pinIn(row: RowChange<SubjectKey>["before"] | undefined, component: string): Pin | undefined {
  return own(readable(row)?.pins ?? {}, component);
}

function pinText(pin: Pin | undefined): string {
  if (pin === undefined) return "no pin";
  const from = pin.from === undefined ? "" : ` from ${pin.from}`;
  const until = pin.until === undefined ? "" : ` until ${pin.until}`;
  const then = pin.successor === undefined ? "" : `, then ${pin.successor}`;
  return `pin to ${pin.alias}${then}${from}${until} (${pin.who}: ${pin.why})`;
}
