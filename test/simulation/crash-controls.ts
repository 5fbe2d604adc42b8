import type { Control } from "./breakage.ts";
import { HOUR, MINUTE, type Publication, REST_WITHIN, type Scenario } from "./scenario.ts";

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
  "lapsed-together": {
    breaks: "what has lapsed is sent beside everything else, and not one at a time",
    shows: ["wrong outcome shown"],
    weather: besideDeadlyEvents,
    embedded: true,
    breakage: { target: (target) => (send) => target({ ...send, lapses: 0 }) },
  },
  "no-end-to-lapses": {
    breaks: "a delivery whose attempts end whoever makes them is tried for ever",
    shows: ["stuck"],
    weather: besideDeadlyEvents,
    embedded: true,
    breakage: {
      events: (events) => ({
        ...events,
        async claim(requests, owner, now) {
          const claims = await events.claim(requests, owner, now);
          return claims.map((claim) => (claim.won ? { ...claim, lapses: Math.min(claim.lapses, 1) } : claim));
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

/** One or two events among others that end the only server with every send, until they are given up. */
export function besideDeadlyEvents(scenario: Scenario): Scenario {
  const { seed } = scenario;
  const innocents = 4 + (seed % 12);
  const publications = Array.from({ length: innocents + 1 + (seed % 2) }, (_, index): Publication => {
    const about = { kind: "order paid", payload: 0, project: 1, poison: false } as const;
    const deadly = index >= innocents ? ({ deadly: true } as const) : {};
    return { ...about, ...deadly, id: `event-${index}`, key: `${index}`, at: (index * 37) % 500 };
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
    intensity: 0,
    routers: 1,
    batchSize: 10,
    skewMs: 0,
    maxReceiveCount: 1_000,
    calmAt: MINUTE,
    endAt: 3 * HOUR,
  };
}
