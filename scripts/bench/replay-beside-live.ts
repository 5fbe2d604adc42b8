import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { compileEventPattern } from "../../shared/domain/events/event-pattern.ts";
import { isEnded, noCounts, type Replay } from "../../shared/domain/replays/replay.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { startReplay } from "../../shared/flows/replay/start-replay.ts";
import { sampleBodies, setUpSample } from "../embedded/sample.ts";
import { setUpConsumer, untilQueueIsEmpty } from "./embedded-rate.ts";
import { printBudget } from "./print-budget.ts";
import { publishLoad } from "./publish-load.ts";
import { startServer } from "./server.ts";

const SAMPLE = "release-coordinator";

export type BesideLive = {
  /** Webhook events that the sample handled, and was sent again. */
  events: number;
  kills: number;
  /** Of events at a steady rate, from the publisher's clock at the send to the ledger's close, in ms. */
  alone: Latency;
  besideReplay: Latency;
  /** From the request to the end, with the kills in it, in seconds. */
  seconds: number;
  live: { accepted: number; done: number };
  /** What the replay says of itself. */
  counts: Replay["progress"]["counts"];
  /** By the consumer's own book: keys with an effect in the replay's generation, and keys with more than one. */
  effects: { keys: number; twice: number };
};

export type Latency = { events: number; p50: number; p99: number };

export type BesideLiveOptions = {
  events: number;
  /** How long each measurement of live traffic takes, in ms. */
  measureMs: number;
  livePerSecond: number;
  kills: number;
  /** Deliveries of the replay per second; undefined: as fast as it goes. */
  replayPerSecond?: number;
};

/** Prints how live traffic fares beside a replay, and what becomes of the replay when its server is killed twice. */
export async function benchReplayBesideLive(): Promise<void> {
  const asked = { events: 20_000, measureMs: 10_000, livePerSecond: 500, kills: 2 };
  console.log(
    `Replay of ${text(asked.events)} webhooks beside live events at ${asked.livePerSecond}/s, embedded, ` +
      `${asked.kills} kills (budget: live p99 not more than doubled, nothing lost)`,
  );
  const { alone, besideReplay, seconds, live, counts, effects } = await replayBesideLive(asked);
  const told = ({ p50, p99 }: Latency) => `p50 ${p50} ms, p99 ${p99} ms`;
  console.log(`  live alone: ${told(alone)}; beside the replay: ${told(besideReplay)}`);
  console.log(
    `  replayed: ${text(counts.done)} of ${text(counts.sent)} done in ${seconds.toFixed(1)} s, kills included`,
  );
  console.log(`  live accepted: ${text(live.accepted)}, done: ${text(live.done)}`);
  console.log(`  keys with an effect: ${text(effects.keys)}, delivered more than once: ${effects.twice}`);
  printBudget("live p99 ≤ 2 × alone", besideReplay.p99 <= 2 * alone.p99);
  const skipped = Object.entries(counts.skipped).map(([reason, count]) => `${count} ${reason}`);
  console.log(`  matched: ${text(counts.matched)}; skipped: ${skipped.join(", ") || "none"}`);
  // What failed as it arrived, and waits for its next attempt, is made then by the routing of then.
  const isComplete = counts.matched === asked.events && counts.done === counts.sent && effects.keys === counts.sent;
  printBudget("nothing lost", isComplete && live.done >= live.accepted);
}

function text(count: number): string {
  return count.toLocaleString("en-US");
}

/**
 * Replays GitHub's example webhooks, under as many keys as are asked for, through a real server process, while live
 * events arrive at a steady rate; then kills the server in the middle, again and again.
 */
