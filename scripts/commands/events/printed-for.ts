import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { requestIdOf } from "../../../shared/domain/deliveries/request-id.ts";
import type { Installation } from "../../../shared/installation/installation.ts";

/** What versions have printed, by the request that they printed it for. */
export type Printed = ReadonlyMap<string, { at: string; text: string }[]>;

/** Lines that are shown of one attempt: its first, where it says what it is at, and its last, where it says what went wrong. */
const [FIRST, LAST] = [5, 20];

/** What was printed for the attempts of these deliveries, as far as logs on this machine have it. */
export async function printedFor({ printed }: Installation, outcomes: readonly EventOutcome[]): Promise<Printed> {
  const found = new Map<string, { at: string; text: string }[]>();
  for (const { entry } of outcomes) {
    if (entry === undefined || printed === undefined) continue;
    for (const [version, ids] of requestsByVersion(entry)) {
      for (const { requestId, ...line } of await printed(entry.component, version, ids)) {
        found.set(requestId, [...(found.get(requestId) ?? []), line]);
      }
    }
  }
  return found;
}

/** An attempt that nobody answered doesn't say which version it was: perhaps the one that the others went to. */
function requestsByVersion({ deliveryKey, attempts, executedVersion }: LedgerEntry): Map<string, Set<string>> {
  const requests = new Map<string, Set<string>>();
  for (const { attempt, version = executedVersion } of attempts) {
    if (version === undefined) continue;
    requests.set(version, (requests.get(version) ?? new Set()).add(requestIdOf(deliveryKey, attempt)));
  }
  return requests;
}

/** What each attempt has printed, a line each. */
export function printedText({ deliveryKey, attempts }: LedgerEntry, printed: Printed): string[] {
  return attempts.flatMap(({ attempt }) => {
    const lines = printed.get(requestIdOf(deliveryKey, attempt)) ?? [];
    const left = lines.length - FIRST - LAST;
    const shown = lines.map(({ at, text }) => `${attempt}  ${at.slice(11, 23)}  ${text}`);
    return left <= 0
      ? shown
      : [...shown.slice(0, FIRST), `${attempt}  … ${left} more, with --json …`, ...shown.slice(-LAST)];
  });
}
