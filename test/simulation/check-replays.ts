import type { OutcomeFilter } from "../../shared/domain/deliveries/event-outcome.ts";
import { isEnded, type Replay } from "../../shared/domain/replays/replay.ts";
import type { AnyOf } from "../../shared/domain/text/any-of.ts";
import { sentAgain } from "./check-repaired.ts";
import { counted } from "./check-replay-counts.ts";
import { inOrder, keptBehind, placesIn } from "./check-replay-order.ts";
import { type Committed, type History, isSameKey, type Run, type SeenReplay } from "./history.ts";
import { isOf, isSame, keyOf, type Row, rowsOf } from "./listed-deliveries.ts";
import type { Problem } from "./problem.ts";
import { components, HOUR, MINUTE, type Scenario, SECOND } from "./scenario.ts";
import { aliasIn } from "./simulated-operator.ts";
import type { Ended } from "./world.ts";

/** What a replay waits before it looks again, as the world sets it. */
const SETTLE_MS = 35 * SECOND;

/** For how long at least it waits for an attempt that others make. */
const AWAITED_MS = 14 * MINUTE;

/**
 * Checks the replays of a run against invariants 6 to 10 of DESIGN.md, section 8, by what the versions saw, what
 * operators asked, the operator's own listing at the end, and what each replay says of itself.
 */
export function replayed(scenario: Scenario, ended: Ended): Problem[] {
  return ended.history.replays.flatMap((replay) => {
    const { last } = replay;
    if (last === undefined) return [{ kind: "lost" as const, text: `${replay.name} is not in the store any more` }];
    const sent = ended.history.runs.filter((run) => run.batch?.replay === replay.name);
    const rows = rowsOf(ended);
    const placeOf = placesIn(ended);
    return [
      ...sent.flatMap((run) => wrongly(run, replay, ended.history)),
      ...sent.flatMap((run) => afterStop(run, replay)),
      ...inOrder(replay, sent, rows, scenario, placeOf),
      ...keptBehind(
        replay,
        sent,
        rows,
        scenario,
        scenario.replays.find(({ name }) => name === replay.name)?.drivers ?? 1,
        placeOf,
      ),
      ...rows.flatMap((row) => unasked(row, replay, last, rows, scenario)),
      ...rows.flatMap((row) => sentAgain(row, replay, last, rows, scenario)),
      ...(hasEnded(last) ? [...missing(last, rows, ended.history, scenario), ...counted(replay, last, rows)] : []),
      ...rows.flatMap((row) => outcome(row, last, ended.history)),
      ...(hasEnded(last) || scenario.mode === "safety" ? [] : [{ kind: "stuck" as const, text: `${replay.name}` }]),
    ];
  });
}

/** One that has failed is to be resumed: until then it says of nothing what became of it. */
function hasEnded(replay: Replay): boolean {
  return isEnded(replay) && replay.progress.failed === undefined;
}

/** The aliases that one of a replay's deliveries may go to at a revision. */
export function aliasesFor(run: Run, { destination, mode }: SeenReplay, { routing }: Committed, ended: Ended) {
  if (destination.kind === "today") return [aliasIn(routing, run.project)];
  if (routing.allStable) return ["stable"];
  // Where the last claim before had it go: whoever made it may not have got as far as sending.
  const { published, commits, replays } = ended.history;
  const projects = published.filter((event) => isSameKey(event, run)).map(({ project }) => project);
  const before = commits.filter(({ at }) => at <= run.sentAt);
  const original = before.flatMap((commit) => projects.map((project) => aliasIn(commit.routing, project)));
  const chosen = replays.flatMap((other) => (other.destination.kind === "alias" ? [other.destination.alias] : []));
  const aliases = destination.kind === "alias" ? [destination.alias] : [...new Set([...original, ...chosen])];
  const usable = aliases.filter((alias) => routing.aliases.get(alias) === "usable");
  // What was begun goes on where it can; what wasn't is skipped.
  const isBegun = run.attempt > 1 || mode === "finish" || destination.kind === "original";
  return usable.length < aliases.length && isBegun ? [...usable, "stable"] : usable;
}

