import type { EventOutcome, OutcomeStatus } from "../../shared/domain/deliveries/event-outcome.ts";
import type { TimeWindow } from "../../shared/domain/text/time-window.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { listEvents } from "../../shared/flows/explain/list-events.ts";
import { printTable } from "../commands/terminal/table.ts";

/** Outcomes that leave nothing to do. */
const FINE: ReadonlySet<OutcomeStatus> = new Set(["done", "repaired", "unmatched", "duplicate"]);

type Row = { type: string; alias: string; version: string; outcome: string; events: number };

/**
 * Prints what became of the events of a window: event type × alias × outcome, and a line that accounts for all of
 * them. The figures come from the store, not from what the router said.
 * @param handled which of the window's records are meant, by message id
 * @returns how many events were stored, and whether all that a component listens to were delivered
 */
export async function printOutcomes(
  events: EventStore,
  window: TimeWindow,
  handled: ReadonlySet<string>,
  out: NodeJS.WritableStream,
): Promise<{ stored: number; delivered: boolean }> {
  const rows = new Map<string, Row>();
  const totals = new Map<OutcomeStatus, number>();
  const unmatchedTypes = new Set<string>();
  const records = new Set<string>();
  for await (const page of listEvents({ events }, window, {}, new Date())) {
    for (const outcome of page) {
      if (!handled.has(outcome.record.messageId)) continue;
      records.add(outcome.record.messageId);
      totals.set(outcome.status, (totals.get(outcome.status) ?? 0) + 1);
      if (outcome.status === "unmatched") unmatchedTypes.add(outcome.record.detailType);
      else count(rows, outcome);
    }
  }
  if (records.size === 0) return { stored: 0, delivered: true };
  const sorted = [...rows.values()].sort((a, b) => compare(a.type, b.type) || compare(a.version, b.version));
  const unmatched = totals.get("unmatched") ?? 0;
  if (unmatched > 0) {
    const type = `${unmatchedTypes.size} other types`;
    sorted.push({ type, alias: "", version: "", outcome: "no component listens", events: unmatched });
  }
  out.write("\n");
  printTable<Row>(
    [
      { title: "EVENT TYPE", text: ({ type }) => type },
      { title: "ALIAS", text: ({ alias }) => alias },
      { title: "VERSION", text: ({ version }) => version },
      { title: "OUTCOME", text: ({ outcome }) => outcome },
      { title: "EVENTS", text: (row) => String(row.events), alignRight: true },
    ],
    sorted,
    out,
  );
  const most = [...totals].sort(([a, m], [b, n]) => n - m || compare(a, b));
  const told = most.map(([status, number]) => `${number} ${status === "unmatched" ? "without a listener" : status}`);
  out.write(`\n${records.size} event${records.size === 1 ? "" : "s"}: ${told.join(", ")}.\n`);
  const delivered = [...totals.keys()].every((status) => FINE.has(status));
  return { stored: records.size, delivered };
}

function count(rows: Map<string, Row>, { record, status, entry }: EventOutcome): void {
  const type = record.rejected === undefined ? record.detailType : "(unreadable)";
  const alias = entry?.alias ?? "";
  const version = entry?.executedVersion ?? "";
  const key = JSON.stringify([type, alias, version, status]);
  const row = rows.get(key) ?? { type, alias, version, outcome: status, events: 0 };
  row.events += 1;
  rows.set(key, row);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
