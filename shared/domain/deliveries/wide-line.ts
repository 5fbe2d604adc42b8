import type { DeliveryReport } from "./delivery-report.ts";

/** What may be said of one delivery in one line. A field that isn't known is left out. */
export type WideLine = { [field: string]: string | number | boolean };

/** Longest error message in a line; the whole of it is in the ledger. */
const MAX_MESSAGE_CHARS = 200;

const BRANCH = "branch-";

/**
 * All that is known of an attempt, flat, for whoever asks a log: the names are OpenTelemetry's where it has one, else
 * snake_case. `duration_ms` is the version's own time, `e2e_ms` the time since the event came in, which a replay's
 * deliveries don't have: theirs would tell when somebody pressed a button.
 * @returns undefined for an event that no component listens to: it has no delivery
 */
export function wideLine(report: DeliveryReport): WideLine | undefined {
  if (report.outcome === "unmatched") return undefined;
  const { record, at, component, decision, executedVersion, error, subject = record.subject } = report;
  const line: WideLine = { time: at.toISOString(), "cloudevents.event_id": record.id };
  const put = (field: string, value: string | number | boolean | undefined) => {
    if (value !== undefined) line[field] = value;
  };
  put("cloudevents.event_source", record.source);
  put("cloudevents.event_type", record.detailType);
  put("component", component);
  put("component_version", executedVersion);
  put("outcome", report.outcome);
  put("attempt", report.attempt);
  put("duration_ms", inTenths(report.durationMs));
  if (report.replay === undefined) put("e2e_ms", Math.max(0, at.getTime() - record.t0.getTime()));
  put("customer_id", subject.customer);
  put("customer_plan", subject.plan);
  put("project_id", subject.project);
  put("user_id", subject.user);
  put("request_id", report.requestId);
  put("replay_id", report.replay);
  put("routing_revision", report.routingRevision);
  put("flow", report.flow);
  put("faas.invoked_name", report.functionArn?.split(":")[6]);
  put("faas.version", executedVersion);
  if (decision !== undefined) {
    put("feature_flag.key", component);
    put("feature_flag.result.variant", decision.alias);
    put("feature_flag.result.reason", decision.because);
    put("feature_flag.context.id", subject.customer);
    put("fallback", decision.fallback);
    if (decision.alias.startsWith(BRANCH)) put("branch", decision.alias.slice(BRANCH.length));
  }
  put("error.type", error?.type);
  put("error.message", error?.message.slice(0, MAX_MESSAGE_CHARS).toWellFormed());
  return line;
}

function inTenths(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10;
}
