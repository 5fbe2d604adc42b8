import { type EventRecord, isAtRest, type LedgerEntry } from "../deliveries/delivery.ts";
import { type Generation, LIVE } from "../deliveries/delivery-key.ts";
import { type AskedStatus, type EventOutcome, outcomesOf } from "../deliveries/event-outcome.ts";
import { isOf } from "../deliveries/unreadable-entry.ts";
import { laterThan } from "../deliveries/unresolved.ts";
import { eachOf } from "../text/any-of.ts";
import type { ReplayMode, ReplayRequest, SkipReason } from "./replay.ts";

/** The replay as far as it bears on what is delivered. */
export type ReplayPlan = Pick<ReplayRequest, "mode" | "filter"> & { name: Generation; startedAt: Date };

/** What is to be done about something that the filter matches, before it is asked where it would go. */
export type Verdict =
  /** In that generation; `before` is what was made of it, undefined for an event that could only be read later. */
  | ({ kind: "deliver"; component: string; generation: Generation; before?: LedgerEntry } & Repaired)
  /** To every component that listens now. */
  | { kind: "deliver to listeners"; generation: Generation }
  /** This replay has begun it already. */
  | { kind: "begun"; component: string; entry: LedgerEntry }
  | ({ kind: "skip"; component?: string; reason: SkipReason; entry?: LedgerEntry } & Repaired);

/** The replay that has made good what was matched. */
type Repaired = Pick<EventOutcome, "repairedBy">;

/**
 * Judges all that a filter matches of one event. `rerun` has one verdict per component, whatever the number of generations
 * that delivered to it; `finish` has one per delivery. What the replay has made itself is not matched again.
 *
 * @param entries the ledger's entries for the event, in the generations that there are
 * @param mayMatch whether what isn't at rest, and isn't matched, may be by the time that it is
 */
export function judgeEvent(
  record: EventRecord,
  entries: readonly LedgerEntry[],
  plan: ReplayPlan,
  now: Date,
  matches: (outcome: EventOutcome) => boolean,
  mayMatch: (outcome: EventOutcome) => boolean = () => false,
): Verdict[] {
  const verdicts = judge(record, entries, plan, now, matches, mayMatch);
  if (record.unavailable === undefined) return verdicts;
  // What this replay has begun comes to its end all the same: it is closed, with the reason.
  return verdicts.map((verdict) => {
    if (verdict.kind === "deliver to listeners") return skipped("body unavailable");
    return verdict.kind === "deliver" ? skipped("body unavailable", verdict.component, verdict.before) : verdict;
  });
}

function judge(
  record: EventRecord,
  entries: readonly LedgerEntry[],
  plan: ReplayPlan,
  now: Date,
  matches: (outcome: EventOutcome) => boolean,
  mayMatch: (outcome: EventOutcome) => boolean,
): Verdict[] {
  const isOpen = (outcome: EventOutcome) => wasBegunBefore(outcome, plan) && !matches(outcome) && mayMatch(outcome);
  // The same event may have come twice, and this replay's delivery is of the one that counts.
  const begun = entries.filter((entry) => isOwn(entry, plan) && isOf(entry, record));
  const others = outcomesOf(
    record,
    entries.filter((entry) => !begun.includes(entry)),
  );
  const verdicts = begun.map((entry): Verdict => ({ kind: "begun", component: entry.component, entry }));
  if (plan.mode === "finish") {
    const siblings = [...begun, ...others.flatMap(({ entry }) => entry ?? [])];
    const matched = others.filter((outcome) => matches(outcome) || matchedBefore(outcome, matches));
    return [
      ...verdicts,
      ...matched.filter((outcome) => !isBegun(outcome, begun)).map((one) => finishing(one, siblings, plan, now)),
      ...others.filter(isOpen).map(({ component, entry }) => skipped("not at rest", component, entry)),
    ];
  }
  const components = new Set(begun.map(({ component }) => component));
  for (const [component, outcomes] of Map.groupBy(others, (outcome) => outcome.component)) {
    if (component !== undefined && components.has(component)) continue;
    // Without a component the question is who listens now, and that is asked of whoever does.
    const matched = outcomes.filter((outcome) => matches(withListener(outcome, plan)));
    const [open] = outcomes.filter(isOpen);
    const repaired = outcomes.find((outcome) => matchedBefore(outcome, matches));
    const unmatched = open === undefined ? leftAlone(repaired) : skipped("not at rest", component, open.entry);
    const mayMatch = outcomes.filter(isOpen).flatMap(({ entry }) => entry ?? []);
    const verdict = matched.length > 0 ? rerunning(component, matched, mayMatch, plan, begun) : unmatched;
    if (verdict?.kind === "deliver to listeners") verdicts.push(...deliveredForAnother(record, entries, plan));
    if (verdict !== undefined) verdicts.push(verdict);
  }
  return verdicts;
}

