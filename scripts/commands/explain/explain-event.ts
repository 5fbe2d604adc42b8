import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { type ExplainedDelivery, explainDelivery } from "../../../shared/flows/explain/explain-event.ts";
import type { Explanation } from "../../../shared/flows/explain/explain-route.ts";
import { explanationJson, explanationLines, labelled } from "../../../shared/installation/wording/explanation-rows.ts";
import { statusText } from "../../../shared/installation/wording/outcome-text.ts";
import { subjectText } from "../../../shared/installation/wording/subject-text.ts";
import { mustFindEvents } from "../events/find-event.ts";
import { withInstallation } from "../terminal/context.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { outcomeJson } from "../wording/event-rows.ts";

export type ExplainEventOptions = { event: string; since?: number; component?: string; json: boolean };

/** Says of every delivery of a stored event where it went and why, and where it would go now. */
export async function explainEvent({ event, since, component, json }: ExplainEventOptions): Promise<void> {
  await withInstallation(async ({ routingTable, events, laptops }) => {
    const now = new Date();
    for (const { record, outcomes } of await mustFindEvents(events, event, since, now)) {
      if (!json) printLine(`event ${record.id}, ${record.source} '${record.detailType}', ${record.t0.toISOString()}`);
      for (const outcome of outcomes) {
        if (component !== undefined && outcome.component !== component) continue;
        const explained = await explainDelivery(routingTable, outcome, now, { readLeases: laptops.leases });
        if (json) printJson(toJson(explained));
        else for (const line of toLines(explained)) printLine(line);
      }
    }
    if (component !== undefined && !json) note(`only deliveries to ${component}`);
  });
}

function toJson(explained: ExplainedDelivery) {
  const { atDecision, decidedAt, now, entry } = explained;
  return {
    ...outcomeJson(explained),
    decided_at: decidedAt?.toISOString() ?? null,
    /** Whether the routing of then, looked at again, says what was done. */
    agrees: atDecision === undefined || entry === undefined ? null : agrees(entry, atDecision),
    at_decision: atDecision === undefined ? null : explanationJson(atDecision),
    now: now === undefined || now instanceof UnreadableRow ? null : explanationJson(now),
    now_problem: now instanceof UnreadableRow ? now.problem : null,
  };
}

function toLines(explained: ExplainedDelivery): string[] {
  const { record, component, entry, status, atDecision, decidedAt, now } = explained;
  if (component === undefined) return labelled(status, [record.rejected ?? "no component listened to it"]);
  const nowText = () =>
    record.unavailable === undefined ? nowLines(entry, now) : labelled("body", [`unavailable: ${record.unavailable}`]);
  if (entry === undefined) return [`${component}: ${status}`, ...nowText()];
  // Whoever made it good needn't be the version that had failed.
  const ran = status === "repaired" ? ", run" : "";
  const version = entry.executedVersion === undefined ? "" : `${ran} by version ${entry.executedVersion}`;
  return [
    `${component} ${entry.alias}, ${statusText(explained)}${version}`,
    ...labelled("subject", [subjectText(atDecision?.subject ?? record.subject)]),
    ...(decidedAt === undefined ? [] : labelled("decided", [decidedAt.toISOString()])),
    ...(atDecision === undefined
      ? labelled("because", [`${entry.because}, at revision ${entry.routingRevision}`])
      : explanationLines(atDecision)),
    ...(atDecision === undefined || agrees(entry, atDecision)
      ? []
      : labelled("warning", [`the ledger says ${entry.alias} because of ${entry.because}`])),
    ...nowText(),
  ];
}

function nowLines(entry: LedgerEntry | undefined, now: ExplainedDelivery["now"]): string[] {
  if (now === undefined) return labelled("now", ["there is no such component any more"]);
  if (now instanceof UnreadableRow)
    return labelled("now", [`its row can't be read, and its events wait: ${now.problem}`]);
  const { alias, because, rule } = now.decision;
  const same = entry?.alias === alias ? "also " : "";
  return labelled("now", [`${same}${alias}, ${because}: ${rule}  (revision ${now.revision})`]);
}

function agrees({ alias, because }: LedgerEntry, { decision }: Explanation): boolean {
  return alias === decision.alias && because === decision.because;
}
