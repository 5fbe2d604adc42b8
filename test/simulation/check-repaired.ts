import type { Replay } from "../../shared/domain/replays/replay.ts";
import type { SeenReplay } from "./history.ts";
import { isOf, isSame, type Row } from "./listed-deliveries.ts";
import type { Problem } from "./problem.ts";
import type { Scenario } from "./scenario.ts";

/**
 * What had been made good when a replay began isn't sent again by one that was asked for what is dead or unresolved, or to
 * finish. Judged by the ledger's own times; what another replay has reopened since is judged by nobody.
 */
export function sentAgain(
  row: Row,
  seen: SeenReplay,
  { progress }: Replay,
  rows: readonly Row[],
  { skewMs }: Scenario,
): Problem[] {
  const { startedAt } = progress;
  if (startedAt === undefined || !isOf(row, seen) || !asksForTheDead(seen)) return [];
  const others = rows.filter((other) => isSame(other, row) && !isOf(other, seen));
  if (others.some(({ entry }) => entry.replay !== undefined && entry.since.getTime() + 2 * skewMs >= +startedAt))
    return [];
  const wasDone = others.filter(({ entry: { status, closedAt = startedAt } }) => {
    return status === "done" && closedAt.getTime() + 2 * skewMs < startedAt.getTime();
  });
  const repaired = (since: number) => wasDone.some(({ entry }) => entry.since.getTime() > since);
  // What it has reopened was begun before its first attempt ended.
  const [first] = row.entry.attempts;
  const before =
    seen.mode === "finish"
      ? [(first?.at.getTime() ?? Infinity) + 2 * skewMs]
      : others.filter(({ entry }) => entry.status !== "done").map(({ entry }) => entry.since.getTime());
  if (before.length === 0 || !before.every(repaired)) return [];
  const what = `${row.record.idempotencyKey} at ${row.component}, which ${wasDone[0]?.entry.generation} had made good`;
  return [{ kind: "made good, and sent again", text: `${seen.name} sent ${what}`, at: +startedAt }];
}

function asksForTheDead({ mode, filter: { status } }: SeenReplay): boolean {
  return mode === "finish" || status === "dead" || status === "unresolved";
}
