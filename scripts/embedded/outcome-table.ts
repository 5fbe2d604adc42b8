import type { EventOutcome, OutcomeStatus } from "../../shared/domain/deliveries/event-outcome.ts";
import { plural } from "../../shared/domain/text/plural.ts";
import type { TimeWindow } from "../../shared/domain/text/time-window.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { listEvents } from "../../shared/flows/explain/list-events.ts";
import { printTable } from "../commands/terminal/table.ts";

/** Outcomes that leave nothing to do. */
const FINE: ReadonlySet<OutcomeStatus> = new Set(["done", "repaired", "unmatched", "duplicate"]);

type Row = { type: string; component: string; alias: string; version: string; outcome: string; count: number };

/**
 * Prints what became of the events of a window: event type × component (where there are several) × alias × outcome, and a
 * line that accounts for all of them and their deliveries. The figures come from the store, not from what the router said.
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
  const sorted = [...rows.values()].sort(
    (a, b) => compare(a.type, b.type) || compare(a.component, b.component) || compare(a.version, b.version),
  );
  const hasSeveral = new Set(sorted.map(({ component }) => component)).size > 1;
  const unmatched = totals.get("unmatched") ?? 0;
  if (unmatched > 0) {
    const type = plural(unmatchedTypes.size, "other type");
    const nobody = { component: "", alias: "", version: "", outcome: "no component listens" };
    sorted.push({ type, ...nobody, count: unmatched });
  }
  out.write("\n");
  printTable<Row>(
    [
      { title: "EVENT TYPE", text: ({ type }) => type },
      { title: "COMPONENT", text: ({ component }) => (hasSeveral ? component : "") },
      { title: "ALIAS", text: ({ alias }) => alias },
      { title: "VERSION", text: ({ version }) => version },
      { title: "OUTCOME", text: ({ outcome }) => outcome },
      { title: "EVENTS", text: (row) => String(row.count), alignRight: true },
    ],
    sorted,
    out,
  );
  out.write(`\n${sumText(records.size, totals)}\n`);
  const delivered = [...totals.keys()].every((status) => FINE.has(status));
  return { stored: records.size, delivered };
}

/** E.g. `3 events, 1 without a listener; 4 deliveries: 3 done, 1 dead.` */
function sumText(events: number, totals: ReadonlyMap<OutcomeStatus, number>): string {
  const unmatched = totals.get("unmatched") ?? 0;
  const delivered = [...totals]
    .filter(([status]) => status !== "unmatched")
    .sort(([a, m], [b, n]) => n - m || compare(a, b));
  const told = delivered.map(([status, number]) => `${number} ${status}`);
  const deliveries = delivered.reduce((sum, [, number]) => sum + number, 0);
  const sums = [
    `${plural(events, "event")}${unmatched === 0 ? "" : `, ${unmatched} without a listener`}`,
    ...(deliveries === 0 ? [] : [`${plural(deliveries, "delivery", "deliveries")}: ${told.join(", ")}`]),
  ];
  return `${sums.join("; ")}.`;
}

function count(rows: Map<string, Row>, { record, status, component = "", entry }: EventOutcome): void {
  const type = record.rejected === undefined ? record.detailType : "(unreadable)";
  const alias = entry?.alias ?? "";
  const version = entry?.executedVersion ?? "";
  const key = JSON.stringify([type, component, alias, version, status]);
  const row = rows.get(key) ?? { type, component, alias, version, outcome: status, count: 0 };
  row.count += 1;
  rows.set(key, row);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
