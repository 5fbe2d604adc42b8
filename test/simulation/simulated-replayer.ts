import { AsyncLocalStorage } from "node:async_hooks";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import type { ReplayRun } from "../../shared/flows/replay/replay-driver.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import { runReplay } from "../../shared/flows/replay/run-replay.ts";
import { between } from "./chance.ts";
import { InjectedFault } from "./faults.ts";
import type { Batch, History } from "./history.ts";
import type { PlannedReplay } from "./planned-replays.ts";
import { type SimulatedProcess, type Surroundings, simulatedProcess } from "./simulated-process.ts";

export type ReplayerOptions = {
  skewMs: number;
  /** Makes what an environment holds. */
  load: (process: SimulatedProcess, plan: PlannedReplay, batchOf: () => Batch | undefined) => ReplayerPorts;
};

/** Time that a new environment takes to begin, and longest time from an answer to the next call. */
const COLD_START_MS = 300;
const MAX_STEP_MS = 1_500;

/** How long whoever calls the function waits after an error. */
const RETRY_MS = 2_000;

/** What is left of its time when the function begins nothing more, as in `functions/replayer.ts`. */
const SPARE_MS = 30_000;

type Environment = { process: SimulatedProcess; ports: ReplayerPorts };

/**
 * The replayer's function, and the loops that call it, one or more for each replay, until it says it has ended. The flow
 * is called as the handler calls it, and not through it: middy sets a timer of its own, by another clock than this one.
 */
export function simulatedReplayer(surroundings: Surroundings, history: History, { skewMs, load }: ReplayerOptions) {
  const { time, chance, faults } = surroundings;
  // What is sent belongs to the batch that was begun when the flow last asked whether it may go on.
  const batches = new AsyncLocalStorage<{ batch: Batch; hits: number; open: number }>();

  function environment(id: string, plan: PlannedReplay): Environment {
    const clockMs = skewMs === 0 ? 0 : between(chance(`${id} clock`), -skewMs, skewMs);
    history.maxClockMs = Math.max(history.maxClockMs, clockMs);
    const process = simulatedProcess(surroundings, id, clockMs);
    const ports = load(process, plan, () => batches.getStore()?.batch);
    return { process, ports: noting(ports, process) };
  }

  /** A batch is over for whoever looks on when all that it claimed has been closed. */
  function noting(ports: ReplayerPorts, process: SimulatedProcess): ReplayerPorts {
    const claim: EventStore["claim"] = async (requests, owner, now) => {
      const claims = await ports.events.claim(requests, owner, now);
      const about = batches.getStore();
      if (about !== undefined) about.open += claims.filter(({ won }) => won).length;
      return claims;
    };
    const close: EventStore["close"] = async (closes) => {
      const taken = await ports.events.close(closes);
      const about = batches.getStore();
      if (about === undefined) return taken;
      about.open -= closes.length;
      const hits = process.hits() - about.hits;
      if (about.open === 0) Object.assign(about.batch, { endedAt: time.now(), how: "finished", hits });
      return taken;
    };
    return { ...ports, events: { ...ports.events, claim, close } };
  }

  /** A loop as Step Functions would go round it. */
  async function loop(plan: PlannedReplay, driver: string): Promise<void> {
    let environments = 0;
    let loaded: Environment | undefined;
    for (let call = 1; ; call++) {
      if (loaded === undefined) {
        await time.delay(COLD_START_MS);
        loaded = environment(`${driver}.${++environments}`, plan);
      }
      const id = `${driver} call ${call}`;
      const answer = await invoke(loaded, plan, id);
      if (answer?.ended === true) return;
      if (loaded.process.hasEnded()) loaded = undefined;
      const waitMs = answer === undefined ? RETRY_MS : answer.waitMs;
      await time.delay(waitMs + between(chance(`${id} goes on`), 10, MAX_STEP_MS));
    }
  }

  /** Undefined when it failed. */
  async function invoke({ process, ports }: Environment, plan: PlannedReplay, id: string) {
    const began = time.now();
    const call: Batch = { id, process: process.id, startedAt: began, messages: [`replay ${plan.name}`], hits: 0 };
    history.batches.push(call);
    const hits = process.hits();
    const batchAt = (at: number): Batch => ({ ...call, startedAt: at, messages: [], replay: plan.name });
    process.begin(id);
    time.at(began + plan.timeoutMs, () => {
      if (call.how !== undefined || process.hasEnded()) return;
      faults.note(id, "function timed out");
      process.end("function timed out");
    });
    const mayGoOn = () => {
      const at = time.now();
      batches.enterWith({ batch: batchAt(at), hits: process.hits(), open: 0 });
      return began + plan.timeoutMs - at > SPARE_MS;
    };
    const ended = await Promise.race([
      batches
        .run({ batch: batchAt(began), hits, open: 0 }, () => runReplay(ports, plan.name, mayGoOn))
        .then(
          (answer: ReplayRun) => ({ how: "finished" as const, answer }),
          (error: unknown) => ({ how: "failed" as const, error }),
        ),
      process.ending.then((how) => ({ how })),
    ]);
    Object.assign(call, { endedAt: time.now(), how: ended.how, hits: process.hits() - hits });
    if (ended.how === "failed" && !(ended.error instanceof InjectedFault)) {
      history.surprises.push({ at: time.now(), error: ended.error });
    }
    return ended.how === "finished" ? ended.answer : undefined;
  }

  return {
    /**
     * Has the replay driven until it ends, or fails.
     * @param round which time, from 1 on: what befalls it is drawn for each
     */
    async drive(plan: PlannedReplay, round: number): Promise<void> {
      const again = round === 1 ? "" : `, resumed ${round - 1}`;
      const drivers = Array.from({ length: plan.drivers }, (_, index) => (index === 0 ? "" : ` (${index + 1})`));
      await Promise.all(drivers.map((driver) => loop(plan, `replayer of ${plan.name}${driver}${again}`)));
    },
  };
}
