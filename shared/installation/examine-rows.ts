import type { Remedy } from "../domain/remedy.ts";
import type { RowKey } from "../domain/routing/routing-change.ts";
import { UnreadableRow } from "../domain/routing/unreadable-row.ts";
import { plural } from "../domain/text/plural.ts";
import { keyInWords, splitKey } from "../domain/text/split-key.ts";
import type { RoutingTable } from "../routing-table/routing-table.ts";
import { type Finding, fine, problem } from "./finding.ts";

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
    if (unreadable <= NAMED)
      found.push(problem(keyInWords(key), `${unreadText(key)}: ${row.problem}`, ...remediesFor(key)));
  }
  if (unreadable === 0) return [fine("routing rows", `${plural(rows, "row")}, and each can be read`)];
  const more = unreadable - NAMED;
  return more <= 0 ? found : [...found, problem("routing rows", `${more} more can't be read`, "Repair these first")];
}

/** What is so of a row that can't be read. */
export function unreadText(key: RowKey): string {
  return key.startsWith("settings#") ? "can't be read" : "can't be read, and its events are kept until it can";
}

function remediesFor(key: RowKey): Remedy[] {
  const [kind, name] = splitKey(key);
  const takeBack = { operation: "revert change" } as const;
  if (key === "settings#guardrails") return [{ operation: "unfreeze" }];
  if (key === "settings#cohorts") return ["create the cohorts again", "import an export"];
  if (kind === "component") {
    return [
      takeBack,
      { operation: "apply component", component: name },
      { operation: "remove component", component: name },
    ];
  }
  return [takeBack, kind === "source" ? "apply its file again" : "set it anew (pin, directory set, cohort add)"];
}