/** What a replay sends passes its filter, and is told to be of the replay. */
function wrongly(run: Run, { name, mode, filter }: SeenReplay, { published, replays }: History): Problem[] {
  const wrong = (why: string): Problem[] => [
    { kind: "replayed wrongly", text: `${name} sent ${run.key} to ${run.component}, ${why}`, at: run.sentAt },
  ];
  const event = published.find(({ body }) => body === run.event);
  const { component = run.component, project = event?.project, customer = event?.customer } = filter;
  if (component !== run.component) return wrong(`but was for ${component}`);
  if (project !== event?.project) return wrong(`which is of ${event?.project}, but was for ${project}`);
  if (customer !== event?.customer) return wrong(`which is of ${event?.customer}, but was for ${customer}`);
  const finishers: (string | null)[] = replays.filter((other) => other.mode === "finish").map((other) => other.name);
  if (mode === "rerun") {
    // Another may have reopened what this one has made.
    const isOwn = run.generation === name && (run.replay === name || finishers.includes(run.replay));
    return isOwn ? [] : wrong(`as ${run.generation} of ${run.replay}`);
  }
  // What its router left claimed meanwhile is taken over, and not reopened.
  return run.replay === null || finishers.includes(run.replay) ? [] : wrong(`as of ${run.replay}`);
}

/** Nothing is sent by a batch that began after the operator was told that the replay stops. */
function afterStop({ batch, key, sentAt }: Run, { name, asks }: SeenReplay): Problem[] {
  const began = batch?.startedAt ?? sentAt;
  const stop = asks.find(({ asked, toldAt = Infinity }, index) => {
    const resumedAt = asked === "cancel" ? Infinity : (asks[index + 1]?.at ?? Infinity);
    return asked !== "run" && toldAt < began && began < resumedAt;
  });
  if (stop === undefined) return [];
  return [{ kind: "replayed after it was stopped", text: `${name} sent ${key} after ${stop.asked}`, at: sentAt }];
}

/** What a replay delivered had been delivered before it began, lies in its window, and passes its filter. */
function unasked(row: Row, replay: SeenReplay, last: Replay, rows: readonly Row[], { skewMs }: Scenario): Problem[] {
  if (!isOf(row, replay)) return [];
  const { record, component, entry } = row;
  const { window, mode, progress } = last;
  const startedAt = progress.startedAt ?? last.requestedAt;
  const wrong = (why: string): Problem[] => [
    { kind: "replayed wrongly", text: `${last.name} made ${record.idempotencyKey} at ${component}, ${why}` },
  ];
  if (record.t0 < window.from || record.t0 >= window.to) return wrong("which is not in its window");
  if (mode === "finish") return [];
  const before = rows.filter((other) => {
    const { generation, since, replay: reopened } = other.entry;
    return isSame(other, row) && generation !== last.name && (since <= startedAt || reopened !== undefined);
  });
  if (before.length === 0) return wrong("which had not been begun before it");
  const isOver = before.some(({ entry: { closedAt, replay: reopened } }) => {
    return reopened !== undefined || (closedAt !== undefined && +closedAt - 2 * skewMs <= +entry.since);
  });
  if (!isOver) return wrong("which was not at rest");
  const passed = before.some((other) => other.entry.replay !== undefined || passes(other, last.filter, rows));
  return passed ? [] : wrong("which doesn't pass its filter");
}

/** As the operator would read the filter beside a row of the listing. */
function passes({ record, component, entry, status }: Row, filter: OutcomeFilter, rows: readonly Row[]): boolean {
  const { executedVersion: version, replay } = filter;
  const is = (wanted: AnyOf<string> | undefined, found: string | undefined) =>
    wanted === undefined || [wanted].flat().includes(found ?? "");
  const ran = [entry.executedVersion, ...entry.attempts.map((attempt) => attempt.version)];
  const own = rows.find((row) => row.record === record && row.component === component && row.entry === entry);
  return (
    own !== undefined &&
    is(filter.component, component) &&
    is(filter.project, record.subject.project) &&
    is(filter.customer, record.subject.customer) &&
    is(filter.alias, entry.alias) &&
    (is(filter.status, status) || (is(filter.status, "unresolved") && status === "dead")) &&
    (version === undefined || [version].flat().some((one) => ran.includes(one))) &&
    (is(replay, entry.generation) || is(replay, entry.replay))
  );
}

/**
 * What was begun before the replay, passes its filter and came to rest early enough is made again, unless the replay says
 * of as many that their alias was gone or their version is avoided. What was reopened since is judged by nobody.
 */
