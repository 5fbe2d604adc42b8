import type { AliasMove } from "../../domain/routing/alias-move.ts";
import { badText } from "../../domain/routing/guard-rule.ts";
import { leftDetails } from "../../domain/routing/row-details.ts";
import { plural } from "../../domain/text/plural.ts";
import { NAMED } from "../../flows/change/measure-effect.ts";
import type { ChangePreview } from "../../flows/change/preview-change.ts";
import type { MovePreview } from "../../flows/change/preview-move.ts";
import type { AskedChange } from "../changes/asked-change.ts";
import { movesLines, subjectText } from "./subject-text.ts";
import { trafficLines } from "./traffic-text.ts";

/** Most lines about the rows that change. */
const MAX_DETAILS = 30;

/** What a change does, and to whom. */
export function changeLines(
  { rows, left = [], moves, traffic }: ChangePreview,
  { edit, details }: Pick<AskedChange, "edit" | "details">,
): string[] {
  const lines = details?.(rows) ?? [];
  const told = [
    ...lines.slice(0, MAX_DETAILS),
    ...(lines.length > MAX_DETAILS ? [`… and ${plural(lines.length - MAX_DETAILS, "line")} more`] : []),
    ...leftDetails(left.slice(0, NAMED)).map((line) => `left as it is: ${line}`),
    ...(left.length > NAMED ? [`… and ${plural(left.length - NAMED, "place")} more`] : []),
  ];
  // Where a source's events carry their subjects is not in the directory.
  if (edit.kind === "apply source" || rows.every(({ key }) => key.startsWith("settings#"))) return told;
  const named = moves.first.map(
    ({ subject, component, from, to }) => `${subjectText(subject)}: ${component} ${from} → ${to}`,
  );
  return [...told, ...movesLines(moves.count, named), ...(traffic === undefined ? [] : trafficLines(traffic))];
}

/** Whom the move of an alias gives another version. */
export function audienceLines({ alias }: AliasMove, { moves: { count, first }, traffic }: MovePreview): string[] {
  const more = count > first.length ? `, … and ${count - first.length} more` : "";
  const named =
    count === 0 ? "none" : `${count} (${first.map(({ subject }) => subjectText(subject)).join("; ")}${more})`;
  return [`subjects of the directory that are on ${alias}: ${named}`, ...trafficLines(traffic)];
}

/** What is to be known of the version that an alias goes to, and doesn't stand against that. */
export function moveWarnings({ bad }: MovePreview): string[] {
  return bad === undefined ? [] : [badText(bad)];
}