export async function replayBesideLive(options: BesideLiveOptions): Promise<BesideLive> {
  const { events, measureMs, livePerSecond, kills, replayPerSecond } = options;
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    await setUpConsumer(home);
    const state = openEmbeddedState(home, { create: false });
    await setUpSample(state, () => new Date(), randomUUID);
    let server = await startServer(home);
    const from = new Date();
    await publishLoad(server.url, events, await webhooks(state), { connections: 8 });
    await untilQueueIsEmpty(server.url);
    const window = { from, to: new Date() };

    const measured = Math.ceil((measureMs / 1_000) * livePerSecond);
    let sent = 0;
    const live = (count: number) => {
      const first = sent;
      sent += count;
      return publishLoad(server.url, count, (n) => tickAt(first + n), { connections: 8, perSecond: livePerSecond });
    };
    let accepted = (await live(measured)).accepted;
    const requestedAt = new Date();
    await startReplay(state.replays, {
      name: "bench",
      who: "bench",
      why: "bench",
      command: "npm run bench",
      requestedAt,
      window,
      filter: { component: SAMPLE },
      mode: "rerun",
      destination: { kind: "today" },
      concurrency: 25,
      planned: noCounts(),
      ...(replayPerSecond === undefined ? {} : { ratePerSecond: replayPerSecond }),
    });
    accepted += (await live(measured)).accepted;

    for (let kill = 0; kill < kills; kill++) {
      const before = await sentOf(state);
      await untilMoved(state, before);
      // Where a publisher isn't answered it publishes again; here it is enough to know what was accepted.
      const publishing = live(livePerSecond).catch(() => ({ accepted: 0 }));
      await delay(100);
      await server.end("SIGKILL");
      accepted += (await publishing).accepted;
      server = await startServer(home);
    }
    const replay = await untilEnded(state);
    const seconds = ((replay.progress.endedAt?.getTime() ?? 0) - requestedAt.getTime()) / 1_000;
    await untilQueueIsEmpty(server.url);
    const ticks = await ticksIn(state, window.to);
    const effects = effectsOf(home);
    await server.end("SIGTERM");
    state.close();
    return {
      events,
      kills,
      alone: latency(ticks.filter(({ n }) => n < measured)),
      besideReplay: latency(ticks.filter(({ n }) => n >= measured && n < 2 * measured)),
      seconds,
      live: { accepted, done: ticks.length },
      counts: replay.progress.counts,
      effects,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** GitHub's examples over and over, those that the sample listens to, each round under new keys. */
async function webhooks({ routingTable }: EmbeddedState): Promise<(n: number) => object> {
  const { components } = await routingTable.components();
  const pattern = components.find(({ name }) => name === SAMPLE)?.pattern;
  const compiled = compileEventPattern(pattern);
  if (!compiled.ok) throw new Error(compiled.problem);
  const handled = sampleBodies(new Date())
    .map((body) => JSON.parse(body) as { id: string; source: string; "detail-type": string; detail: object })
    .filter(compiled.matches);
  return (n) => {
    const event = handled[n % handled.length];
    if (event === undefined) throw new Error("the sample listens to no example");
    const detail = { ...event.detail, metadata: { idempotencyKey: `${event.id}-${n}` } };
    return { Source: event.source, DetailType: event["detail-type"], Detail: JSON.stringify(detail) };
  };
}

function tickAt(n: number): object {
  const metadata = { customer: `customer-${n % 1_000}` };
  return { Source: "bench", DetailType: "tick", Detail: JSON.stringify({ metadata, n, sentAt: Date.now() }) };
}

async function replayIn({ replays }: EmbeddedState): Promise<Replay> {
  const replay = await replays.get("bench");
  if (replay === undefined) throw new Error("the replay is gone");
  return replay;
}

async function sentOf(state: EmbeddedState): Promise<number> {
  return (await replayIn(state)).progress.counts.sent;
}

/** Waits until the replay has gone on, so that a kill hits it in the middle. */
async function untilMoved(state: EmbeddedState, before: number): Promise<void> {
  for (;;) {
    const replay = await replayIn(state);
    if (replay.progress.pass > 1 || replay.progress.counts.sent > before) return;
    await delay(10);
  }
}

async function untilEnded(state: EmbeddedState): Promise<Replay> {
  for (;;) {
    const replay = await replayIn(state);
    if (isEnded(replay)) return replay;
    await delay(50);
  }
}

type Tick = { n: number; latencyMs: number };

/** The live events that are done, by what stands in the ledger. */
async function ticksIn({ events }: EmbeddedState, from: Date): Promise<Tick[]> {
  const ticks: Tick[] = [];
  for await (const page of events.records({ from, to: new Date(8.64e15) }, new Date())) {
    const entries = await events.deliveriesOf(page.map(({ eventKey }) => eventKey));
    for (const { eventKey, source, body } of page) {
      if (source !== "bench") continue;
      const { n, sentAt } = (JSON.parse(body) as { detail: { n: number; sentAt: number } }).detail;
      for (const { status, closedAt } of entries.get(eventKey) ?? []) {
        if (status === "done" && closedAt !== undefined) ticks.push({ n, latencyMs: closedAt.getTime() - sentAt });
      }
    }
  }
  return ticks;
}

function latency(ticks: readonly Tick[]): Latency {
  const all = ticks.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  const at = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? 0;
  return { events: all.length, p50: at(0.5), p99: at(0.99) };
}

/** The sample counts every delivery of a key; only the first has an effect. */
function effectsOf(home: string): { keys: number; twice: number } {
  const sample = new DatabaseSync(join(home, "samples", `${SAMPLE}.db`), { readOnly: true });
  const row = sample
    .prepare("SELECT count(*) AS keys, sum(seen > 1) AS twice FROM effects WHERE generation = 'bench'")
    .get();
  sample.close();
  return { keys: Number(row?.keys), twice: Number(row?.twice) };
}
