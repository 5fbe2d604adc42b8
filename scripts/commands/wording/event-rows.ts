import { deliveredKey } from "../../../shared/domain/deliveries/delivered-event.ts";
import { LIVE } from "../../../shared/domain/deliveries/delivery-key.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import { outcomeError, outcomeErrorText, statusText } from "../../../shared/installation/wording/outcome-text.ts";
import type { Style } from "../terminal/output.ts";
import type { Column } from "../terminal/table.ts";

const DAY_MS = 86_400_000;

/** An outcome as a line of JSON. The names are a promise; what isn't known is null. */
export function outcomeJson({ record, status, component, entry, repairedBy }: EventOutcome) {
  const { project, customer, plan, user } = record.subject;
  const error = outcomeError({ record, entry });
  return {
    event_id: record.id,
    event_key: record.eventKey,
    publisher_key: record.idempotencyKey,
    /** As its consumers see it. */
    idempotency_key: component === undefined ? null : deliveredKey(record.eventKey, entry?.generation ?? LIVE),
    source: record.source,
    detail_type: record.detailType,
    received_at: record.t0.toISOString(),
    project_id: project ?? null,
    customer_id: customer ?? null,
    customer_plan: plan ?? null,
    user_id: user ?? null,
    component: component ?? null,
    alias: entry?.alias ?? null,
    because: entry?.because ?? null,
    component_version: entry?.executedVersion ?? null,
    status,
    attempt: entry?.attempt ?? null,
    duration_ms: entry?.attempts.at(-1)?.durationMs ?? null,
    routing_revision: entry?.routingRevision ?? null,
    generation: entry?.generation ?? null,
    /** The replay that had it tried again in the generation that it has. */
    reopened_by: entry?.replay ?? null,
    /** The later replay that made it good. */
    repaired_by: repairedBy ?? null,
    error: error?.message ?? null,
    error_type: error?.type ?? null,
  };
}

/** Days are shown only where the window has several. */
export function outcomeColumns({ from, to }: TimeWindow): Column<EventOutcome>[] {
  const sameDay = Math.floor(from.getTime() / DAY_MS) === Math.floor((to.getTime() - 1) / DAY_MS);
  return [
    {
      title: "TIME",
      text: ({ record }) =>
        record.t0
          .toISOString()
          .slice(sameDay ? 11 : 5, 19)
          .replace("T", " "),
    },
    // Any beginning of it finds the event again.
    { title: "EVENT", text: ({ record }) => record.id, least: 8, comfortable: 8, usual: 36 },
    { title: "SOURCE", text: ({ record }) => record.source, optional: 5, usual: 12 },
    { title: "TYPE", text: ({ record }) => record.detailType, least: 4, comfortable: 12, usual: 16 },
    { title: "PROJECT", text: ({ record }) => record.subject.project, least: 7, comfortable: 12, usual: 16 },
    { title: "CUSTOMER", text: ({ record }) => record.subject.customer, least: 7, comfortable: 10, usual: 12 },
    { title: "PLAN", text: ({ record }) => record.subject.plan, optional: 6, usual: 6 },
    { title: "COMPONENT", text: ({ component }) => component, least: 7, comfortable: 12, lastOut: 1, usual: 20 },
    { title: "ALIAS", text: ({ entry }) => entry?.alias, least: 6, lastOut: 2, usual: 12, style: () => "cyan" },
    { title: "VER", text: ({ entry }) => entry?.executedVersion, alignRight: true },
    { title: "BECAUSE", text: ({ entry }) => entry?.because, optional: 4, usual: 13 },
    { title: "TRIES", text: ({ entry }) => entry && String(entry.attempt), alignRight: true, optional: 7 },
    { title: "STATUS", text: statusText, least: 9, usual: 9, style: ({ status }) => styleOf(status) },
    { title: "ERROR", text: outcomeErrorText, least: 8, usual: 30 },
  ];
}

function styleOf(status: EventOutcome["status"]): Style {
  if (status === "done" || status === "repaired") return "green";
  if (status === "failed" || status === "dead" || status === "rejected") return "red";
  return "yellow";
}
