import { type DeliveryStatus, deliveryStatuses, type EventRecord, type LedgerEntry } from "./delivery.ts";

/**
 * What became of an event at one component. `waiting`: a component listens, but nobody has claimed the delivery yet.
 * `duplicate`: the same event came before, and that one counts. `unmatched`: no component listened.
 */
export const outcomeStatuses = [...deliveryStatuses, "waiting", "duplicate", "unmatched"] as const;
export type OutcomeStatus = DeliveryStatus | "waiting" | "duplicate" | "unmatched";

/** One stored event and one of its deliveries; no component for an event that nobody listened to or could read. */
export type EventOutcome = { record: EventRecord; status: OutcomeStatus; component?: string; entry?: LedgerEntry };

/**
 * What became of a stored event, one outcome per delivery.
 * @param entries the ledger's entries for the event's key: all components, generations and payloads
 */
export function outcomesOf(record: EventRecord, entries: readonly LedgerEntry[]): EventOutcome[] {
  if (record.rejected !== undefined) return [{ record, status: "rejected" }];
  // One key, several payloads: the ledger has a refusal for each that came later, and its hash says whose it is.
  const own = entries.filter((entry) => entry.payloadHash === record.payloadHash);
  const counting = own.filter((entry) => entry.t0.getTime() === record.t0.getTime());
  const components = new Set([...record.components, ...counting.map(({ component }) => component)]);
  if (components.size === 0) return [{ record, status: "unmatched" }];
  return [...components].flatMap((component): EventOutcome[] => {
    const mine = counting.filter((entry) => entry.component === component);
    if (mine.length > 0) return mine.map((entry) => ({ record, status: entry.status, component, entry }));
    if (own.some((entry) => entry.component === component)) return [{ record, status: "duplicate", component }];
    return [{ record, status: "waiting", component }];
  });
}

/** What an operator asks to see. A field that is left out lets everything through. */
export type OutcomeFilter = {
  component?: string;
  project?: string;
  customer?: string;
  plan?: string;
  alias?: string;
  /** A version that ran any of the attempts, not only the last. */
  executedVersion?: string;
  status?: OutcomeStatus;
};

export function passes({ record, status, component, entry }: EventOutcome, filter: OutcomeFilter): boolean {
  const is = (wanted: string | undefined, found: string | undefined) => wanted === undefined || wanted === found;
  const { executedVersion: version } = filter;
  return (
    is(filter.component, component) &&
    is(filter.project, record.subject.project) &&
    is(filter.customer, record.subject.customer) &&
    is(filter.plan, record.subject.plan) &&
    is(filter.alias, entry?.alias) &&
    is(filter.status, status) &&
    (version === undefined ||
      entry?.executedVersion === version ||
      (entry?.attempts.some((attempt) => attempt.version === version) ?? false))
  );
}
