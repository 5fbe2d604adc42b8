import { type Claim, isAtRest, type LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { lookedAfterBy } from "../../domain/deliveries/settle-attempt.ts";
import { type DeliveryState, stateOf } from "../../domain/replays/replay-counts.ts";
import { claim } from "../deliver/claim-deliveries.ts";
import { type Attempting, deliverClaimed } from "../deliver/deliver-claimed.ts";
import type { Delivery, RouterPorts } from "../deliver/router-ports.ts";
import type { Settled } from "../deliver/settle-delivery.ts";
import { headOf, type Lane, type PageLanes } from "./page-lanes.ts";

/** What became of one delivery of a page. */
export type Made = { state: DeliveryState; delivery: Delivery; version: string };

export type BatchOptions = {
  /** The deliveries of a batch as the routing has them now; undefined for one that isn't to be made after all. */
  decide: (deliveries: readonly Delivery[]) => Promise<(Delivery | undefined)[]>;
  /** What is in the ledger of a delivery that was handed over; without it its outcome isn't waited for. */
  look?: (deliveries: readonly Delivery[]) => Promise<(LedgerEntry | undefined)[]>;
  attempt: Attempting;
};

/** How long a delivery waits in its lane for room, or until it is tried again; longer, and a later pass makes it. */
const MAX_WAIT_MS = 30_000;

/** How long after a delivery was handed over it is asked for its outcome first. */
const FIRST_LOOK_MS = 250;

/** Why nothing more is begun, as soon as something went wrong; what is on its way comes to its end. */
export type Trouble = { first: { reason: unknown } | undefined; stop: (reason: unknown) => void };

type Place = { lane: Lane; head: Delivery };

/** Delivers the heads of some lanes of a page at a time, and keeps what became of each delivery. */
export function batchDeliverer(
  ports: RouterPorts,
  lanes: PageLanes,
  trouble: Trouble,
  { decide, look, attempt }: BatchOptions,
) {
  const made = new Map<Delivery, Made | undefined>();
  /** What was claimed, and isn't at rest. */
  const begun = new Map<Delivery, Made>();

  const finish = ({ lane, head }: Place, result: Made | undefined) => {
    made.set(head, result);
    lanes.next(lane);
  };
  const hold = ({ lane, head }: Place, result: Made) => {
    made.set(head, result);
    lanes.hold(lane);
  };

  /** Handed over: asked for its outcome, less and less often, until it is at rest. */
  async function askFor(place: Place, result: Made): Promise<void> {
    const { lane, head } = place;
    for (let waitMs = FIRST_LOOK_MS; ; waitMs *= 2) {
      if (!(await lanes.comesBack(lane, waitMs, new Date(ports.now().getTime() + waitMs)))) return;
      const [entry] = (await look?.([head]).catch(trouble.stop)) ?? [];
      if (entry !== undefined && isAtRest(entry.status)) return finish(place, restOf(entry, result));
      if (trouble.first !== undefined || entry?.status !== "accepted") return hold(place, result);
    }
  }

  function onSettled(place: Place, delivery: Delivery, settled: Settled, answer: Claim): void {
    const result = madeOf(delivery, settled, answer);
    if (result.state === "open") begin(place, settled, result);
    else finish(place, result);
  }

  /** What isn't at rest is tried again, or asked for its outcome, as long as the page has the patience. */
  function begin(place: Place, { outcome, comesBackAt }: Settled, result: Made): void {
    begun.set(place.head, result);
    const waitMs = Math.max(0, (comesBackAt?.getTime() ?? Infinity) - ports.now().getTime());
    if (outcome === "postponed" && waitMs <= MAX_WAIT_MS) void lanes.goBack(place.lane, waitMs);
    else if (outcome === "failed" && waitMs <= MAX_WAIT_MS) void lanes.goBack(place.lane, waitMs, comesBackAt);
    else if (outcome === "accepted" && look !== undefined) void askFor(place, result);
    else hold(place, result);
  }

  /** Where each delivery stands that is to be made; the others are done with. */
  async function decided(places: readonly Place[], isDone: (lane: Lane) => void): Promise<Map<Delivery, Place>> {
    const toMake = new Map<Delivery, Place>();
    const answers = await decide(places.map(({ head }) => head));
    for (const [index, place] of places.entries()) {
      const delivery = answers[index];
      if (delivery !== undefined) {
        toMake.set(delivery, place);
        continue;
      }
      isDone(place.lane);
      // What had been claimed before it waited is in the ledger: a later pass brings it to its end.
      if (begun.has(place.head)) hold(place, { state: "open", delivery: place.head, version: "" });
      else finish(place, undefined);
    }
    return toMake;
  }

  return {
    made,
    begun,
    async deliver(batch: readonly Lane[]): Promise<void> {
      const open = new Set(batch);
      try {
        const places = batch.map((lane): Place => ({ lane, head: headOf(lane) }));
        const placeOf = await decided(places, (lane) => open.delete(lane));
        const round = [...placeOf.keys()];
        const owner = ports.newId();
        await deliverClaimed(ports, round, await claim(ports, round, owner), {
          attempt,
          owner,
          broughtBackBy: ({ request }) => lookedAfterBy(request.generation),
          onSettled(delivery, result, answer) {
            const place = placeOf.get(delivery);
            if (place === undefined) return;
            open.delete(place.lane);
            onSettled(place, delivery, result, answer);
          },
        });
      } catch (error) {
        trouble.stop(error);
        for (const lane of open) lanes.hold(lane);
      }
    },
  };
}

/** What the ledger says of a delivery that was handed over. */
export function restOf(entry: LedgerEntry, { delivery, version }: Made): Made {
  return { state: stateOf(entry), delivery, version: entry.executedVersion ?? version };
}

/** What one attempt has made of a delivery. */
export function madeOf(delivery: Delivery, { outcome, executedVersion = "" }: Settled, answer: Claim): Made {
  return { state: answer.won ? stateAfter(outcome) : stateFound(answer.why), delivery, version: executedVersion };
}

function stateAfter(outcome: Settled["outcome"]): DeliveryState {
  return outcome === "done" || outcome === "dead" ? outcome : "open";
}

/** Of one that couldn't be claimed. */
function stateFound(why: (Claim & { won: false })["why"]): DeliveryState {
  if (why === "done") return "done";
  return why === "dead" || why === "rejected" || why === "payload differs" ? "dead" : "open";
}
