import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ClaimRequest, EventRecord } from "../../shared/domain/delivery.ts";
import { deliveryKeyOf, eventKeyOf, LIVE, sha256 } from "../../shared/domain/delivery-key.ts";
import { isEnded, noCounts, type Replay } from "../../shared/domain/replay.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { startReplay } from "../../shared/flows/start-replay.ts";
import { runningServer } from "../embedded/server-lock.ts";
import { setUpConsumer } from "./embedded.ts";
import { startServer } from "./server.ts";

export type ReplayFigures = {
  records: number;
  /** From the request to the last delivery at rest; the second pass, which looks for what was under way, not included. */
  seconds: number;
  /** From the request to the end. */
  secondsInAll: number;
  /** From the request to the first batch of claims, in ms. */
  firstSentMs: number;
  /** Most memory that the server has had resident, in MiB, before and after. */
  peakBeforeMb: number;
  peakMb: number;
};

const PROJECTS = 1_000;
const COMPONENT = "bench-consumer";
const FILLER = "x".repeat(800);

/** Replays stored events of 1,000 projects, as fast as it goes, through a real server process and a durable state file. */
export async function benchReplay(records: number): Promise<ReplayFigures> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    await setUpConsumer(home);
    const state = openEmbeddedState(home, { create: false });
    const window = await fill(state, records);
    const { end } = await startServer(home);
    const peakBeforeMb = peakOf(home);
    const requestedAt = new Date();
    const asked = await startReplay(state.replays, {
      name: "bench",
      who: "bench",
      why: "bench",
      command: "npm run bench",
      requestedAt,
      window,
      filter: {},
      mode: "rerun",
      target: { kind: "today" },
      concurrency: 100,
      planned: noCounts(),
    });
    const { replay, deliveredAt } = await untilEnded(state, asked);
    const peakMb = peakOf(home);
    await end("SIGTERM");
    state.close();
    const { done, sent } = replay.progress.counts;
    if (done !== records || sent !== records) throw new Error(`${done} of ${records} events were delivered`);
    const since = (at: Date | undefined) => (at === undefined ? Number.NaN : at.getTime() - requestedAt.getTime());
    return {
      records,
      seconds: since(deliveredAt) / 1_000,
      secondsInAll: since(replay.progress.endedAt) / 1_000,
      firstSentMs: since(replay.progress.firstSentAt),
      peakBeforeMb,
      peakMb,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function untilEnded(state: EmbeddedState, { name }: Replay): Promise<{ replay: Replay; deliveredAt: Date }> {
  let deliveredAt: Date | undefined;
  for (;;) {
    const replay = await state.replays.get(name);
    if (replay === undefined) throw new Error("the replay is gone");
    if (replay.progress.pass > 1) deliveredAt ??= new Date();
    if (isEnded(replay)) return { replay, deliveredAt: deliveredAt ?? new Date() };
    await delay(20);
  }
}

/** Stores so many delivered events, a millisecond apart. */
async function fill({ events }: EmbeddedState, records: number): Promise<{ from: Date; to: Date }> {
  const to = new Date(Date.now() - 60_000);
  const from = new Date(to.getTime() - records);
  const expiresAt = new Date(to.getTime() + 30 * 86_400_000);
  for (let first = 0; first < records; first += 1_000) {
    const page = Array.from({ length: Math.min(1_000, records - first) }, (_, n) =>
      recordOf(first + n, from, expiresAt),
    );
    await events.record(page);
    await events.claim(page.map(claimOf), "bench", from);
    const deliveryKeys = page.map((record) => claimOf(record).deliveryKey);
    await events.close(
      deliveryKeys.map((deliveryKey) => ({ deliveryKey, attempt: 1, at: from, outcome: "done", executedVersion: "1" })),
    );
  }
  return { from, to };
}

function recordOf(n: number, from: Date, expiresAt: Date): EventRecord {
  const id = `event-${n}`;
  const project = `project-${n % PROJECTS}`;
  const t0 = new Date(from.getTime() + n);
  const envelope = { version: "0", id, source: "bench", "detail-type": "tick", time: t0.toISOString() };
  const body = JSON.stringify({ ...envelope, detail: { metadata: { project }, n, filler: FILLER } });
  return {
    t0,
    eventKey: eventKeyOf("bench", "tick", id),
    payloadHash: sha256(id),
    messageId: id,
    id,
    source: "bench",
    detailType: "tick",
    time: t0.toISOString(),
    idempotencyKey: id,
    subject: { project },
    components: [COMPONENT],
    body,
    expiresAt,
  };
}

function claimOf({ t0, eventKey, payloadHash, expiresAt }: EventRecord): ClaimRequest {
  return {
    deliveryKey: deliveryKeyOf(COMPONENT, eventKey, LIVE),
    component: COMPONENT,
    eventKey,
    generation: LIVE,
    payloadHash,
    t0,
    alias: "stable",
    because: "default alias",
    routingRevision: 1,
    leaseMs: 35_000,
    expiresAt,
  };
}

/** Of the server on this state; NaN where the system doesn't tell. */
function peakOf(home: string): number {
  const pid = runningServer(home)?.pid;
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;
  } catch {
    return Number.NaN;
  }
}
