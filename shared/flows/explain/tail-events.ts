import type { EventOutcome } from "../../domain/deliveries/event-outcome.ts";
import type { ListedFilter } from "../../domain/notices/listed-outcomes.ts";
import { type ListPorts, listEvents } from "./list-events.ts";

export type TailPorts = ListPorts & {
  now: () => Date;
  /** Resolves after that many milliseconds. */
  delay: (ms: number) => Promise<unknown>;
};

/** How often it looks. */
const LOOK_EVERY_MS = 500;

/**
 * How far back it looks each time: what arrived longer ago is no longer waited for. A delivery that is tried again for hours
 * is found by `events`.
 */
const LOOK_BACK_MS = 120_000;

/**
 * What becomes of events from now on, as it does: each outcome once, and once more whenever its status has changed. Goes
 * on until its reader has enough.
 * @throws TurnoutError `usage` when the filter has a pattern that is none
 */
export async function* tailEvents(ports: TailPorts, filter: ListedFilter): AsyncGenerator<EventOutcome[]> {
  const start = ports.now();
  let told = new Map<string, string>();
  for (;;) {
    const now = ports.now();
    const from = new Date(Math.max(start.getTime(), now.getTime() - LOOK_BACK_MS));
    const looked = new Map<string, string>();
    for await (const outcomes of listEvents(ports, { from, to: new Date(now.getTime() + 1) }, filter, now)) {
      const news = outcomes.filter((outcome) => {
        const key = keyOf(outcome);
        looked.set(key, outcome.status);
        return told.get(key) !== outcome.status && outcome.status !== "waiting" && outcome.status !== "claimed";
      });
      if (news.length > 0) yield news;
    }
    // Only what may be met again: a tail that runs for a month must not remember all of it.
    told = looked;
    await ports.delay(LOOK_EVERY_MS);
  }
}

function keyOf({ record, component, entry }: EventOutcome): string {
  return JSON.stringify([
    record.t0.getTime(),
    record.eventKey,
    record.payloadHash,
    component ?? "",
    entry?.generation ?? "",
  ]);
}
