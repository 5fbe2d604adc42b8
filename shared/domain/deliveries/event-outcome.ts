import { TurnoutError } from "../errors.ts";
import { readEvent } from "../events/event.ts";
import { compileEventPattern, type EventPattern } from "../events/event-pattern.ts";
import type { Alias } from "../routing/alias.ts";
import type { Because } from "../routing/decide-route.ts";
import type { Subject } from "../subject.ts";
import { type AnyOf, eachOf, isWanted } from "../text/any-of.ts";
import type { Instant } from "../text/schema.ts";
import { type Attempt, deliveryStatuses, type EventRecord, type LedgerEntry } from "./delivery.ts";
import { isOf } from "./unreadable-entry.ts";
import { madeGoodBy, replayOf } from "./unresolved.ts";

/**
 * What became of an event at one component. `waiting`: a component listens, but nobody has claimed the delivery yet.
 * `duplicate`: the same event came before, and that one counts. `unmatched`: no component listened. `rejected`: it
 * couldn't be read, or its key was used before. `repaired`: it is dead in the ledger, and a later replay has made it good.
 */
export const outcomeStatuses = [...deliveryStatuses, "repaired", "waiting", "duplicate", "unmatched"] as const;
export type OutcomeStatus = (typeof outcomeStatuses)[number];

/** What may be asked for: a status, or whatever is dead or rejected and was not made good since. */
export const askedStatuses = [...outcomeStatuses, "unresolved"] as const;
export type AskedStatus = (typeof askedStatuses)[number];

/** One stored event and one of its deliveries; no component for an event that nobody listened to or could read. */
export type EventOutcome = {
  record: EventRecord;
  status: OutcomeStatus;
  component?: string;
  entry?: LedgerEntry;
  /** Of a repaired one: the replay that made it good. */
  repairedBy?: string;
};

/** Dead or rejected, and not made good since: somebody has to see to it. */
export function isUnresolved({ status }: Pick<EventOutcome, "status">): boolean {
  return status === "dead" || status === "rejected";
}

/**
 * What became of a stored event, one outcome per delivery.
 * @param entries the ledger's entries for the event's key: all components, generations and payloads
 */
export function outcomesOf(record: EventRecord, entries: readonly LedgerEntry[]): EventOutcome[] {
  // One key, several payloads: the ledger has a refusal for each that came later, and its hash says whose it is.
  const own = entries.filter((entry) => entry.payloadHash === record.payloadHash);
  const counting = entries.filter((entry) => isOf(entry, record));
  const components = new Set([...record.components, ...counting.map(({ component }) => component)]);
  if (components.size === 0) return [{ record, status: record.rejected === undefined ? "unmatched" : "rejected" }];
  return [...components].flatMap((component): EventOutcome[] => {
    const mine = counting.filter((entry) => entry.component === component);
    if (mine.length > 0) return mine.map((entry) => ({ record, component, entry, ...standing(entry, mine) }));
    if (own.some((entry) => entry.component === component)) return [{ record, status: "duplicate", component }];
    // It could be read later on, and nobody has delivered it yet.
    return [{ record, status: record.rejected === undefined ? "waiting" : "rejected", component }];
  });
}

function standing(entry: LedgerEntry, all: readonly LedgerEntry[]): Pick<EventOutcome, "status" | "repairedBy"> {
  const repair = madeGoodBy(entry, all);
  return repair === undefined ? { status: entry.status } : { status: "repaired", repairedBy: replayOf(repair) };
}

/** What an operator asks to see. A field that is left out lets everything through. */
export type OutcomeFilter = {
  component?: AnyOf<string>;
  source?: AnyOf<string>;
  user?: AnyOf<string>;
  project?: AnyOf<string>;
  customer?: AnyOf<string>;
  plan?: AnyOf<string>;
  /** The project or the customer is in it, by today's directory. */
  cohort?: AnyOf<string>;
  alias?: AnyOf<string>;
  /** A version that ran any of the attempts, not only the last. */
  executedVersion?: AnyOf<string>;
  /** Only if it ran one then or later: an instant. Without a version it is ignored. */
  ranSince?: Instant;
  /** Counts an attempt of this alias that nobody answered as one of the version: a timeout doesn't say who ran. */
  ranBehind?: Alias;
  status?: AnyOf<AskedStatus>;
  /** The rule that decided. */
  because?: AnyOf<Because>;
  /** What this replay delivered. */
  replay?: AnyOf<string>;
  /** What the event looks like, in EventBridge's pattern language. */
  pattern?: AnyOf<EventPattern>;
};