function missing(last: Replay, rows: readonly Row[], history: History, { skewMs }: Scenario): Problem[] {
  const { published } = history;
  const { name, mode, window, filter, progress, asked } = last;
  if (asked === "cancel" || progress.startedAt === undefined) return [];
  const startedAt = progress.startedAt.getTime();
  const settledBy = startedAt + SETTLE_MS - 4 * skewMs - SECOND;
  /** What is in its first attempt is waited for; what waits between two attempts is not. */
  const inTime = ({ replay, closedAt = dayAfter(startedAt), attempt }: Row["entry"]) =>
    replay === undefined && closedAt.getTime() <= (attempt === 1 ? startedAt + AWAITED_MS : settledBy);
  const made = rows.filter((row) => isOf(row, last));
  const left = rows.filter((row) => {
    const { entry, record, status } = row;
    if (status !== "dead" && (status !== "done" || mode === "finish")) return false;
    if (entry.replay !== undefined || entry.generation === name) return false;
    const others = rows.filter((other) => isSame(other, row) && other.entry.since.getTime() <= startedAt);
    if (others.length === 0 || entry.since.getTime() > startedAt) return false;
    // It may have been made good, or have been run again and died of that: the later one is what is finished.
    const isLater = (other: Row) => other.entry.since > entry.since && other.entry.generation !== name;
    const asksForTheDead = mode === "finish" || filter.status === "dead" || filter.status === "unresolved";
    if (asksForTheDead && rows.some((other) => isSame(other, row) && isLater(other))) return false;
    // Another replay may still have been at it.
    if (!others.every((other) => inTime(other.entry))) return false;
    // Whichever router recorded it last decides whose it is: no publisher should say the same of two projects.
    const same = published.filter((event) => isSameKey(event, keyOf(record)) && event.readable);
    if (same.some(({ project }) => project !== record.subject.project)) return false;
    if (record.t0 < window.from || record.t0 >= window.to) return false;
    if (filter.alias !== undefined && mayHaveMoved(row, history, skewMs)) return false;
    return passes(row, filter, rows) && !made.some((other) => isSame(other, row));
  });
  const { "alias gone": gone = 0, "same version": same = 0 } = progress.counts.skipped;
  const alike = new Map(
    left.map((row) => [`${row.component} ${row.record.t0.getTime()} ${row.record.messageId}`, row]),
  );
  const [first] = alike.values();
  if (first === undefined || alike.size <= gone + same) return [];
  const { record, component, entry } = first;
  const what = `${record.idempotencyKey} at ${component}, ${entry.status} in ${entry.generation}`;
  return [{ kind: "not replayed", text: `${name} left out ${alike.size - gone - same}, as ${what}`, at: startedAt }];
}

/**
 * Whether a delivery may have been another alias's when the replay looked than the one that it ended with: each attempt
 * goes where the routing says by then, and which of them the replay has met is told nowhere.
 */
function mayHaveMoved({ record, entry }: Row, { commits }: History, skewMs: number): boolean {
  const { attempt, since, closedAt = since } = entry;
  if (attempt === 1) return false;
  // A batch that began before a change may claim by what was.
  const from = +since - SETTLE_MS - 2 * skewMs;
  const to = +closedAt + 2 * skewMs;
  const standing = commits.findLastIndex(({ at }) => at <= from);
  const stood = commits.slice(Math.max(0, standing)).filter(({ at }) => at <= to);
  const { project = "" } = record.subject;
  const ways = stood.map(({ routing }) =>
    JSON.stringify([aliasIn(routing, project), routing.allStable, [...routing.aliases], [...routing.damaged]]),
  );
  return new Set(ways).size > 1;
}

function dayAfter(at: number): Date {
  return new Date(at + 24 * HOUR);
}

/** What it shows as done has succeeded, and what as dead has failed often enough, or the replay was cancelled. */
function outcome(row: Row, { name, mode, asked }: Replay, { runs, replays }: History): Problem[] {
  const { record, component, entry, status } = row;
  if (mode === "finish" || !isOf(row, { name, mode })) return [];
  const own = runs.filter((run) => {
    return run.generation === name && run.component === component && isSameKey(run, keyOf(record));
  });
  const wrong = (why: string): Problem[] => [
    { kind: "wrong outcome shown", text: `${record.idempotencyKey} at ${component} is ${status} in ${name}, ${why}` },
  ];
  if (status === "done") {
    return own.some((run) => run.outcome === "succeeded") ? [] : wrong("but never succeeded");
  }
  // A claim that nobody closed may have been sent; a delivery that was only put off wasn't.
  const wasClaimed =
    entry.lapses > 0 || entry.attempts.some(({ outcome }) => outcome !== "postponed" && outcome !== "dead");
  if (
    status === "dead" &&
    asked === "cancel" &&
    own.length === 0 &&
    !wasClaimed &&
    entry.error?.type !== "ReplayCancelled"
  ) {
    return wrong("having been cancelled before it was ever tried");
  }
  const reopened = replays.find((other) => other.name === entry.replay);
  if (status !== "dead" || asked === "cancel" || reopened?.last?.asked === "cancel") return [];
  const failed = own.filter((run) => run.told === "failed" || failures.has(run.outcome));
  const { maxAttempts } = components.find((one) => one.name === component)?.retry ?? { maxAttempts: 0 };
  return failed.length >= maxAttempts ? [] : wrong(`having failed ${failed.length} times of ${maxAttempts}`);
}

const failures = new Set<Run["outcome"]>(["failed", "never begun"]);