/** Whether this replay delivers, or has reopened, the delivery. */
function isOwn({ generation, replay }: LedgerEntry, { name }: ReplayPlan): boolean {
  return generation === name || replay === name;
}

/** Of an event that came twice with nobody listening, and was delivered by this replay, the second is a duplicate. */
function deliveredForAnother(record: EventRecord, entries: readonly LedgerEntry[], plan: ReplayPlan): Verdict[] {
  const twins = entries.filter(
    (entry) => isOwn(entry, plan) && entry.payloadHash === record.payloadHash && !isOf(entry, record),
  );
  return twins.map(({ component }) => skipped("duplicate", component));
}

/** Whether the filter matched it before it was made good: whoever asks for what is dead is told that it needs nothing. */
function matchedBefore(outcome: EventOutcome, matches: (outcome: EventOutcome) => boolean): boolean {
  const { status, entry } = outcome;
  return status === "repaired" && entry !== undefined && matches({ ...outcome, status: entry.status });
}

function leftAlone(repaired: EventOutcome | undefined): Verdict | undefined {
  return repaired && skippedOutcome("repaired", repaired);
}

/** Of an event that is being finished nothing is waiting or a duplicate any more. */
function isBegun({ component, entry }: EventOutcome, begun: readonly LedgerEntry[]): boolean {
  return entry === undefined && begun.some((own) => own.component === component);
}

function withListener(outcome: EventOutcome, { filter }: ReplayPlan): EventOutcome {
  if (outcome.component !== undefined || filter.component === undefined) return outcome;
  const [component = ""] = eachOf(filter.component);
  return { ...outcome, component };
}

function finishing(outcome: EventOutcome, siblings: readonly LedgerEntry[], plan: ReplayPlan, now: Date): Verdict {
  const { status, component, entry, record } = outcome;
  const skip = (reason: SkipReason): Verdict => skippedOutcome(reason, outcome);
  if (component === undefined) return skip(record.rejected === undefined ? "unmatched" : "unreadable");
  if (status === "duplicate" || status === "waiting") return skip(status);
  // Refused, or never delivered.
  if (status === "rejected") return entry ? skip(status) : { kind: "deliver", component, generation: LIVE };
  if (entry === undefined || entry.expiresAt <= now) return skip("forgotten");
  if (entry.since > plan.startedAt) return skip("claimed since");
  switch (entry.status) {
    case "done":
      return skip("done already");
    case "rejected":
      return skip("rejected");
    case "claimed":
    case "accepted":
      return skip("not at rest");
    case "failed":
    case "dead":
      if (status === "repaired") return skip("repaired");
      // Each has a key of its own: two that are finished would have their effect twice. It stays so once this replay has
      // finished the later one.
      if (laterThan(entry, siblings).some((other) => other.component === component)) return skip("superseded");
      return { kind: "deliver", component, generation: entry.generation, before: entry };
  }
}