/** Whether a subject is in a cohort. */
export type IsMember = (subject: Subject, cohort: string) => boolean;

/**
 * The filter, ready to be asked.
 * @throws TurnoutError `usage` when the pattern is none; it says where
 */
export function outcomeFilter(filter: OutcomeFilter): (outcome: EventOutcome, isMember: IsMember) => boolean {
  const { executedVersion, cohort, pattern, replay, status: asked } = filter;
  const patterns = pattern === undefined ? undefined : eachOf(pattern).map(compiled);
  const cohorts = cohort === undefined ? undefined : eachOf(cohort);
  const versions = executedVersion === undefined ? undefined : eachOf(executedVersion);
  const unresolved = asked !== undefined && eachOf(asked).includes("unresolved");
  return ({ record, status, component, entry }, isMember) =>
    isWanted(filter.component, component) &&
    isWanted(filter.source, record.source) &&
    isWanted(filter.user, record.subject.user) &&
    isWanted(filter.project, record.subject.project) &&
    isWanted(filter.customer, record.subject.customer) &&
    isWanted(filter.plan, record.subject.plan) &&
    isWanted(filter.alias, entry?.alias) &&
    ((unresolved && isUnresolved({ status })) || isWanted(asked, status)) &&
    isWanted(filter.because, entry?.because) &&
    (isWanted(replay, entry?.generation) || isWanted(replay, entry?.replay)) &&
    (versions?.some((version) => entry !== undefined && hasRun(entry, version, filter)) ?? true) &&
    (cohorts?.some((one) => isMember(record.subject, one)) ?? true) &&
    (patterns?.some((matches) => matches(record)) ?? true);
}

/** True when this version ran any of the attempts that the ledger remembers, since then if a time is named. */
function hasRun(entry: LedgerEntry, version: string, { ranSince, ranBehind }: OutcomeFilter): boolean {
  const isIts = (attempt: Attempt) =>
    attempt.version === version ||
    (attempt.version === undefined && entry.alias === ranBehind && RAN_UNSAID.has(attempt.outcome));
  const ran = entry.attempts.filter(isIts);
  if (ranSince === undefined) return entry.executedVersion === version || ran.length > 0;
  return ran.some(({ at }) => at.toISOString() >= ranSince);
}

/** Outcomes after which something may have run although nobody said what. */
const RAN_UNSAID: ReadonlySet<Attempt["outcome"]> = new Set(["failed", "dead", "lease lapsed", "outcome missing"]);

function compiled(pattern: EventPattern): (record: EventRecord) => boolean {
  const compiledPattern = compileEventPattern(pattern);
  if (!compiledPattern.ok) throw new TurnoutError("usage", `The pattern: ${compiledPattern.problem}.`);
  const mayMatch = matchesUnseen(pattern);
  return (record) => {
    if (record.unavailable !== undefined) return mayMatch(record);
    const event = readEvent(record.body);
    return event.ok && compiledPattern.matches(event.value);
  };
}

/** Without its body an event is judged by source and type alone: what may be meant is listed, and not quietly left out. */
function matchesUnseen(pattern: EventPattern): (record: EventRecord) => boolean {
  const known = Object.entries(pattern).filter(([field]) => field === "source" || field === "detail-type");
  const envelope = known.length === 0 ? undefined : compileEventPattern(Object.fromEntries(known));
  return ({ id, source, detailType, time }) =>
    envelope === undefined ||
    source === "" ||
    (envelope.ok && envelope.matches({ version: "0", id, source, "detail-type": detailType, time, detail: {} }));
}
