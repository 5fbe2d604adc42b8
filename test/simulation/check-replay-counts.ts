import type { Replay, ReplayCounts } from "../../shared/domain/replays/replay.ts";
import type { SeenReplay } from "./history.ts";
import type { Row } from "./listed-deliveries.ts";
import type { Problem } from "./problem.ts";

/** What a replay that has ended says of itself adds up, and is what the operator's listing shows. */
export function counted({ name, mode }: SeenReplay, last: Replay, rows: readonly Row[]): Problem[] {
  const { counts, startedAt } = last.progress;
  const wrong = (text: string): Problem => ({ kind: "miscounted", text: `${name} ${text}` });
  const problems: Problem[] = [];
  const { matched, sent, done, dead, open, skipped, versions } = counts;
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  if (matched !== sent + sum(Object.values(skipped))) problems.push(wrong(`matched what it ${told(counts)}`));
  if (sent !== done + dead + open) problems.push(wrong(`sent what it ${told(counts)}`));
  if (sent !== sum(versions.map(({ count }) => count))) problems.push(wrong(`sent ${sent}, but elsewhere`));
  const isCancelled = last.asked === "cancel";
  if (open > 0 && !(isCancelled && mode === "finish")) problems.push(wrong(`has ended with ${open} open`));
  if (startedAt === undefined) return problems;

  if (mode === "finish") {
    // Another that finished the same has taken some of them over.
    const made = rows.filter(({ entry }) => entry.replay === name).length;
    if (sent < made) problems.push(wrong(`counts ${sent}, and reopened ${made}`));
    return problems;
  }
  const made = rows.filter(({ entry }) => entry.generation === name);
  if (sent !== made.length) problems.push(wrong(`counts ${sent}, and the listing shows ${made.length}`));
  if (made.some(({ entry }) => entry.replay !== undefined)) return problems;
  const shown = made.filter(({ status }) => status === "done").length;
  if (done !== shown) problems.push(wrong(`counts ${done} done, and the listing shows ${shown}`));
  return problems;
}

function told({ matched, sent, skipped, done, dead, open }: ReplayCounts): string {
  return `counts: ${JSON.stringify({ matched, sent, skipped, done, dead, open })}`;
}
