import { guardHandler } from "../../functions/guard.ts";
import { moveSweeperHandler, sweeperHandler } from "../../functions/sweeper.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import type { EmbeddedSettings } from "../../shared/settings.ts";
import { expireLogs } from "../../shared/targets/worker/log-retention.ts";
import { startSchedule } from "./schedule.ts";

/** How often deliveries are looked for whose time has come; a sweep takes no more after the timeout less 10 s. */
const SWEEP_EVERY_MS = 500;
const SWEEP_TIMEOUT_MS = 15_000;

/** How often moves of aliases are looked for that a crash has left unfinished. */
const FINISH_MOVES_EVERY_MS = 10_000;

/** How often what versions have printed is looked through for what is too old. */
const EXPIRE_LOGS_EVERY_MS = 3_600_000;

/** How often guards look, and releases go on: what they look at is stored every 5 s. */
const GUARD_EVERY_MS = 2_500;

/** On a busy machine it takes a while to count the ledger again. */
const GUARD_TIMEOUT_MS = 120_000;

export type ScheduledOptions = {
  /** How long what versions have printed is kept; without it, for good. */
  logs?: EmbeddedSettings["logs"] | undefined;
  now: () => Date;
  /** From 0 (inclusive) to 1 (exclusive). */
  random: () => number;
  newId: () => string;
  /** Publishes a notice on the bus. */
  notify: (event: string) => Promise<void>;
  onError: (error: unknown) => void;
};

/** Starts what a server does again and again. */
export function startSchedules(state: EmbeddedState, options: ScheduledOptions): { stop(): Promise<void> }[] {
  const { logs, onError, ...ports } = options;
  const { now, newId } = ports;
  const { routingTable: table, catalog } = state;
  const sweep = sweeperHandler({ ...state, now, onError });
  // The driver of replays looks for itself, several times a second.
  const callReplayer = async () => undefined;
  return [
    startSchedule({
      name: "turnout-sweeper",
      handler: async (event, context) => {
        await state.clock.observe(now(), performance.now());
        return sweep(event, context);
      },
      everyMs: SWEEP_EVERY_MS,
      timeoutMs: SWEEP_TIMEOUT_MS,
      onError,
    }),
    startSchedule({
      name: "turnout-move-sweeper",
      handler: moveSweeperHandler({ table, catalog, newId, now }),
      everyMs: FINISH_MOVES_EVERY_MS,
      timeoutMs: SWEEP_TIMEOUT_MS,
      onError,
    }),
    startSchedule({
      name: "turnout-guard",
      handler: guardHandler({ ...state, ...ports, callReplayer }),
      everyMs: GUARD_EVERY_MS,
      timeoutMs: GUARD_TIMEOUT_MS,
      onError,
    }),
    startSchedule({
      name: "turnout-log-sweeper",
      handler: async () => logs && expireLogs(state.logs, logs.keptMs, now()),
      everyMs: EXPIRE_LOGS_EVERY_MS,
      timeoutMs: SWEEP_TIMEOUT_MS,
      onError,
    }),
  ];
}
