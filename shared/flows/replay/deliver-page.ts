import { type Claim, type EventRecord, isAtRest, type LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { outcomeTally } from "../../domain/deliveries/outcome-count.ts";
import { lookedAfterBy } from "../../domain/deliveries/settle-attempt.ts";
import { type DeliveryState, stateOf } from "../../domain/replays/replay-counts.ts";
import { claim } from "../deliver/claim-deliveries.ts";
import { type Attempting, deliverClaimed } from "../deliver/deliver-claimed.ts";
import type { Delivery, RouterPorts } from "../deliver/router-ports.ts";
import { sendOne } from "../deliver/send-one.ts";
import type { Settled } from "../deliver/settle-delivery.ts";
import type { Pace } from "./pace.ts";

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
  /** What is in the ledger of a delivery that was handed over; without it its outcome isn't waited for. */
  look?: (deliveries: readonly Delivery[]) => Promise<(LedgerEntry | undefined)[]>;
  /** Whether what comes later in a line waits for what comes before; default true. */
  keepsOrder?: boolean;
  attempt?: Attempting;
};

/** Claims in one request; DynamoDB takes 25. */
const MAX_BATCH = 25;

/** However slow the rate, whether it may go on is asked this often. */
const MAX_PAUSE_MS = 1_000;

/** How long a delivery waits in its lane for room, or until it is tried again; longer, and a later pass makes it. */
const MAX_WAIT_MS = 30_000;

/**
 * How long a page in all waits for deliveries to be tried again or to be answered while it has nothing else to do: those
 * of other projects on the next page wait with it.
 */
const PATIENCE_MS = 2_000;

/** How long after a delivery was handed over it is asked for its outcome first. */
const FIRST_LOOK_MS = 250;

/**
 * Makes the deliveries of one page, in their order, with one of each project on its way at a time, also through attempts
 * that fail: what comes later in a line waits until it is done or dead. Answers what became of each, undefined for one
 * that wasn't to be made after all; no answer for one that its line has held up.
 * @throws Stopped when `goOn` does; what the store throws. Whatever had begun has come to its end by then
 */
