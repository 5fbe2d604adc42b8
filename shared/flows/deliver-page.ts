import type { Claim } from "../domain/delivery.ts";
import { outcomeTally } from "../domain/outcome-count.ts";
import type { DeliveryState } from "../domain/replay-counts.ts";
import { lookedAfterBy } from "../domain/settle-attempt.ts";
import { claim } from "./claim-deliveries.ts";
import { type Attempting, deliverClaimed } from "./deliver-claimed.ts";
import type { Pace } from "./pace.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";
import { sendOne } from "./send-one.ts";
import type { Settled } from "./settle-delivery.ts";

/** What became of one delivery of a page. `againAt`: when it may be tried again, or its outcome be known. */
export type Made = { state: DeliveryState; delivery: Delivery; version: string; againAt?: Date };

/** Thrown where nothing more may be begun: the replay was paused or cancelled, another drives it, or time is up. */
export class Stopped extends Error {}

export type PageOptions = {
  /** Deliveries on their way at once. */
  concurrency: number;
  pace: Pace;
  /** Asked before every batch of claims. @throws Stopped */
  goOn: () => Promise<void>;
  /** The deliveries of a batch as the routing has them now; undefined for one that isn't to be made after all. */
  decide: (deliveries: readonly Delivery[]) => Promise<(Delivery | undefined)[]>;
  attempt?: Attempting;
};

/** Claims in one request; DynamoDB takes 25. */
const MAX_BATCH = 25;

/** However slow the rate, whether it may go on is asked this often. */
const MAX_PAUSE_MS = 1_000;

/** How long a delivery that found no room waits in its lane; longer, and a later pass makes it. */
const MAX_WAIT_MS = 30_000;

/**
 * Makes the deliveries of one page, in their order, with one of each project on its way at a time. Answers what became of
 * each, undefined for one that wasn't to be made after all.
 * @throws Stopped when `goOn` does; what the store throws. Whatever had begun has come to its end by then
 */
export async function deliverPage(
  ports: RouterPorts,
  deliveries: readonly Delivery[],
  { concurrency, pace, goOn, decide, attempt = sendOne }: PageOptions,
): Promise<Map<Delivery, Made | undefined>> {
  const made = new Map<Delivery, Made | undefined>();
  const postponed = new Set<Delivery>();
  let ready = lanesOf(deliveries);
  let inFlight = 0;
  let waiting = 0;
  let trouble: { reason: unknown } | undefined;
  let wake = () => {};
  const stop = (reason: unknown) => {
    trouble ??= { reason };
  };

  const finish = (lane: Lane, delivery: Delivery, result: Made | undefined) => {
    made.set(delivery, result);
    lane.shift();
    free(lane);
  };
  const free = (lane: Lane) => {
    inFlight -= 1;
    if (lane.length > 0) ready.push(lane);
    wake();
  };
  /** Nothing was run for want of room: the lane waits for it, so that what comes later doesn't overtake. */
  const wait = async (lane: Lane, waitMs: number) => {
    inFlight -= 1;
    waiting += 1;
    wake();
    await ports.delay(waitMs);
    waiting -= 1;
    ready.push(lane);
    wake();
  };

  async function makeBatch(batch: readonly Lane[]): Promise<void> {
    const heads = batch.map(headOf);
    const laneOf = new Map<Delivery, { lane: Lane; head: Delivery }>();
    const open = new Set(batch);
    try {
      const decided = await decide(heads);
      decided.forEach((delivery, index) => {
        const [lane, head] = [batch[index], heads[index]];
        if (lane === undefined || head === undefined) return;
        if (delivery !== undefined) laneOf.set(delivery, { lane, head });
        else {
          open.delete(lane);
          // What had been claimed before it waited is in the ledger: a later pass brings it to its end.
          finish(lane, head, postponed.has(head) ? { state: "open", delivery: head, version: "" } : undefined);
        }
      });
      const round = [...laneOf.keys()];
      const owner = ports.newId();
      const claims = await claim(ports, round, owner);
      const onSettled = (delivery: Delivery, settled: Settled, answer: Claim) => {
        const place = laneOf.get(delivery);
        if (place === undefined) return;
        open.delete(place.lane);
        const { comesBackAt, outcome } = settled;
        const waitMs = Math.max(0, (comesBackAt?.getTime() ?? Infinity) - ports.now().getTime());
        if (outcome === "postponed" && waitMs <= MAX_WAIT_MS) {
          postponed.add(place.head);
          void wait(place.lane, waitMs);
        } else finish(place.lane, place.head, madeOf(delivery, settled, answer));
      };
      await deliverClaimed(ports, round, claims, {
        attempt,
        owner,
        tally: outcomeTally(),
        broughtBackBy: ({ request }) => lookedAfterBy(request.generation),
        onSettled,
      });
    } catch (error) {
      stop(error);
      for (const lane of open) {
        lane.length = 0;
        free(lane);
      }
    }
  }

  for (;;) {
    if (trouble !== undefined) ready = [];
    const room = Math.min(MAX_BATCH, concurrency - inFlight, ready.length);
    if (room > 0) {
      const allowed = pace.take(room, ports.now());
      const waitMs = allowed === 0 ? pace.waitMs(ports.now()) : 0;
      if (waitMs > 0) await ports.delay(Math.min(MAX_PAUSE_MS, waitMs));
      // At a slow rate also while it waits: a pause isn't to take as long.
      if (allowed > 0 || waitMs >= MAX_PAUSE_MS) await goOn().catch(stop);
      if (allowed === 0 || trouble !== undefined) continue;
      const batch = ready.splice(0, allowed);
      inFlight += batch.length;
      void makeBatch(batch);
      continue;
    }
    // What waits for room can be left to the next time; what is on its way can't.
    if (inFlight === 0 && (waiting === 0 || trouble !== undefined)) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  if (trouble !== undefined) throw trouble.reason;
  return made;
}

/** Deliveries that come one after the other. */
type Lane = Delivery[];

function headOf([head]: Lane): Delivery {
  if (head === undefined) throw new Error("an empty lane has nothing to deliver");
  return head;
}

/** A lane per project and component; where no project is known, per customer; else each delivery goes for itself. */
function lanesOf(deliveries: readonly Delivery[]): Lane[] {
  // An event that came twice may name another project the second time, and two claims of one key can't be in one request.
  const laneOfKey = new Map<string, string>();
  const lanes = Map.groupBy(deliveries, ({ request: { component, eventKey, deliveryKey }, routed }) => {
    const { project, customer } = routed.record.subject;
    const lane =
      laneOfKey.get(deliveryKey) ??
      JSON.stringify([component, project ?? null, project === undefined ? (customer ?? eventKey) : ""]);
    laneOfKey.set(deliveryKey, lane);
    return lane;
  });
  return [...lanes.values()];
}

function madeOf(delivery: Delivery, settled: Settled, answer: Claim): Made {
  const version = settled.executedVersion ?? "";
  const { outcome, comesBackAt } = settled;
  if (!answer.won) {
    const state = answer.why === "done" ? "done" : isOver(answer.why) ? "dead" : "open";
    return { state, delivery, version, ...(comesBackAt === undefined ? {} : { againAt: comesBackAt }) };
  }
  const state = outcome === "done" || outcome === "dead" ? outcome : "open";
  return { state, delivery, version, ...(comesBackAt === undefined ? {} : { againAt: comesBackAt }) };
}

function isOver(why: (Claim & { won: false })["why"]): boolean {
  return why === "dead" || why === "rejected" || why === "payload differs";
}
