import { html } from "hono/html";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import type { Html } from "../screen.ts";
import { type DataColumn, dataTable } from "./data-table.ts";
import { eventLink, foreignText, instant } from "./parts.ts";

const bad = new Set<EventOutcome["status"]>(["dead", "rejected", "failed"]);

/** Events and what became of them, a line for each delivery. */
export function recentRows(outcomes: readonly EventOutcome[], none: string): Html {
  return dataTable("Events", columns, outcomes, none);
}

const columns: DataColumn<EventOutcome>[] = [
  {
    title: "Event",
    isHeading: true,
    cell: ({ record: { id, t0 } }) => eventLink(id, t0),
  },
  { title: "Arrived", cell: ({ record }) => instant(record.t0) },
  { title: "Type", cell: ({ record }) => foreignText(record.detailType) },
  { title: "Component", cell: ({ component }) => foreignText(component ?? "") },
  { title: "Outcome", cell: ({ status }) => html`<span class="${bad.has(status) ? "bad" : ""}">${status}</span>` },
  { title: "Alias", cell: ({ entry }) => foreignText(entry?.alias ?? "") },
  { title: "Version", cell: ({ entry }) => foreignText(entry?.executedVersion ?? "") },
  { title: "Because", cell: ({ entry }) => entry?.because ?? "" },
];
