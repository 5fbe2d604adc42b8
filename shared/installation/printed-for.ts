import type { LedgerEntry } from "../domain/deliveries/delivery.ts";
import type { EventOutcome } from "../domain/deliveries/event-outcome.ts";
import { requestIdIn } from "../domain/deliveries/request-id.ts";
import type { LogLine } from "../version-logs/version-logs.ts";
import type { Installation } from "./installation.ts";

/** What versions have printed, by the request that they printed it for. */
export type Printed = ReadonlyMap<string, Pick<LogLine, "at" | "text">[]>;

/** Lines that are shown of one attempt: its first, where it says what it is at, and its last, where it says what went wrong. */
const [FIRST, LAST] = [5, 20];

/** What was printed for the attempts of these deliveries, as far as their versions' logs have it. */
export async function printedFor(
  { logs }: Pick<Installation, "logs">,
  outcomes: readonly EventOutcome[],
  now: Date,
): Promise<Printed> {
  const found = new Map<string, Pick<LogLine, "at" | "text">[]>();
  for (const { entry, record } of outcomes) {
    if (entry === undefined) continue;
    const window = { from: record.t0, to: new Date(now.getTime() + 1) };
    for (const [version, requestIds] of requestsByVersion(entry)) {
      for await (const { requestId = "", at, text } of logs.lines({ ...entry, version, requestIds }, window)) {
        found.set(requestId, [...(found.get(requestId) ?? []), { at, text }]);
      }
    }
  }
  return found;
}

/** An attempt that nobody answered doesn't say which version it was: perhaps the one that the others went to. */
function requestsByVersion({ attempts, executedVersion, deliveryKey }: LedgerEntry): Map<string, Set<string>> {
  const requests = new Map<string, Set<string>>();
  for (const { attempt, version = executedVersion } of attempts) {
    if (version === undefined) continue;
    requests.set(version, (requests.get(version) ?? new Set()).add(requestIdIn({ deliveryKey, attempts }, attempt)));
  }
  return requests;
}

/** What each attempt has printed, a line each. */
export function printedText(entry: LedgerEntry, printed: Printed): string[] {
  return entry.attempts.flatMap(({ attempt }) => {
    const lines = printed.get(requestIdIn(entry, attempt)) ?? [];
    const left = lines.length - FIRST - LAST;
    const shown = lines.map(({ at, text }) => `${attempt}  ${at.toISOString().slice(11, 23)}  ${text}`);
    return left <= 0
      ? shown
      : [...shown.slice(0, FIRST), `${attempt}  … ${left} more, with --json …`, ...shown.slice(-LAST)];
  });
}
