import { createHash } from "node:crypto";
import type { DeliveryReport } from "../deliveries/delivery-report.ts";
import { finishingCommand, NOTICE_SOURCE, noticeEvent } from "./notice.ts";

/**
 * The event that tells of a delivery that is dead; undefined for any other report. A delivery of an event of Turnout's own
 * is told to nobody: a component that fails at notices would be sent notices of that without end.
 */
export function deadDeliveryNotice(report: DeliveryReport): string | undefined {
  const { record, component, outcome, attempt, decision, executedVersion, error, replay, at } = report;
  if (outcome !== "dead" || component === undefined || record.source === NOTICE_SOURCE) return undefined;
  const { id, source, detailType, t0 } = record;
  const about = [component, source, detailType, id, replay ?? "", attempt ?? 0];
  const ofEvent = ["--pattern", JSON.stringify({ id: [id] })];
  const key = createHash("sha256").update(JSON.stringify(about)).digest("hex").slice(0, 32);
  const detail = {
    component,
    alias: decision?.alias ?? null,
    version: executedVersion ?? null,
    event: { id, source, type: detailType },
    error: error ?? null,
    at: at.toISOString(),
    command: ["turnout", "event", "show", id],
    acts: finishingCommand("Delivery Dead", t0, new Date(t0.getTime() + 1), ...["--component", component, ...ofEvent]),
  };
  return noticeEvent({ type: "Delivery Dead", detail }, key);
}
