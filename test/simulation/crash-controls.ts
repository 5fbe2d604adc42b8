import type { Control } from "./breakage.ts";
import { MINUTE, type Publication, REST_WITHIN, type Scenario } from "./scenario.ts";

/** What a router that ends in the middle leaves to others. */
export const crashControls: Record<string, Control> = {
  "no-net": {
    breaks: "a claim forgets that the messages of its delivery may have been acknowledged",
    shows: ["stuck", "lost"],
    weather: manyFailingParcels,
    breakage: {
      events: (events, { store }) => ({
        ...events,
        async claim(requests, owner, now) {
          const claims = await events.claim(requests, owner, now);
          for (const { deliveryKey } of requests) {
            const known = store.entryOf(deliveryKey);
            if (known?.status !== "claimed" || known.dueAt === undefined) continue;
            const { dueAt: _, ...entry } = known;
            store.put(entry);
          }
          return claims;
        },
      }),
    },
  },
};

/**
 * Events whose asynchronous attempts all fail, and soon: a router that has held a copy of a message since before it was
 * acknowledged finds the delivery due, claims it, and may end with that.
 */
function manyFailingParcels(scenario: Scenario): Scenario {
  const publications = Array.from({ length: 120 }, (_, index): Publication => {
    const about = { kind: "parcel packed", payload: 0, project: 1, poison: true } as const;
    return { ...about, id: `event-${index}`, key: `${index}`, at: (index * 1_600) % MINUTE };
  });
  return {
    ...scenario,
    mode: "liveness",
    publications,
    operations: [],
    outages: [],
    damages: [],
    replays: [],
    asks: [],
    emphasis: ["slow answer", "process crashed", "message handed out twice"],
    intensity: 1,
    routers: 10,
    batchSize: 4,
    skewMs: 0,
    maxReceiveCount: 1_000,
    calmAt: 2 * MINUTE,
    endAt: 2 * MINUTE + REST_WITHIN,
  };
}