export async function deliverPage(
  ports: RouterPorts,
  deliveries: readonly Delivery[],
  { concurrency, pace, goOn, decide, look, keepsOrder = true, attempt = sendOne }: PageOptions,
): Promise<Map<Delivery, Made | undefined>> {
  const made = new Map<Delivery, Made | undefined>();
  /** What was claimed, and isn't at rest. */
  const begun = new Map<Delivery, Made>();
  let ready = keepsOrder ? lanesOf(deliveries) : deliveries.map((delivery) => [delivery]);
  let inFlight = 0;
  /** Lanes that wait: for room until there is, for what may be left to a later pass until then. */
  const waiting = new Map<Lane, { patientUntil: Date | undefined }>();
  let patienceMs = PATIENCE_MS;
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
  /** What isn't at rest holds up its lane until a later pass. */
  const hold = (lane: Lane, delivery: Delivery, result: Made) => {
    made.set(delivery, result);
    lane.length = 0;
    free(lane);
  };
  /** The lane waits, so that what comes later doesn't overtake. @param patientUntil undefined: the page waits with it */
  const wait = async (lane: Lane, waitMs: number, patientUntil?: Date) => {
    waiting.set(lane, { patientUntil });
    wake();
    await ports.delay(waitMs);
    return waiting.delete(lane);
  };
  const goBack = async (lane: Lane, waitMs: number, patientUntil?: Date) => {
    inFlight -= 1;
    if (!(await wait(lane, waitMs, patientUntil))) return;
    ready.push(lane);
    wake();
  };
  /** Handed over: asked for its outcome, less and less often, until it is at rest. */
  const askFor = async ({ lane, head }: Place, result: Made) => {
    inFlight -= 1;
    for (let waitMs = FIRST_LOOK_MS; ; waitMs *= 2) {
      if (!(await wait(lane, waitMs, new Date(ports.now().getTime() + waitMs)))) return;
      inFlight += 1;
      const [entry] = (await look?.([head]).catch(stop)) ?? [];
      if (entry !== undefined && isAtRest(entry.status)) return finish(lane, head, restOf(entry, result));
      if (trouble !== undefined || entry?.status !== "accepted") return hold(lane, head, result);
      inFlight -= 1;
    }
  };

  async function makeBatch(batch: readonly Lane[]): Promise<void> {
    const heads = batch.map(headOf);
    const laneOf = new Map<Delivery, Place>();
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
          if (begun.has(head)) hold(lane, head, { state: "open", delivery: head, version: "" });
          else finish(lane, head, undefined);
        }
      });
      const round = [...laneOf.keys()];
      const owner = ports.newId();
      const claims = await claim(ports, round, owner);
      const onSettled = (delivery: Delivery, settled: Settled, answer: Claim) => {
        const place = laneOf.get(delivery);
        if (place === undefined) return;
        open.delete(place.lane);
        const { lane, head } = place;
        const result = madeOf(delivery, settled, answer);
        if (result.state !== "open") return finish(lane, head, result);
        begun.set(head, result);
        const { comesBackAt, outcome } = settled;
        const waitMs = Math.max(0, (comesBackAt?.getTime() ?? Infinity) - ports.now().getTime());
        if (outcome === "postponed" && waitMs <= MAX_WAIT_MS) void goBack(lane, waitMs);
        else if (outcome === "failed" && waitMs <= MAX_WAIT_MS) void goBack(lane, waitMs, comesBackAt);
        else if (outcome === "accepted" && look !== undefined) void askFor(place, result);
        else hold(lane, head, result);
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
    // What waits can be left to the next time; what is on its way can't.
    if (inFlight === 0 && (waiting.size === 0 || trouble !== undefined)) break;
    const idleSince = ports.now().getTime();
    if (inFlight === 0 && !isPatient(waiting, new Date(idleSince + patienceMs))) break;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const isIdle = inFlight === 0;
    await woken;
    if (isIdle) patienceMs -= ports.now().getTime() - idleSince;
  }
  if (trouble !== undefined) throw trouble.reason;
  for (const lane of waiting.keys()) {
    const head = headOf(lane);
    made.set(head, begun.get(head));
  }
  waiting.clear();
  return made;
}

/** Whether a page with nothing else to do waits on: for room, or for what comes soon. */
function isPatient(waiting: ReadonlyMap<Lane, { patientUntil: Date | undefined }>, until: Date): boolean {
  return [...waiting.values()].some(({ patientUntil }) => patientUntil === undefined || patientUntil <= until);
}

/** Deliveries that come one after the other. */
type Lane = Delivery[];
type Place = { lane: Lane; head: Delivery };

function headOf([head]: Lane): Delivery {
  if (head === undefined) throw new Error("an empty lane has nothing to deliver");
  return head;
}

/**
 * Whose turn comes one after the other: what goes to a component of one project; where no project is known, of one
 * customer. Undefined where neither is: each delivery goes for itself.
 */
export function lineOf(component: string, { subject: { project, customer } }: EventRecord): string | undefined {
  if (project === undefined && customer === undefined) return undefined;
  return JSON.stringify([component, project ?? null, project === undefined ? customer : ""]);
}

function lanesOf(deliveries: readonly Delivery[]): Lane[] {
  // An event that came twice may name another project the second time, and two claims of one key can't be in one request.
  const laneOfKey = new Map<string, string>();
  const lanes = Map.groupBy(deliveries, ({ request: { component, eventKey, deliveryKey }, routed }) => {
    const lane =
      laneOfKey.get(deliveryKey) ?? lineOf(component, routed.record) ?? JSON.stringify([component, eventKey]);
    laneOfKey.set(deliveryKey, lane);
    return lane;
  });
  return [...lanes.values()];
}

function restOf(entry: LedgerEntry, { delivery, version }: Made): Made {
  return { state: stateOf(entry), delivery, version: entry.executedVersion ?? version };
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
