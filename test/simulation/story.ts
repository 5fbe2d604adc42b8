import type { History, Run, SeenReplay } from "./history.ts";
import type { Failure } from "./shrink.ts";

type Line = { at: number; text: string };

/** A run as a timeline that can be read: seconds from the start, by the true time, and what was seen. */
export function storyOf({ scenario, ended, problems }: Failure): string {
  const { routers, batchSize, skewMs, maxReceiveCount, publications, operations, replays, faults } = scenario;
  const { history } = ended;
  const start = history.startedAt;
  const lines = [
    ...eventsOf(history),
    ...ended.inside.map(({ at, text }) => ({ at, text: `!! in the ledger: ${text}` })),
    ...problems.map(({ at, kind, text }) => ({ at: at ?? Infinity, text: `!! ${kind}: ${text}` })),
  ];
  const told = lines
    .sort((a, b) => a.at - b.at)
    .map(
      ({ at, text }) =>
        `  ${Number.isFinite(at) ? `${((at - start) / 1_000).toFixed(3)} s` : "at the end"}`.padEnd(16) + text,
    );
  const numbers = [
    `${publications.length} events`,
    `${operations.length} operations`,
    `${replays.length} replays`,
    `${faults?.length ?? history.faults.length} faults`,
    `${routers} routers`,
    `batches of ${batchSize}`,
    `clocks within ${skewMs} ms`,
    ...(maxReceiveCount < 1_000 ? [`dead letters after ${maxReceiveCount} receives`] : []),
  ];
  return [`seed ${scenario.seed} (${scenario.mode}): ${numbers.join(", ")}`, ...told].join("\n");
}

function eventsOf(history: History): Line[] {
  return [
    ...history.published.map(({ at, id, key, payload, project, acceptedAt }) => ({
      at,
      text: `published   ${id}: ${key}, payload ${payload}, ${project}${acceptedAt === undefined ? " (no answer)" : ""}`,
    })),
    ...history.commits.map(({ at, revision, what }) => ({ at, text: `operator    revision ${revision}: ${what}` })),
    ...history.replays.flatMap(replayLines),
    ...history.batches.flatMap(({ id, process, startedAt, endedAt, how, messages }) => [
      { at: startedAt, text: `batch       ${process} begins ${messages.join("; ")}` },
      ...(endedAt === undefined ? [] : [{ at: endedAt, text: `batch       ${process} ${how} ${id}` }]),
    ]),
    ...history.runs.flatMap(linesOf),
    ...history.swept.map(({ at, process, redelivered }) => ({ at, text: `${process} sent ${redelivered} deliveries` })),
    ...history.deadLettered.map(({ at, body }) => ({ at, text: `dead letter ${body.slice(0, 100)}` })),
    ...history.redriven.map(({ at, messages }) => ({ at, text: `operator    moved ${messages} dead letters back` })),
    ...history.faults.map(({ at, point, kind }) => ({ at, text: `fault       ${kind}: ${point}` })),
  ];
}

function replayLines(replay: SeenReplay): Line[] {
  const { name, mode, filter, destination, window, startedAt, asks, last } = replay;
  const asked = JSON.stringify({ filter, destination, window });
  const { endedAt, counts } = last?.progress ?? {};
  const end = {
    at: endedAt?.getTime() ?? Infinity,
    text: `${name} ${endedAt ? "ended" : "goes on"}: ${JSON.stringify(counts)}`,
  };
  return [
    { at: startedAt, text: `operator    started ${name}, a ${mode}: ${asked}` },
    ...asks.map((ask) => ({ at: ask.at, text: `operator    asked ${name} to ${ask.asked}` })),
    end,
  ];
}

function linesOf(run: Run): Line[] {
  const {
    component,
    consumerKey,
    attempt,
    alias,
    process,
    sentAt,
    startedAt,
    endedAt,
    effectAt,
    outcome,
    hungUpAt,
    told,
  } = run;
  const name = `attempt ${attempt} of ${consumerKey} at ${component} ${alias}`;
  return [
    { at: sentAt, text: `${name} sent by ${process}` },
    ...(startedAt === undefined ? [] : [{ at: startedAt, text: `${name} began` }]),
    ...(effectAt === undefined ? [] : [{ at: effectAt, text: `${name} had its effect` }]),
    ...(endedAt === undefined ? [] : [{ at: endedAt, text: `${name} ${outcome}` }]),
    ...(hungUpAt === undefined ? [] : [{ at: hungUpAt, text: `${name}: ${process} was told ${told}` }]),
    ...run.outcomesSentAt.map((at) => ({ at, text: `${name}: outcome sent` })),
  ];
}
