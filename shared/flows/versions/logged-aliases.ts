import type { MoveEntry } from "../../domain/routing/trace-moves.ts";
import { isMove } from "../../domain/routing/trace-moves.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import type { AliasedVersion } from "../../versions/version-catalog.ts";
import { backwards } from "../change/change-log.ts";

/** What the change log knows of an alias: its last move that was settled, and one begun since that has no end yet. */
export type LoggedAlias = { settled?: MoveEntry; open?: MoveEntry };

/** How an alias stands to the change log. */
export type LoggedStanding =
  | { kind: "as logged" | "never moved" | "nowhere" }
  | { kind: "under way"; open: MoveEntry }
  /** Somebody has moved it, or shared it out, without Turnout. */
  | { kind: "drifted"; text: string };

type Log = Pick<RoutingTableReader, "head" | "changesAfter">;

/** Reads the log backwards until it knows all of these aliases' last moves, the whole log for one that was never moved. */
export async function loggedAliases(
  log: Log,
  wanted: readonly { component: string; alias: string }[],
): Promise<Map<string, LoggedAlias>> {
  const left = new Set(wanted.map(keyOf));
  const logged = new Map([...left].map((key): [string, LoggedAlias] => [key, {}]));
  const ended = new Set<number | undefined>();
  for await (const page of backwards(log, await log.head(), 1)) {
    for (const entry of page) {
      if (!isMove(entry)) continue;
      const { stage, intent } = entry.move;
      if (stage !== "intended") ended.add(intent);
      const known = logged.get(keyOf(entry.move));
      if (known === undefined || known.settled !== undefined) continue;
      if (stage === "settled") {
        known.settled = entry;
        left.delete(keyOf(entry.move));
      } else if (stage === "intended" && !ended.has(entry.revision)) known.open = entry;
    }
    if (left.size === 0) break;
  }
  return logged;
}

export function keyOf({ component, alias }: { component: string; alias: string }): string {
  return `${component} ${alias}`;
}

/** @param aliased undefined: it points nowhere */
export function standingOf({ settled, open }: LoggedAlias, aliased: AliasedVersion | undefined): LoggedStanding {
  if (aliased?.alsoTo !== undefined) {
    const shares = Object.entries(aliased.alsoTo).map(([version, share]) => `${share * 100} % to version ${version}`);
    return { kind: "drifted", text: `points at version ${aliased.version}, and ${shares.join(", ")}` };
  }
  const version = aliased?.version;
  if (open !== undefined && (version === open.move.to || (version ?? null) === open.move.from)) {
    return { kind: "under way", open };
  }
  if (settled === undefined) return { kind: version === undefined ? "nowhere" : "never moved" };
  if (version === settled.move.to) return { kind: "as logged" };
  const is = version === undefined ? "is gone" : `points at version ${version}`;
  const { revision, who } = settled;
  return { kind: "drifted", text: `${is}, and revision ${revision} by ${who} has it at ${settled.move.to}` };
}
