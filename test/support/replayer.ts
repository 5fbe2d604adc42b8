import type { Replay, ReplayRequest } from "../../shared/domain/replays/replay.ts";
import { noCounts } from "../../shared/domain/replays/replay.ts";
import type { OutgoingMessage, ReceivedMessage } from "../../shared/event-queue/event-queue.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { sweep } from "../../shared/flows/deliver/sweep.ts";
import type { ReplayRun } from "../../shared/flows/replay/replay-driver.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import { runReplay } from "../../shared/flows/replay/run-replay.ts";
import { startReplay } from "../../shared/flows/replay/start-replay.ts";
import type { SimulatedTime } from "../simulation/simulated-time.ts";
import type { AboutEvent } from "./builders.ts";
import { memoryReplayStore } from "./memory-replay-store.ts";
import { nextTurn, surrounded } from "./port-calls.ts";
import { aMessage, aRouter, type RouterOptions, T0 } from "./router.ts";

/** How long after its start a replay looks again, in the tests. */
export const SETTLE_MS = 5_000;

/** From a minute before the first test event on, for an hour. */
export const WINDOW = { from: new Date(T0.getTime() - 60_000), to: new Date(T0.getTime() + 3_600_000) };

export type ReplayerOptions = RouterOptions & {
  /** The version behind each alias; default: stable 22, beta 23. */
  versions?: Record<string, string>;
};

/** A router and a replayer on one store, with time, chance and ids in the test's hand. */
export async function aReplayer({ versions = { stable: "22", beta: "23" }, ...options }: ReplayerOptions = {}) {
  const router = await aRouter({
    target: async ({ alias }) => ({ outcome: "done", executedVersion: versions[alias] ?? "?", durationMs: 1 }),
    ...options,
  });
  const { ports: routing, calls, events, time } = router;
  const replays = memoryReplayStore();
  const ports: ReplayerPorts = {
    ...routing,
    events: surrounded(events, ["record", "find", "claim", "close", "reject", "deliveries"], calls.around),
    replays: surrounded(replays, ["get", "update", "list"], calls.around),
    catalog: {
      aliases: async () => Object.entries(versions).map(([alias, version]) => ({ alias, version })),
    },
    settleMs: SETTLE_MS,
  };

  /** Routes events as they arrive, a second apart. */
  async function arrive(...events: (AboutEvent & Partial<ReceivedMessage>)[]): Promise<void> {
    const messages = events.map((about, index) =>
      aMessage({
        id: about.id ?? `event-${index + 1}`,
        messageId: `message-${about.id ?? index + 1}`,
        sentAt: new Date(T0.getTime() + index * 1_000),
        ...about,
      }),
    );
    await routeBatch(routing, messages);
  }

  async function start(request: Partial<ReplayRequest> & Partial<Replay> = {}): Promise<Replay> {
    return startReplay(replays, {
      name: "replay-1",
      who: "ada",
      why: "a test",
      command: "turnout replay start",
      requestedAt: time.now(),
      window: WINDOW,
      filter: {},
      mode: "rerun",
      destination: { kind: "today" },
      concurrency: 10,
      planned: noCounts(),
      ...request,
    });
  }

  /** One run of it, with the clock going on whenever it waits for it. */
  function drive(name = "replay-1", mayGoOn = () => true, driver = ports): Promise<ReplayRun> {
    return withTime(time, runReplay(driver, name, mayGoOn));
  }

  /** What the sweeper looks after is delivered, as its message would have it. */
  async function sweepUp(): Promise<void> {
    const bodies: string[] = [];
    const bodyOf = (sent: OutgoingMessage) => (typeof sent === "string" ? sent : sent.body);
    const queue = {
      send: async (sent: readonly OutgoingMessage[]) => sent.map((one) => `${bodies.push(bodyOf(one))}`),
    };
    await sweep({ events, queue, now: time.now }, new Date(time.now().getTime() + 1));
    const messages = bodies.map((body, index) => aMessage({ messageId: `swept-${index}`, body, sentAt: time.now() }));
    await withTime(time, routeBatch(routing, messages));
  }

  /**
   * Runs it as its driver would, with the clock and the sweeper going on where it has to wait, until it has ended.
   * @param died when the driver's process has: nothing of it goes on then, and the clock stands still
   */
  async function run(
    name = "replay-1",
    mayGoOn = () => true,
    driver = ports,
    died = new Promise<void>(() => {}),
  ): Promise<Replay> {
    for (let turn = 0; turn < 100; turn++) {
      const answer = await withTime(time, Promise.race([runReplay(driver, name, mayGoOn), died]));
      if (answer === undefined || answer.ended) return replay(name);
      await time.pass(Math.max(1, answer.waitMs));
      await sweepUp();
    }
    throw new Error(`replay ${name} doesn't end`);
  }

  async function replay(name = "replay-1"): Promise<Replay> {
    const found = await replays.get(name);
    if (found === undefined) throw new Error(`no replay ${name}`);
    return found;
  }

  return { ...router, ports, routing, replays, arrive, start, drive, sweepUp, run, replay };
}

/** Turns of the event loop in which everything goes on that waits for no clock. */
const TURNS = 4;

/**
 * The work's end, with the clock going on to the next delay whenever nothing else is left to do. Work that never ends
 * keeps the event loop busy for as long as the process lives, for all tests after it: race it against what ends it.
 */
export async function withTime<T>(time: SimulatedTime, work: Promise<T>): Promise<T> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  work.then(end, end);
  while (!ended) {
    for (let turn = 0; turn < TURNS && !ended; turn++) await nextTurn();
    if (!ended) time.skip();
  }
  return work;
}