function rerunning(
  component: string | undefined,
  matched: readonly EventOutcome[],
  mayMatch: readonly LedgerEntry[],
  plan: ReplayPlan,
  begun: readonly LedgerEntry[],
): Verdict | undefined {
  if (component === undefined) return withoutComponent(matched, plan, begun);
  const made = matched.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  const first = matched[0]?.status;
  if (made.length === 0 && first === "rejected") {
    return asksForUndelivered(plan.filter)
      ? { kind: "deliver", component, generation: plan.name }
      : skipped("undelivered", component);
  }
  if (made.length === 0) return skipped(first === "duplicate" ? "duplicate" : "waiting", component);
  if (made.every(({ status }) => status === "rejected")) return skipped("rejected", component, made[0]);
  const covered = made.filter(({ since, status }) => since <= plan.startedAt && status !== "rejected");
  const [before] = covered.toSorted((a, b) => b.since.getTime() - a.since.getTime());
  if (before === undefined) return skipped("claimed since", component, made[0]);
  // Another replay's delivery is its own, and goes on beside this one.
  const open = [...covered, ...mayMatch].find((entry) => entry.generation === LIVE && !isAtRest(entry.status));
  if (open !== undefined) return skipped("not at rest", component, open);
  const { repairedBy } = matched.find(({ entry }) => entry === before) ?? {};
  return { kind: "deliver", component, generation: plan.name, before, ...(repairedBy && { repairedBy }) };
}

/** Whether it leaves alone what another replay has made good. */
export function asksForTheDead({ mode, filter: { status } }: Pick<ReplayRequest, "mode" | "filter">): boolean {
  return mode === "finish" || asksForAny(status, ["dead", "unresolved"]);
}

/** Whether just such events are asked for that no component had, be it that none listened or that it couldn't be read. */
export function asksForUndelivered({ status }: Pick<ReplayRequest["filter"], "status">): boolean {
  return asksForAny(status, ["unmatched", "rejected", "unresolved"]);
}

function asksForAny(status: ReplayRequest["filter"]["status"], wanted: readonly AskedStatus[]): boolean {
  return status !== undefined && eachOf(status).some((asked) => wanted.includes(asked));
}

/** Whether a delivery of before the replay isn't at rest. */
function wasBegunBefore({ entry }: EventOutcome, { startedAt }: ReplayPlan): boolean {
  return entry !== undefined && !isAtRest(entry.status) && entry.since <= startedAt;
}

/** An event that no component had is delivered only if just that was asked for. */
function withoutComponent(
  matched: readonly EventOutcome[],
  { filter, name }: ReplayPlan,
  begun: readonly LedgerEntry[],
): Verdict | undefined {
  const unreadable = matched.some(({ record }) => record.rejected !== undefined);
  if (asksForUndelivered(filter)) return { kind: "deliver to listeners", generation: name };
  // Whoever had it only by this replay has it.
  if (begun.length > 0) return undefined;
  return skipped(unreadable ? "unreadable" : "unmatched");
}

function skippedOutcome(reason: SkipReason, { component, entry, repairedBy }: EventOutcome): Verdict {
  return { ...skipped(reason, component, entry), ...(repairedBy && { repairedBy }) };
}

function skipped(reason: SkipReason, component?: string, entry?: LedgerEntry): Verdict {
  return {
    kind: "skip",
    reason,
    ...(component === undefined ? {} : { component }),
    ...(entry === undefined ? {} : { entry }),
  };
}

/**
 * Generations that a delivery may have been made in: as it arrived, and by each of these replays; one that finishes has none
 * of its own.
 */
export function generationsOf(
  replays: readonly { name: string; mode: ReplayMode }[],
  own: { name: string; mode: ReplayMode },
): Generation[] {
  const rerun = [...replays, own].filter(({ mode }) => mode === "rerun").map(({ name }) => name);
  return [...new Set([LIVE, ...rerun])];
}
