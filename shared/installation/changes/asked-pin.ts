import type { Pin } from "../../domain/routing/pin.ts";
import type { RowChange } from "../../domain/routing/routing-change.ts";
import { changeOf, isSubjectChange } from "../../domain/routing/row-map.ts";
import { undoOfPin } from "../../domain/routing/undo-edit.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { SubjectKey, SubjectLevel } from "../../domain/subject.ts";
import { own } from "../../domain/text/schema.ts";
import { notInDirectory } from "../../flows/explain/find-subjects.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import type { Installation } from "../installation.ts";
import { unknownWarnings } from "../wording/named-subjects.ts";
import type { CommandWords } from "../wording/shell-quote.ts";
import { reasonOfUndo, undoByRevert } from "../wording/undo-commands.ts";
import type { AskedChange, MadeChanges } from "./asked-change.ts";

export type PinnedSubject = { level: SubjectLevel; id: string; component: string };

/** Gives a subject a pin. */
export async function pinning(
  { routingTable }: Pick<Installation, "routingTable">,
  subject: PinnedSubject,
  pin: Pin,
  now: Date,
): Promise<AskedChange> {
  const { level, id, component } = subject;
  const usable = await usableAliases(routingTable, component);
  const unknown = await notInDirectory(routingTable, [`${level}#${id}`]);
  return {
    edit: { kind: "pin", level, id, component, pin },
    what: `pin ${level} ${id} of ${component} to ${pin.alias}${pin.until === undefined ? "" : ` until ${pin.until}`}`,
    alreadySo: `${level} ${id} has this very pin already`,
    details: (rows) => pinDetails(component, rows),
    warnings: unknownWarnings(unknown, "the pin holds for events that name it themselves"),
    undo: (made) => commandForPinBefore(subject, made, usable, now),
    now,
  };
}

/** Takes a subject's pin away. */
export async function unpinning(
  { routingTable }: Pick<Installation, "routingTable">,
  subject: PinnedSubject,
  now: Date,
): Promise<AskedChange> {
  const { level, id, component } = subject;
  const usable = await usableAliases(routingTable, component);
  return {
    edit: { kind: "unpin", level, id, component },
    what: `unpin ${level} ${id} of ${component}`,
    alreadySo: `${level} ${id} has no pin of ${component}`,
    details: (rows) => pinDetails(component, rows),
    undo: (made) => commandForPinBefore(subject, made, usable, now),
    now,
  };
}

/** The aliases of a component that a pin may name; none for a component that is gone. */
async function usableAliases(table: RoutingTable, name: string): Promise<string[]> {
  const { rows } = await table.rows([`component#${name}`]);
  const component = readable(rows.get(`component#${name}`));
  return Object.entries(component?.aliases ?? {}).flatMap(([alias, { retired }]) => (retired ? [] : [alias]));
}

/** The command that gives a subject back the pin that it had before a change, or none if it had none that counts. */
function commandForPinBefore(
  subject: PinnedSubject,
  made: MadeChanges,
  usable: readonly string[],
  now: Date,
): CommandWords {
  const { revisions, rows, guardrails } = made;
  const { level, id, component } = subject;
  const undo = undoOfPin(pinIn(changeOf(rows, `${level}#${id}`)?.before, component), usable, guardrails, now);
  const named = [`--${level}`, id, "--component", component];
  const reason = reasonOfUndo(revisions);
  if (undo.undo === "revert") return undoByRevert(revisions);
  if (undo.undo === "unpin") return ["unpin", ...named, ...reason];
  const { pin } = undo;
  const from = pin.from === undefined ? [] : ["--from", pin.from];
  const until = pin.until === undefined ? [] : ["--until", pin.until];
  const successor = pin.successor === undefined ? [] : ["--successor", pin.successor];
  return ["pin", ...named, "--to", pin.alias, ...successor, ...from, ...until, ...reason];
}

/** The pins before and after, in words. */
function pinDetails(component: string, rows: readonly RowChange[]): string[] {
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
