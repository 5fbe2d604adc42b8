import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isEnded, noCounts, type Replay } from "../../shared/domain/replays/replay.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { startReplay } from "../../shared/flows/replay/start-replay.ts";
import { runningServer } from "../../shared/installation/server-lock.ts";
import { setUpConsumer } from "./embedded-rate.ts";
import { printBudget } from "./print-budget.ts";
import { startServer } from "./server.ts";
import { storeDeliveries } from "./stored-deliveries.ts";

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

/** Twenty times the budget: by then something is broken. */
const ENDS_WITHIN_MS = 600_000;

/** A replay holds a page at a time: four times as many records may take a tenth more memory. */
const FLAT = 1.1;

/** Prints how long a replay takes, and how much memory, beside one of a quarter of its size. */
export async function benchReplays(): Promise<void> {
  console.log("Replay, embedded, no rate cap (budget: 100,000 records in 30 s, the first within 2 s, memory flat)");
  const peaks: number[] = [];
  for (const records of [25_000, 100_000]) {
    const { seconds, secondsInAll, firstSentMs, peakBeforeMb, peakMb } = await benchReplay(records);
    peaks.push(peakMb);
    const rate = Math.round(records / seconds).toLocaleString("en-US");
    console.log(
      `  ${records.toLocaleString("en-US")}: ${seconds.toFixed(1)} s, ${rate}/s, the first after ${firstSentMs} ms; ` +
        `${secondsInAll.toFixed(1)} s with the second look; at most ${peakMb.toFixed(0)} MB, ${peakBeforeMb.toFixed(0)} MB before`,
    );
    if (records === 100_000) printBudget("30 s", seconds <= 30);
    printBudget("the first within 2 s", firstSentMs < 2_000);
  }
  const [quarter = Number.NaN, whole = Number.NaN] = peaks;
  printBudget(
    `memory flat: ${(whole / quarter).toFixed(2)} of that for a quarter of the records`,
    whole <= quarter * FLAT,
  );
}

/** Replays stored events of 1,000 projects, as fast as it goes, through a real server process and a durable state file. */
async function benchReplay(records: number): Promise<ReplayFigures> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    await setUpConsumer(home);
    const state = openEmbeddedState(home, { create: false });
    const from = new Date(Date.now() - 60_000 - records);
    const stored = { component: "bench-consumer", source: "bench", records, from, everyMs: 1 };
    const window = await storeDeliveries(state.events, stored);
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
      destination: { kind: "today" },
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
  const deadline = performance.now() + ENDS_WITHIN_MS;
  for (;;) {
    const replay = await state.replays.get(name);
    if (replay === undefined) throw new Error("the replay is gone");
    if (performance.now() > deadline)
      throw new Error(`the replay has not ended: ${replay.progress.trouble ?? "no trouble was noted"}`);
    if (replay.progress.pass > 1) deliveredAt ??= new Date();
    if (isEnded(replay)) return { replay, deliveredAt: deliveredAt ?? new Date() };
    await delay(20);
  }
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
