import type { EventRecord } from "../../domain/deliveries/delivery.ts";
import type { Delivery } from "../deliver/router-ports.ts";

/** Deliveries that come one after the other. */
export type Lane = Delivery[];

/**
 * The lanes of a page: some are ready, some have their first delivery on its way, and some wait. What comes later in a
 * lane doesn't overtake.
 */
export function pageLanes(delay: (ms: number) => Promise<unknown>, first: Lane[]) {
  let ready = first;
  let inFlight = 0;
  /** For room until there is, or for what may be left to a later pass until then. */
  const waiting = new Map<Lane, { patientUntil: Date | undefined }>();
  let wake = () => {};

  const free = (lane: Lane) => {
    inFlight -= 1;
    if (lane.length > 0) ready.push(lane);
    wake();
  };
  /** @returns false when nobody waits for it any more */
  const wait = async (lane: Lane, waitMs: number, patientUntil?: Date) => {
    inFlight -= 1;
    waiting.set(lane, { patientUntil });
    wake();
    await delay(waitMs);
    return waiting.delete(lane);
  };

  return {
    ready: () => ready.length,
    inFlight: () => inFlight,
    isWaiting: () => waiting.size > 0,
    /** Whether a page with nothing else to do waits on: for room, or for what comes soon. */
    isPatient: (until: Date) =>
      [...waiting.values()].some(({ patientUntil }) => patientUntil === undefined || patientUntil <= until),
    /** So many that are ready set out. */
    setOut(count: number): Lane[] {
      const batch = ready.splice(0, count);
      inFlight += batch.length;
      return batch;
    },
    /** The first delivery is done with. */
    next(lane: Lane) {
      lane.shift();
      free(lane);
    },
    /** What isn't at rest holds up its lane until a later pass. */
    hold(lane: Lane) {
      lane.length = 0;
      free(lane);
    },
    /** The lane is ready again after a while. @param patientUntil undefined: the page waits with it */
    async goBack(lane: Lane, waitMs: number, patientUntil?: Date) {
      if (!(await wait(lane, waitMs, patientUntil))) return;
      ready.push(lane);
      wake();
    },
    /** The first delivery is on its way again after a while. @returns false when nobody waits for it any more */
    async comesBack(lane: Lane, waitMs: number, patientUntil: Date) {
      const isAwaited = await wait(lane, waitMs, patientUntil);
      if (isAwaited) inFlight += 1;
      return isAwaited;
    },
    /** No lane sets out any more. */
    stop() {
      ready = [];
    },
    /** Resolves when a lane is somewhere else than before. */
    moved: () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      }),
    /** Leaves those that wait to a later pass. */
    leaveWaiting(): Lane[] {
      const left = [...waiting.keys()];
      waiting.clear();
      return left;
    },
  };
}

export type PageLanes = ReturnType<typeof pageLanes>;

export function headOf([head]: Lane): Delivery {
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

export function lanesOf(deliveries: readonly Delivery[]): Lane[] {
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
