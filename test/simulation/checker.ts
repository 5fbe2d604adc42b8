import { MAX_LAPSES, SEND_MARGIN_MS } from "../../shared/domain/deliveries/delivery.ts";
import { atRest, kept } from "./check-at-rest.ts";
import { aliasesFor, replayed } from "./check-replays.ts";
import type { History, Run } from "./history.ts";
import type { Problem } from "./problem.ts";
import { components, listenersOf, type Scenario } from "./scenario.ts";
import { aliasIn } from "./simulated-operator.ts";
import type { Ended } from "./world.ts";

/**
 * Checks a run against the promises of DESIGN.md, section 8, by what was seen from outside alone: what publishers and
 * operators were told, what the versions saw, and at the end the operator's own listing. Never by the ledger.
 */
export function check(scenario: Scenario, ended: Ended): Problem[] {
  const { history } = ended;
  const deliveries = Map.groupBy(history.runs, deliveryOf);
  const problems = [
    ...history.surprises.map(({ at, error }): Problem => ({ kind: "surprise", text: String(error), at })),
    ...history.runs.flatMap((run) => [...misrouted(run, ended), ...altered(run, history)]),
    ...[...deliveries.values()].flatMap((runs) => [
      ...together(runs, history),
      ...wentBack(runs, history),
      ...ranAgain(runs, scenario),
    ]),
    // What a replay opens again has all its attempts anew.
    ...[...Map.groupBy(history.runs, (run) => `${deliveryOf(run)} ${run.replay}`).values()].flatMap((runs) =>
      tooMany(runs, history, scenario),
    ),
    ...[...Map.groupBy(history.runs, eventAt).values()].flatMap(payloads),
    ...twoEffects(history),
    ...noEffect(history),
    ...kept(ended),
    ...replayed(scenario, ended),
  ];
  return scenario.mode === "safety" ? problems : [...problems, ...atRest(ended, deliveries)];
}

function deliveryOf(run: Run): string {
  return `${eventAt(run)} ${run.generation}`;
}

function eventAt({ component, detailType, key }: Run): string {
  return `${component} ${detailType}/${key}`;
}

/** Goes where the routing said at some revision between those known when the batch began and the send. */
function misrouted(run: Run, ended: Ended): Problem[] {
  const { commits, replays } = ended.history;
  const { batch, alias, project, sentAt, routingRevision } = run;
  const began = batch?.startedAt ?? sentAt;
  const known = commits.findLast(({ toldAt }) => toldAt !== undefined && toldAt <= began)?.revision ?? 0;
  const stated = commits.find(({ revision }) => revision === routingRevision);
  const text = `${nameOf(run)} of ${project} went to ${alias}`;
  const wrong = (why: string): Problem[] => [{ kind: "misrouted", text: `${text}, ${why}`, at: sentAt }];
  if (routingRevision < known) return wrong(`by revision ${routingRevision}, but ${known} was known before its batch`);
  if (stated === undefined || stated.at > sentAt) return wrong(`by revision ${routingRevision}, which was not there`);
  const { damaged, allStable } = stated.routing;
  const unreadable = [`component#${run.component}`, ...(allStable ? [] : [`project#${project}`])];
  const row = unreadable.find((key) => damaged.has(key));
  if (row !== undefined) return wrong(`but at revision ${routingRevision} the row ${row} couldn't be read`);
  const replay = replays.find(({ name }) => name === batch?.replay);
  const expected = replay === undefined ? [aliasIn(stated.routing, project)] : aliasesFor(run, replay, stated, ended);
  return expected.includes(alias)
    ? []
    : wrong(`but at revision ${routingRevision} it goes to ${expected.join(" or ") || "nowhere"}`);
}

/** What a version receives is an event that somebody published, to the letter, and that it listens to. */
function altered(run: Run, { published }: History): Problem[] {
  const heard = listenersOf(run.detailType).some(({ name }) => name === run.component);
  const known = published.some(({ body, key }) => body === run.event && key === run.key);
  if (heard && known) return [];
  return [{ kind: "misrouted", text: `${nameOf(run)} received what nobody published for it`, at: run.sentAt }];
}

/**
 * No two synchronous runs of a delivery at the same time, while the lease of the first should exclude the second.
 *
 * What the lease promises: a send begins 2 s before the lease could end before the version's own timeout does, by the
 * sender's clock; the next claim is granted when the lease has ended, by the claimer's clock. So a run is alone, unless
 * the claimer's clock is ahead of the sender's by more than these 2 s less the request's way to the version. It is
 * alone until it ends, until its timeout, or until its sender was told that it failed: a zombie beyond these is nobody's
 * to exclude. With clocks within 1 s of the true time nothing else is excused. An asynchronous attempt has no lease
 * once it was handed over: if the note of that is lost, a second one may be under way.
 */
