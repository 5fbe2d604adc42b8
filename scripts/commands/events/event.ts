import type { Command } from "commander";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { requestIdIn } from "../../../shared/domain/deliveries/request-id.ts";
import { readExactJson } from "../../../shared/domain/text/exact-json.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { readJson } from "../../../shared/domain/text/schema.ts";
import { type Printed, printedFor, printedText } from "../../../shared/installation/printed-for.ts";
import { deliveryErrorText } from "../../../shared/installation/wording/delivery-error-text.ts";
import { labelled } from "../../../shared/installation/wording/explanation-rows.ts";
import { noticeLines } from "../../../shared/installation/wording/notice-lines.ts";
import { statusText } from "../../../shared/installation/wording/outcome-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { subjectText } from "../../../shared/installation/wording/subject-text.ts";
import { withInstallation } from "../terminal/context.ts";
import { duration, type JsonOption, jsonOption } from "../terminal/options.ts";
import { printJson, printLine } from "../terminal/output.ts";
import { outcomeJson } from "../wording/event-rows.ts";
import { attemptLines } from "./attempt-lines.ts";
import { type FoundEvent, mustFindEvents } from "./find-event.ts";

export function define(command: Command): void {
  const showing = command
    .command("show")
    .description("print a stored event, its deliveries, their first and last seven attempts, and what these printed")
    .argument("<id>", "its id, its publisher's key or the key that consumers see, or the beginning of one")
    .option("--since <duration>", "how far back to look (default: 1h)", duration("--since"))
    .option("--whole", "print all of its body, however long that is");
  jsonOption(showing)
    .addHelpText(
      "after",
      `
Of each attempt it says what it threw, and what its version printed for it,
stack included, as far as the logs on this machine have it. Of several in a row
that were put off for one reason only the last is kept: '… 2 more' stands where
attempts are left out, for this or because there were many. 'repaired by' names
the replay that made a dead delivery good. Where what is named is the beginning
of several events' ids or keys, these are listed. The body stands last, and ends
after 60 lines unless --whole. --json has all of it. Of a notice of Turnout's own
the commands that look further and that act are printed as they are typed.

Examples:
  $ turnout event show 3f6c0e1a --since 2d
  $ turnout event show 3f6c0e1a --whole
`,
    )
    .action(show);
}

type ShowOptions = JsonOption & { since?: number; whole?: boolean };

async function show(id: string, { since, json, whole = false }: ShowOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const now = new Date();
    for (const found of await mustFindEvents(installation.events, id, since, now)) {
      const printed = await printedFor(installation, found.outcomes, now);
      if (json) printJson(toJson(found, printed));
      else for (const line of toLines(found, printed, whole)) printLine(line);
    }
  });
}

function toJson({ record, outcomes }: FoundEvent, printed: Printed) {
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
    deliveries: outcomes.map((outcome) => ({ ...outcomeJson(outcome), ...deliveryJson(outcome, printed) })),
  };
}

function deliveryJson({ entry }: EventOutcome, printed: Printed) {
  return {
    failures: entry?.failures ?? null,
    claimed_until: entry?.leaseUntil.toISOString() ?? null,
    closed_at: entry?.closedAt?.toISOString() ?? null,
    /** When it is tried again; an accepted one, unless its outcome comes before. */
    next_attempt_at: isOpen(entry) ? (entry?.nextAttemptAt?.toISOString() ?? null) : null,
    /** Attempts that ended without an answer. */
    lapses: entry?.lapses ?? null,
    kept_until: entry?.expiresAt.toISOString() ?? null,
    /** The first and the last seven, which is what the ledger remembers. */
    attempts: (entry?.attempts ?? []).map(({ attempt, at, outcome, version, durationMs, error }) => ({
      attempt,
      at: at.toISOString(),
      outcome,
      component_version: version ?? null,
      duration_ms: durationMs ?? null,
      error: error?.message ?? null,
      error_type: error?.type ?? null,
      error_stack: error?.stack ?? null,
      /** What it is called in its version's log, and what that has of it. */
      request_id: entry ? requestIdIn(entry, attempt) : null,
      printed: (entry && printed.get(requestIdIn(entry, attempt))) ?? null,
    })),
  };
}

function toLines({ record, outcomes }: FoundEvent, printed: Printed, whole: boolean): string[] {
  const notice = noticeLines(record);
  return [
    `event ${record.id}, ${record.source} '${record.detailType}'`,
    ...labelled("received", [`${record.t0.toISOString()}, kept until ${record.expiresAt.toISOString().slice(0, 10)}`]),
    ...labelled("subject", [subjectText(record.subject)]),
    ...labelled("publisher's", [record.idempotencyKey]),
    ...labelled("event key", [record.eventKey]),
    ...labelled("rejected", isDelivered(outcomes) || record.rejected === undefined ? [] : [record.rejected]),
    ...labelled("looks on", notice ? [notice.looks] : []),
    ...labelled("acts", notice?.acts === undefined ? [] : [notice.acts]),
    ...outcomes.flatMap((outcome) => deliveryLines(outcome, printed)),
    "what was published",
    ...labelled("body", whole ? bodyLines(record) : folded(bodyLines(record), record.id)),
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

/** A little more than fits on a screen: what became of the event stays in sight. */
const MOST_BODY_LINES = 60;

function folded(lines: string[], id: string): string[] {
  const left = lines.length - MOST_BODY_LINES;
  if (left <= 0) return lines;
  return [
    ...lines.slice(0, MOST_BODY_LINES),
    `… and ${plural(left, "line")}: ${commandLine("event", "show", id, "--whole")}`,
  ];
}

function deliveryLines(outcome: EventOutcome, printed: Printed): string[] {
  const { component, status, entry } = outcome;
  if (component === undefined) return status === "unmatched" ? ["no component listened to it"] : [];
  if (entry === undefined) return [`${component}: ${status}`];
  return [
    `${component} ${entry.alias}, ${statusText(outcome)} after ${plural(entry.attempt, "attempt")}`,
    ...labelled("because", [`${entry.because}, at revision ${entry.routingRevision}`]),
    ...labelled("generation", entry.generation === "live" ? [] : [entry.generation]),
    ...labelled("reopened", entry.replay === undefined ? [] : [`by ${entry.replay}`]),
    ...labelled("attempts", attemptLines(entry)),
    ...labelled("error", untriedText(entry)),
    ...labelled("stack", stackText(entry, printed)),
    ...labelled("printed", printedText(entry, printed)),
    ...labelled("next", nextText(entry)),
  ];
}

/** What no attempt tells: why it was rejected, or given up before anything was tried. */
function untriedText({ component, alias, error, attempts }: LedgerEntry): string[] {
  if (error === undefined || attempts.at(-1)?.error !== undefined) return [];
  return [deliveryErrorText({ component, alias, error, executedVersion: undefined })];
}

/** Of the last error, where what the version has printed isn't kept any more, which has all of it. */
function stackText(entry: LedgerEntry, printed: Printed): string[] {
  const failed = entry.attempts.findLast(({ error }) => error?.stack !== undefined);
  if (failed === undefined || printed.has(requestIdIn(entry, failed.attempt))) return [];
  return failed.error?.stack?.split("\n") ?? [];
}

function isOpen(entry: LedgerEntry | undefined): boolean {
  return entry?.status === "failed" || entry?.status === "accepted";
}

function nextText(entry: LedgerEntry): string[] {
  if (!isOpen(entry) || entry.nextAttemptAt === undefined) return [];
  const at = entry.nextAttemptAt.toISOString();
  return [entry.status === "accepted" ? `${at}, unless its outcome comes before` : at];
}
