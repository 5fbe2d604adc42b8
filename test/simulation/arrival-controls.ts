import { acceptEvents } from "../../scripts/embedded/accept-events.ts";
import type { Control } from "./breakage.ts";
import type { Scenario } from "./scenario.ts";

/** Every event is routed as it arrives, as far as there is room for it. */
export const allArrive = (scenario: Scenario): Scenario => ({ ...scenario, arrivals: 1 });

const amongCrashes = (scenario: Scenario): Scenario => ({
  ...allArrive(scenario),
  emphasis: ["process crashed"],
  intensity: 1,
});

/** What could be made of an event that no message stands for. */
export const arrivalControls: Record<string, Control> = {
  "arrival-no-net": {
    breaks: "what is claimed as it arrives is due to nobody when its server ends",
    shows: ["stuck", "lost"],
    weather: amongCrashes,
    breakage: {
      events: (events) => ({
        ...events,
        recordAndClaim: (arrived, owner, now) =>
          events.recordAndClaim(
            arrived.map(({ record, requests }) => ({
              record,
              requests: requests.map(({ unqueued: _, ...request }) => request),
            })),
            owner,
            now,
          ),
      }),
    },
  },
  "arrival-no-record": {
    breaks: "what is claimed as it arrives isn't recorded with that",
    shows: ["lost"],
    weather: allArrive,
    breakage: {
      events: (events, { store }) => ({
        ...events,
        async recordAndClaim(arrived, owner, now) {
          const claims = await events.recordAndClaim(arrived, owner, now);
          for (const { record } of arrived) store.forgetRecord(record);
          return claims;
        },
      }),
    },
  },
  "answered-first": {
    breaks: "a publisher has its answer before its event is stored",
    shows: ["lost"],
    weather: amongCrashes,
    breakage: {
      accept: async (intake, accepted, now) => void acceptEvents(intake, accepted, now).catch(() => {}),
    },
  },
  "keep-forgotten": {
    breaks: "what can't be routed as it arrives isn't put into the queue",
    shows: ["lost", "wrong outcome shown"],
    weather: (scenario) => ({
      ...allArrive(scenario),
      replays: [],
      asks: [],
      damages: [{ from: 0, to: Math.max(...scenario.publications.map(({ at }) => at)) + 2_000, kind: "source" }],
    }),
    breakage: { keep: () => {} },
  },
};
