import { lacksEnd } from "../../shared/domain/guardrails.ts";
import type { Pin } from "../../shared/domain/pin.ts";
import type { RowChange } from "../../shared/domain/routing-change.ts";
import { own } from "../../shared/domain/schema.ts";
import type { SubjectLevel, SubjectRow } from "../../shared/domain/subject.ts";
import type { MadeChange } from "./change-routing.ts";
import { undoByRevert } from "./revert.ts";
import { commandLine } from "./shell-quote.ts";

export type PinnedSubject = { level: SubjectLevel; id: string; component: string };

/** The command that gives a subject back the pin that it had before a change, or none if it had none that counts. */
export function commandForPinBefore(subject: PinnedSubject, made: MadeChange, now: Date): string {
  const { revisions, rows, guardrails } = made;
  const { level, id, component } = subject;
  const pin = pinIn(rows[0]?.before, component);
  const named = [`--${level}`, id, "--component", component];
  const reason = ["--reason", `undo of revision ${revisions.join(", ")}`];
  // A pin that has run out can't be set again, and having none comes to the same.
  if (pin === undefined || (pin.until !== undefined && pin.until <= now.toISOString())) {
    return commandLine("unpin", ...named, ...reason);
  }
  // It was set with --force, or before its alias asked for an end, and would be refused now.
  if (lacksEnd(guardrails, pin)) return undoByRevert(revisions);
  const from = pin.from === undefined ? [] : ["--from", pin.from];
  const until = pin.until === undefined ? [] : ["--until", pin.until];
  const successor = pin.successor === undefined ? [] : ["--successor", pin.successor];
  return commandLine("pin", ...named, "--to", pin.alias, ...successor, ...from, ...until, ...reason);
}

/** The pins before and after, in words. */
export function pinDetails(component: string, rows: readonly RowChange[]): string[] {
  return rows.map(({ before, after }) => `${pinText(pinIn(before, component))} → ${pinText(pinIn(after, component))}`);
}

function pinIn(row: RowChange["before"] | undefined, component: string): Pin | undefined {
  return row ? own((row as SubjectRow).pins, component) : undefined;
}

function pinText(pin: Pin | undefined): string {
  if (pin === undefined) return "no pin";
  const from = pin.from === undefined ? "" : ` from ${pin.from}`;
  const until = pin.until === undefined ? "" : ` until ${pin.until}`;
  const then = pin.successor === undefined ? "" : `, then ${pin.successor}`;
  return `pin to ${pin.alias}${then}${from}${until} (${pin.who}: ${pin.why})`;
}
