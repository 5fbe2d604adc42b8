import { type AwsStub, type Kinds, startAwsStub } from "./aws-stub.ts";
import { medianOf } from "./median.ts";
import { type Pipeline, type PipelineName, type Round, startPipeline } from "./pipeline.ts";
import { routingItems } from "./routing-items.ts";
import { BATCH } from "./sample-batch.ts";

/**
 * Batches until the code is compiled and the routing table is cached; none of them counts. As many for both: a Lambda
 * environment lives for hours, and what it costs is what a batch costs once all of it is compiled. The CPU per event of
 * either pipeline falls by two fifths over its first 1,000 batches.
 */
const WARM_UP = 1_500;

/** Rounds per pipeline, taken in turns: whatever else the machine does meets both of them. */
const ROUNDS = 9;

/** Batches of a round: about half a second of the quicker one. */
const BATCHES = 150;

const names = [
  "turnout",
  "turnout with wide lines",
  "turnout without counts",
  "powertools",
] as const satisfies readonly PipelineName[];

type Each<T> = { [name in PipelineName]: T };

type Figures = { perSecond: number; p50: number; p99: number; cpuMs: number; kinds: Kinds; events: number };
type Compared = Each<Figures> & { cpuRatio: number; wideRatio: number; countedRatio: number };

/**
 * Prints the router beside what a user would otherwise build, on stub servers, in turns. CPU is user and system time of a
 * pipeline's process, all of its threads, while it handles batches; its events are made before. The ratio is the median of
 * the rounds' ratios.
 */
export async function benchPipelines(): Promise<void> {
  const stub = await startAwsStub();
  const started: Pipeline[] = [];
  try {
    await stub.order({ items: routingItems() });
    const pipelines = await each(start);
    for (const name of names) await pipelines[name].round(WARM_UP);
    console.log(`Router beside Powertools batch + idempotency, stub servers, batches of ${BATCH}, events of 1 KB`);
    const idle = await compare(stub, pipelines, BATCHES, { storeMs: 0, targetMs: 0 });
    print("answers at once", idle);
    printBudget("requests per event ≤ 1.5", requestsPerEvent(idle.turnout) <= 1.5);
    printBudget("CPU ≤ 1/4 of theirs", idle.cpuRatio <= 1 / 4);
    const waiting = await compare(stub, pipelines, 15, { storeMs: 5, targetMs: 20 });
    print("store answers after 5 ms, target after 20 ms", waiting);
    printBudget("p50 of a batch ≤ 40 ms", waiting.turnout.p50 <= 40);
  } finally {
    await Promise.all(started.map((pipeline) => pipeline.stop()));
    await stub.stop();
  }

  async function start(name: PipelineName): Promise<Pipeline> {
    const pipeline = await startPipeline(name, stub.endpoint);
    started.push(pipeline);
    return pipeline;
  }
}

async function compare(
  stub: AwsStub,
  pipelines: Each<Pipeline>,
  batches: number,
  latency: { storeMs: number; targetMs: number },
): Promise<Compared> {
  const rounds = await each<Round[]>(() => []);
  const kinds = await each<Kinds>(() => ({}));
  await stub.order({ latency });
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      await stub.order({ reset: true });
      rounds[name].push(await pipelines[name].round(batches));
      kinds[name] = added(kinds[name], await stub.order({}));
    }
  }
  const cpuOf = (one: PipelineName, other: PipelineName) =>
    medianOf(rounds[one].map(({ cpuMs }, n) => cpuMs / (rounds[other][n]?.cpuMs ?? Number.NaN)));
  return {
    ...(await each((name) => figuresOf(rounds[name], kinds[name]))),
    cpuRatio: cpuOf("turnout", "powertools"),
    wideRatio: cpuOf("turnout with wide lines", "turnout"),
    countedRatio: cpuOf("turnout", "turnout without counts"),
  };
}

async function each<T>(make: (name: PipelineName) => T | Promise<T>): Promise<Each<T>> {
  const made: [PipelineName, T][] = [];
  for (const name of names) made.push([name, await make(name)]);
  return Object.fromEntries(made) as Each<T>;
}

function figuresOf(rounds: readonly Round[], kinds: Kinds): Figures {
  const batchMs = rounds.flatMap((round) => round.batchMs).sort((a, b) => a - b);
  const at = (share: number) => batchMs[Math.min(batchMs.length - 1, Math.floor(batchMs.length * share))] ?? 0;
  const eventsOf = (round: Round) => round.batchMs.length * BATCH;
  return {
    perSecond: medianOf(rounds.map((round) => (eventsOf(round) / round.totalMs) * 1_000)),
    cpuMs: medianOf(rounds.map((round) => round.cpuMs / eventsOf(round))),
    p50: at(0.5),
    p99: at(0.99),
    kinds,
    events: batchMs.length * BATCH,
  };
}

function added(one: Kinds, other: Kinds): Kinds {
  const sum = { ...one };
  for (const [kind, { requests, bytes }] of Object.entries(other)) {
    sum[kind] = { requests: requests + (sum[kind]?.requests ?? 0), bytes: bytes + (sum[kind]?.bytes ?? 0) };
  }
  return sum;
}

function requestsPerEvent({ kinds, events }: Figures): number {
  return Object.values(kinds).reduce((sum, { requests }) => sum + requests, 0) / events;
}

function bytesPerEvent({ kinds, events }: Figures): number {
  return Object.values(kinds).reduce((sum, { bytes }) => sum + bytes, 0) / events;
}

function print(title: string, { cpuRatio, wideRatio, countedRatio, ...figures }: Compared): void {
  const { turnout, powertools } = figures;
  console.log(`  ${title}`);
  for (const name of names) printFigures(name, figures[name]);
  const ratio = (figure: (figures: Figures) => number) => (figure(turnout) / figure(powertools)).toFixed(2);
  const ratios = [
    `events/s ${ratio(({ perSecond }) => perSecond)}`,
    `p50 ${ratio(({ p50 }) => p50)}`,
    `CPU ${cpuRatio.toFixed(2)}`,
    `requests ${ratio(requestsPerEvent)}`,
    `bytes ${ratio(bytesPerEvent)}`,
  ];
  console.log(`    ours ÷ theirs: ${ratios.join(", ")}`);
  console.log(`    with a line per delivery ÷ without: CPU ${wideRatio.toFixed(3)}`);
  console.log(`    with counts ÷ without: CPU ${countedRatio.toFixed(3)}`);
}

function printFigures(name: string, figures: Figures): void {
  const { perSecond, p50, p99, cpuMs, kinds, events } = figures;
  const speed = `${Math.round(perSecond).toLocaleString("en-US")} events/s, batch p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
  console.log(`    ${name}: ${speed}, CPU ${cpuMs.toFixed(3)} ms per event`);
  const told = Object.entries(kinds)
    .sort(([, a], [, b]) => b.requests - a.requests)
    .map(([kind, { requests }]) => `${kind} ${(requests / events).toFixed(2)}`);
  const bytes = Math.round(bytesPerEvent(figures)).toLocaleString("en-US");
  console.log(
    `      per event: ${requestsPerEvent(figures).toFixed(2)} requests (${told.join(", ")}), ${bytes} bytes sent`,
  );
}

function printBudget(budget: string, met: boolean): void {
  console.log(`    budget ${budget}: ${met ? "met" : "MISSED"}`);
}