function together(runs: readonly Run[], { maxClockMs }: History): Problem[] {
  const ran = runs.filter(({ invocation, startedAt }) => invocation === "sync" && startedAt !== undefined);
  return ran.flatMap((first) =>
    ran.flatMap((second): Problem[] => {
      const [began, next] = [first.startedAt ?? 0, second.startedAt ?? 0];
      // An older attempt that begins after a newer one is `wentBack`'s business.
      if (first === second || next < began || second.attempt < first.attempt) return [];
      const alone = Math.min(first.endedAt ?? Infinity, first.hungUpAt ?? Infinity, began + first.timeoutMs);
      const ahead = Math.max(0, maxClockMs - first.clockMs - SEND_MARGIN_MS + began - first.sentAt);
      if (next >= alone - ahead) return [];
      const overlap = `${alone - next} ms too early`;
      return [
        {
          kind: "two runs at the same time",
          text: `${nameOf(second)} began ${overlap} for ${nameOf(first)}`,
          at: next,
        },
      ];
    }),
  );
}

/** An attempt is sent once, and none after a newer one; again unless a claimer's clock was ahead by more than a lease. */
function wentBack(runs: readonly Run[], { maxClockMs }: History): Problem[] {
  return runs.flatMap((run, index) => {
    const newer = runs.slice(0, index).find((before) => {
      if (before.attempt < run.attempt) return false;
      if (before.attempt === run.attempt) return true;
      const ahead = maxClockMs - run.clockMs - run.timeoutMs - SEND_MARGIN_MS;
      return run.sentAt - before.sentAt > ahead;
    });
    if (newer === undefined) return [];
    return [
      {
        kind: "attempt went back",
        text: `${nameOf(run)} was sent ${newer.attempt === run.attempt ? "twice" : `after attempt ${newer.attempt}`}`,
        at: run.sentAt,
      },
    ];
  });
}

function payloads(runs: readonly Run[]): Problem[] {
  const other = runs.find(({ payload }) => payload !== runs[0]?.payload);
  if (other === undefined) return [];
  const text = `${nameOf(other)} has payload ${other.payload}, another had ${runs[0]?.payload}`;
  return [{ kind: "another payload ran", text, at: other.sentAt }];
}

/**
 * A version isn't called more often than it may fail, apart from the calls whose outcome the router couldn't note: it,
 * or one of its requests, was struck by a fault meanwhile. And not more than 20 times on top of it, come what may.
 */
function tooMany(runs: readonly Run[], history: History, scenario: Scenario): Problem[] {
  const maxAttempts = components.find(({ name }) => name === runs[0]?.component)?.retry.maxAttempts ?? 0;
  const begun = runs.filter(({ startedAt }) => startedAt !== undefined);
  const counted = begun.filter((run) => run.told === "failed" && wasNoted(run, scenario));
  const most = maxAttempts + MAX_LAPSES;
  if (counted.length <= maxAttempts && begun.length <= most) return [];
  const [first] = runs;
  const name = first === undefined ? "" : `${first.component} ${first.key}`;
  const text = `${name} ran ${begun.length} times, ${counted.length} of them failed and were noted; it has ${maxAttempts} attempts`;
  return [{ kind: "too many attempts", text, at: history.runs.at(-1)?.sentAt ?? 0 }];
}

/** Whether its sender had all it needed to note the outcome while the lease lasted: no fault, and enough time. */
function wasNoted({ batch, invocation, startedAt = 0, timeoutMs }: Run, { skewMs }: Scenario): boolean {
  const undisturbed = batch?.how === "finished" && batch.hits === 0;
  const inTime = (batch?.endedAt ?? Infinity) < startedAt + timeoutMs && 2 * skewMs <= SEND_MARGIN_MS;
  return invocation === "sync" && undisturbed && inTime;
}

/** What has succeeded, and was noted, is never sent again. */
function ranAgain(runs: readonly Run[], scenario: Scenario): Problem[] {
  const success = runs.find((run) => run.told === "succeeded" && wasNoted(run, scenario));
  const next = runs.find(({ sentAt }) => sentAt > (success?.batch?.endedAt ?? Infinity));
  if (success === undefined || next === undefined) return [];
  return [
    {
      kind: "ran after success",
      text: `${nameOf(next)} was sent after attempt ${success.attempt} succeeded`,
      at: next.sentAt,
    },
  ];
}

/** A consumer that dedups on what Turnout gives it has one effect per event that the publisher named and generation. */
function twoEffects({ effects }: History): Problem[] {
  const byEvent = Map.groupBy(effects.values(), ({ run }) => deliveryOf(run));
  return [...byEvent].flatMap(([event, had]): Problem[] =>
    had.length === 1
      ? []
      : [{ kind: "duplicate effect", text: `${event} had ${had.length} effects`, at: had[1]?.at ?? 0 }],
  );
}

/** A run that succeeded has had its effect in its own generation: it isn't taken for one of another. */
function noEffect({ runs, effects }: History): Problem[] {
  const had = new Set([...effects.values()].map(({ run }) => deliveryOf(run)));
  return runs
    .filter((run) => run.outcome === "succeeded" && !had.has(deliveryOf(run)))
    .map((run) => ({
      kind: "no effect",
      text: `${nameOf(run)} succeeded without an effect in ${run.generation}`,
      at: run.sentAt,
    }));
}

function nameOf({ component, detailType, key, generation, attempt }: Run): string {
  return `attempt ${attempt} of ${detailType}/${key} ${generation} at ${component}`;
}
