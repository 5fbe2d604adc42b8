import { deadLettersHandler } from "../../functions/dead-letters.ts";
import { outcomesHandler } from "../../functions/outcomes.ts";
import type { QueuePorts } from "../../functions/queue-batch.ts";
import { replayerHandler } from "../../functions/replayer.ts";
import { routerHandler } from "../../functions/router.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import type { RouterPorts } from "../../shared/flows/deliver/router-ports.ts";
import type { OutcomePorts } from "../../shared/flows/deliver/take-outcomes.ts";
import type { KeptWrites } from "../../shared/flows/kept-writes.ts";
import { heldByLaptops } from "../../shared/flows/listen/held-by-laptops.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import { releaseKeepers } from "../../shared/flows/watch/release-keepers.ts";
import { startReplayDriver } from "./drive-replays.ts";
import { drainQueue, startQueuePoller } from "./queue-poller.ts";
import { type ScheduledOptions, startSchedules } from "./server-schedules.ts";

/**
 * How long after its start a replay looks again for events that were claimed before: here claim and record are written
 * together, so that it is only a matter of a slow disk.
 */
const SETTLE_MS = 2_000;

export type ServerWorkOptions = Omit<ScheduledOptions, "now"> & {
  /** What deliveries are made with. */
  ports: RouterPorts &
    OutcomePorts &
    Omit<QueuePorts, "queue"> &
    Omit<ReplayerPorts, "replays" | "catalog" | "settleMs">;
  kept: KeptWrites;
};

/**
 * Takes up what the last process left, and then does what on AWS functions do that a queue or a schedule calls.
 * Whoever calls it has the state alone.
 */
export async function startServerWork(state: EmbeddedState, options: ServerWorkOptions) {
  const { ports, kept, ...scheduled } = options;
  const { notify, onError } = scheduled;
  const { now } = ports;
  const { queue: live, deadLetters: dead, outcomes } = state;
  const about = { now, kept, onError };
  const takeOutcomes = outcomesHandler({ ...ports, queue: outcomes });
  const ofOutcomes = { name: "turnout-outcomes", queue: outcomes, handler: takeOutcomes, ...about };
  // What versions had said when the last process ended counts; only what is still open after it was interrupted.
  await drainQueue(ofOutcomes);
  await state.events.endLeases(now(), await heldByLaptops(state.laptops));
  await state.replays.releaseDrivers();
  await releaseKeepers(state.watches);
  const handler = routerHandler({ ...ports, queue: live });
  const poller = startQueuePoller({ name: "turnout-router", queue: live, handler, ...about });
  const bury = deadLettersHandler({ ...ports, queue: dead });
  const deadPoller = startQueuePoller({
    name: "turnout-dead-letters",
    queue: dead,
    handler: bury,
    ...about,
    pollMs: 1_000,
  });
  const outcomePoller = startQueuePoller(ofOutcomes);
  const replayer = startReplayDriver({
    replays: state.replays,
    handler: replayerHandler({ ...ports, notify, replays: state.replays, catalog: state.catalog, settleMs: SETTLE_MS }),
    onError,
  });
  const parts = [replayer, ...startSchedules(state, { ...scheduled, now }), poller, deadPoller, outcomePoller];
  const { wake, run, inFlight } = poller;
  return { wake, run, inFlight, stop: () => Promise.all(parts.map((part) => part.stop())) };
}
