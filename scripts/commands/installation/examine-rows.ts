import type { RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { keyInWords, splitKey } from "../../../shared/domain/text/split-key.ts";
import { type Finding, fine, problem } from "../../../shared/installation/finding.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";

/** So many are named one by one. */
const NAMED = 20;

/** Reads every row of the routing once, and names those that can't be read. */
export async function examineRows(table: Pick<RoutingTable, "allRows">): Promise<Finding[]> {
  const found: Finding[] = [];
  let [rows, unreadable] = [0, 0];
  for await (const { key, row } of table.allRows()) {
    rows++;
    if (!(row instanceof UnreadableRow)) continue;
    unreadable++;
    if (unreadable <= NAMED) found.push(problem(keyInWords(key), `can't be read: ${row.problem}`, remedyFor(key)));
  }
  if (unreadable === 0) return [fine("routing rows", `${plural(rows, "row")}, and each can be read`)];
  const more = unreadable - NAMED;
  return more <= 0 ? found : [...found, problem("routing rows", `${more} more can't be read`, "Repair these first")];
}

function remedyFor(key: RowKey): string {
  const [kind] = splitKey(key);
  const wait = "Its events are kept until it can be read. Take back the change that wrote it ('turnout revert')";
  if (kind === "component") return `${wait}, apply its file again, or remove it`;
  if (kind === "source") return `${wait}, or apply its file again`;
  if (key === "settings#guardrails") return "Changes count as frozen until then: 'turnout unfreeze' puts it right";
  if (key === "settings#cohorts") return "Create the cohorts again, or import an export";
  return `${wait}, or set it anew (pin, directory set, cohort add)`;
}
