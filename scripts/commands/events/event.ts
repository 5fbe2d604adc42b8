import type { Command } from "commander";
import type { Attempt, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { readExactJson } from "../../../shared/domain/text/exact-json.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { readJson } from "../../../shared/domain/text/schema.ts";
import { withInstallation } from "../terminal/context.ts";
import { duration, type JsonOption, jsonOption } from "../terminal/options.ts";
import { printJson, printLine } from "../terminal/output.ts";
import { deliveryErrorText } from "../wording/delivery-error-text.ts";
import { outcomeJson, statusText } from "../wording/event-rows.ts";
import { labelled } from "../wording/explanation-rows.ts";
import { subjectText } from "../wording/subject-text.ts";
import { type FoundEvent, mustFindEvents } from "./find-event.ts";

export function define(command: Command): void {
  const showing = command
    .command("show")
    .description("print a stored event, its deliveries and their last eight attempts")
    .argument("<id>", "the event's id, its publisher's key, or the beginning of the key that consumers see")
    .option("--since <duration>", "how far back to look (default: 1h)", duration("--since"));
  jsonOption(showing).addHelpText("after", "\nExample:\n  $ turnout event show 3f6c0e1a --since 2d\n").action(show);
}

async function show(id: string, { since, json }: JsonOption & { since?: number }): Promise<void> {
  await withInstallation(async ({ events }) => {
    for (const found of await mustFindEvents(events, id, since, new Date())) {
      if (json) printJson(toJson(found));
      else for (const line of toLines(found)) printLine(line);
    }
  });
}

function toJson({ record, outcomes }: FoundEvent) {
  const { project, customer, plan, user } = record.subject;
  const body = readExactJson(record.body);
  return {
    event_id: record.id,
    event_key: record.eventKey,
    publisher_key: record.idempotencyKey,
    payload_hash: record.payloadHash,
    message_id: record.messageId,
    source: record.source,
    detail_type: record.detailType,
    time: record.time,
    received_at: record.t0.toISOString(),
    project_id: project ?? null,
    customer_id: customer ?? null,
    customer_plan: plan ?? null,
    user_id: user ?? null,
    components: record.components,
    rejected: record.rejected ?? null,
    /** As it was published, digit by digit; text where that can't be read, and null where it can't be had. */
    event: record.unavailable !== undefined ? null : body.ok ? body.value : record.body,
    unavailable: record.unavailable ?? null,
    deliveries: outcomes.map((outcome) => ({ ...outcomeJson(outcome), ...deliveryJson(outcome) })),
  };
}

function deliveryJson({ entry }: EventOutcome) {
  return {
    failures: entry?.failures ?? null,
    claimed_until: entry?.leaseUntil.toISOString() ?? null,
    closed_at: entry?.closedAt?.toISOString() ?? null,
    /** When it is tried again; an accepted one, unless its outcome comes before. */
    next_attempt_at: isOpen(entry) ? (entry?.nextAttemptAt?.toISOString() ?? null) : null,
    /** Attempts that ended without an answer. */
    lapses: entry?.lapses ?? null,
    kept_until: entry?.expiresAt.toISOString() ?? null,
    /** The last eight, which is what the ledger remembers. */
    attempts: (entry?.attempts ?? []).map(({ attempt, at, outcome, version, durationMs, error }) => ({
      attempt,
      at: at.toISOString(),
      outcome,
      component_version: version ?? null,
      duration_ms: durationMs ?? null,
      error: error?.message ?? null,
      error_type: error?.type ?? null,
    })),
  };
}

function toLines({ record, outcomes }: FoundEvent): string[] {
  return [
    `event ${record.id}, ${record.source} '${record.detailType}'`,
    ...labelled("received", [`${record.t0.toISOString()}, kept until ${record.expiresAt.toISOString().slice(0, 10)}`]),
    ...labelled("subject", [subjectText(record.subject)]),
    ...labelled("publisher's", [record.idempotencyKey]),
    ...labelled("event key", [record.eventKey]),
    ...labelled("rejected", isDelivered(outcomes) || record.rejected === undefined ? [] : [record.rejected]),
    ...labelled("body", bodyLines(record)),
    ...outcomes.flatMap(deliveryLines),
  ];
}

/** A replay could read it, after all. */
function isDelivered(outcomes: readonly EventOutcome[]): boolean {
  return outcomes.every(({ entry }) => entry !== undefined);
}

function bodyLines({ body, unavailable }: FoundEvent["record"]): string[] {
  if (unavailable !== undefined) return [`unavailable: ${unavailable}`];
  const json = readJson(body);
  return (json.ok ? JSON.stringify(json.value, undefined, 2) : body).split("\n");
}

function deliveryLines(outcome: EventOutcome): string[] {
  const { component, status, entry } = outcome;
  if (component === undefined) return status === "unmatched" ? ["no component listened to it"] : [];
  if (entry === undefined) return [`${component}: ${status}`];
  return [
    `${component} ${entry.alias}, ${statusText(outcome)} after ${plural(entry.attempt, "attempt")}`,
    ...labelled("because", [`${entry.because}, at revision ${entry.routingRevision}`]),
    ...labelled("generation", entry.generation === "live" ? [] : [entry.generation]),
    ...labelled("reopened", entry.replay === undefined ? [] : [`by ${entry.replay}`]),
    ...labelled(
      "attempts",
      entry.attempts.map((attempt) => attemptText(attempt, entry)),
    ),
    ...labelled("next", nextText(entry)),
  ];
}

function isOpen(entry: LedgerEntry | undefined): boolean {
  return entry?.status === "failed" || entry?.status === "accepted";
}

function nextText(entry: LedgerEntry): string[] {
  if (!isOpen(entry) || entry.nextAttemptAt === undefined) return [];
  const at = entry.nextAttemptAt.toISOString();
  return [entry.status === "accepted" ? `${at}, unless its outcome comes before` : at];
}

function attemptText(
  { attempt, at, outcome, version, durationMs, error }: Attempt,
  { component, alias }: Pick<LedgerEntry, "component" | "alias">,
): string {
  const by = version === undefined ? "" : ` by version ${version}`;
  const took = durationMs === undefined ? "" : ` in ${Math.round(durationMs)} ms`;
  const why =
    error === undefined ? "" : `: ${deliveryErrorText({ component, alias, error, executedVersion: version })}`;
  return `${attempt}  ${at.toISOString()}  ${outcome}${by}${took}${why}`;
}
