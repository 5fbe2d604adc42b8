import type { Delivery, RouterPorts } from "../deliver/router-ports.ts";
import { sendOne } from "../deliver/send-one.ts";
import { type BatchOptions, batchDeliverer, type Made, type Trouble } from "./deliver-batch.ts";
import type { Pace } from "./pace.ts";
import { headOf, lanesOf, pageLanes } from "./page-lanes.ts";

export type PageOptions = Omit<BatchOptions, "attempt"> & {
  /** Deliveries on their way at once. */
  concurrency: number;
  pace: Pace;
  /** Asked before every batch of claims. @throws Stopped */
  goOn: () => Promise<void>;
  /** Whether what comes later in a line waits for what comes before; default true. */
  keepsOrder?: boolean;
  attempt?: BatchOptions["attempt"];
};

/** Claims in one request; DynamoDB takes 25. */
const MAX_BATCH = 25;

/** However slow the rate, whether it may go on is asked this often. */
const MAX_PAUSE_MS = 1_000;

/**
 * How long a page in all waits for deliveries to be tried again or to be answered while it has nothing else to do: those
 * of other projects on the next page wait with it.
 */
const PATIENCE_MS = 2_000;

/**
 * Makes the deliveries of one page, in their order, with one of each project on its way at a time, also through attempts
 * that fail: what comes later in a line waits until it is done or dead. Answers what became of each, undefined for one
 * that wasn't to be made after all; no answer for one that its line has held up.
 * @throws Stopped when `goOn` does; what the store throws. Whatever had begun has come to its end by then
 */
export async function deliverPage(
  ports: RouterPorts,
  deliveries: readonly Delivery[],
  { concurrency, pace, goOn, keepsOrder = true, attempt = sendOne, ...options }: PageOptions,
): Promise<Map<Delivery, Made | undefined>> {
  const lanes = pageLanes(ports.delay, keepsOrder ? lanesOf(deliveries) : deliveries.map((delivery) => [delivery]));
  const trouble: Trouble = {
    first: undefined,
    stop(reason) {
      trouble.first ??= { reason };
    },
  };
  const batches = batchDeliverer(ports, lanes, trouble, { attempt, ...options });

  /** As many as there is room for, when the pace allows. */
  async function begin(room: number): Promise<void> {
    const allowed = pace.take(room, ports.now());
    const waitMs = allowed === 0 ? pace.waitMs(ports.now()) : 0;
    if (waitMs > 0) await ports.delay(Math.min(MAX_PAUSE_MS, waitMs));
    // At a slow rate also while it waits: a pause isn't to take as long.
    if (allowed > 0 || waitMs >= MAX_PAUSE_MS) await goOn().catch(trouble.stop);
    if (allowed > 0 && trouble.first === undefined) void batches.deliver(lanes.setOut(allowed));
  }

  let patienceMs = PATIENCE_MS;
  for (;;) {
    if (trouble.first !== undefined) lanes.stop();
    const room = Math.min(MAX_BATCH, concurrency - lanes.inFlight(), lanes.ready());
    if (room > 0) {
      await begin(room);
      continue;
    }
    const isIdle = lanes.inFlight() === 0;
    // What waits can be left to the next time; what is on its way can't.
    if (isIdle && (!lanes.isWaiting() || trouble.first !== undefined)) break;
    const idleSince = ports.now().getTime();
    if (isIdle && !lanes.isPatient(new Date(idleSince + patienceMs))) break;
    await lanes.moved();
    if (isIdle) patienceMs -= ports.now().getTime() - idleSince;
  }
  if (trouble.first !== undefined) throw trouble.first.reason;
  for (const head of lanes.leaveWaiting().map(headOf)) batches.made.set(head, batches.begun.get(head));
  return batches.made;
}
