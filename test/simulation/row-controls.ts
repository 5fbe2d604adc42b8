import { messageOf, returned } from "../../functions/queue-batch.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import type { Control } from "./breakage.ts";
import { allOfKind, type Scenario } from "./scenario.ts";

/** Without replays: what they leave out for a damaged row isn't judged here. */
const calmly = (scenario: Scenario): Scenario => ({ ...scenario, replays: [], asks: [] });

const damagedAllAlong = ({ publications }: Scenario) => ({
  from: 0,
  to: Math.max(...publications.map(({ at }) => at)) + 2_000,
});

/** What could be made of a row that can't be read. */
export const rowControls: Record<string, Control> = {
  "unreadable-component-gone": {
    breaks: "a component whose row can't be read is taken for one that isn't there",
    shows: ["lost"],
    weather: (scenario) => ({
      ...calmly(scenario),
      damages: [{ ...damagedAllAlong(scenario), kind: "component", component: "invoice", hasPattern: false }],
    }),
    breakage: {
      routing: (cache) => ({ ...cache, decideOn: (decide) => cache.decideOn((view) => decide({ ...view, held: [] })) }),
    },
  },
  "unreadable-subject-gone": {
    breaks: "a project whose row can't be read is taken for one without pins",
    shows: ["misrouted"],
    weather: (scenario) => ({
      ...calmly(scenario),
      damages: [1, 2, 3, 4].map((project) => ({ ...damagedAllAlong(scenario), kind: "project", project })),
    }),
    breakage: {
      routing: (cache) => ({
        ...cache,
        decideOn: (decide) => cache.decideOn((view) => decide({ ...view, problemOf: () => undefined })),
      }),
    },
  },
  "given-up-for-anybody": {
    breaks: "what was given up is dead for a component, too, of which it isn't known whether it listens",
    shows: ["wrong outcome shown"],
    weather: (scenario) => ({
      ...calmly(scenario),
      publications: allOfKind(scenario, "order paid").map((one) => ({ ...one, payload: 0 })),
      damages: [{ ...damagedAllAlong(scenario), kind: "component", component: "mailer", hasPattern: false }],
      maxReceiveCount: 1,
      deadLettersFrom: 0,
    }),
    breakage: {
      deadLetters: (ports) => (event, context) => {
        const messages = event.Records.map((record) => messageOf(record));
        const error = { type: "QueueGaveUp", message: "given up" };
        const attempt = async () => ({ outcome: "exhausted" as const, error });
        return returned(ports, messages, context, (own) => routeBatch(own, messages, { attempt, received: true }));
      },
    },
  },
};
