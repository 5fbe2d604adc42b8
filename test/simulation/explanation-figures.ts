import { type Ranking, rankExplanations } from "../../shared/domain/health/rank-explanations.ts";
import { traitText } from "../../shared/domain/health/trait.ts";
import { type Case, traitIndex } from "../../shared/domain/health/trait-index.ts";
import { seededRandom } from "../support/seeded-random.ts";

type Made = Omit<Case, "failed">;

type World = {
  /** Chance that a delivery fails. `at`: how much of the time has passed, from 0 to 1. */
  fails: (made: Made & { detail: Detail }, at: number) => number;
  /** How much likelier than another the first five customers are to be the next, at that time. */
  crowd?: (at: number) => number;
  /** What should be found, each as a person reads it. */
  finds: string[];
};

type Detail = {
  ref: string;
  head: string;
  repository: { private: boolean; language: string; size: number };
  sender: { id: number };
  labels: string[];
  fork?: boolean;
};

const isPrivateOf = (customer: string) => (made: Made & { detail: Detail }) =>
  made.subject.customer === customer && made.version === "23" && made.detail.repository.private;

/** Worlds in which failures have nothing in common. */
export const worldsWithoutDefect: Record<string, World> = {
  "one in fifty fails": { fails: () => 0.02, finds: [] },
  "few fail": { fails: () => 0.001, finds: [] },
  "most fail": { fails: () => 0.7, finds: [] },
  "more fail as some customers send more": {
    fails: (_, at) => 0.01 + 0.1 * at,
    crowd: (at) => 1 + 9 * at,
    finds: [],
  },
  "an outage of everybody": { fails: (_, at) => (at > 0.4 && at < 0.5 ? 0.6 : 0.01), finds: [] },
};

/** Worlds in which something is broken. */
export const worldsWithDefect: Record<string, World> = {
  "private repositories of one customer": {
    fails: (made) => (isPrivateOf("customer-7")(made) ? 1 : 0),
    finds: ["customer customer-7 and detail.repository.private = true"],
  },
  "the same among failures of everybody": {
    fails: (made) => (isPrivateOf("customer-7")(made) ? 1 : 0.005),
    finds: ["customer customer-7 and detail.repository.private = true"],
  },
  "every third of a version": { fails: ({ version }) => (version === "23" ? 0.3 : 0.005), finds: ["version 23"] },
  "what has no field": {
    fails: ({ detail }) => (detail.fork === undefined ? 0.5 : 0.005),
    finds: ["detail.fork is missing"],
  },
  "a type, and one branch": {
    fails: ({ type, detail }) => (type === "push" || detail.ref === "refs/heads/b-3" ? 0.4 : 0.001),
    finds: ['detail.ref = "refs/heads/b-3"', "type push"],
  },
};

/** What was found in one world, in so many runs. */
export type ExplanationFigures = {
  /** Runs in which anything was found, and in which that came first which should. */
  some: number;
  first: number;
  /** All that was found, and what of it should not. */
  found: number;
  wrong: number;
};

const PASSED = 2_000;
const MAX_FAILURES = 2_000;
const MINUTE_MS = 60_000;

export function explanationFigures(world: World, runs: number, events: number): ExplanationFigures {
  const figures: ExplanationFigures = { some: 0, first: 0, found: 0, wrong: 0 };
  for (let run = 1; run <= runs; run++) {
    const found = explained(world, events, seededRandom(run)).explanations.map(({ traits }) =>
      traits.map(traitText).join(" and "),
    );
    if (found.length > 0) figures.some += 1;
    if (found[0] !== undefined && world.finds.includes(found[0])) figures.first += 1;
    figures.found += found.length;
    figures.wrong += found.filter((one) => !world.finds.includes(one)).length;
  }
  return figures;
}

/** A minute of events: all that fail, and a sample of those that go well. */
function explained(world: World, events: number, random: () => number): Ranking {
  const [failures, passed]: [Case[], Case[]] = [[], []];
  for (let n = 0; n < events; n++) {
    const at = n / events;
    const made = aDelivery(n, at, world.crowd?.(at) ?? 1, random);
    const failed = random() < world.fails(made, at);
    (failed ? failures : passed).push({ ...made, failed });
  }
  const index = traitIndex();
  for (const one of failures.slice(-MAX_FAILURES)) index.add(one);
  const share = PASSED / passed.length;
  for (const one of passed) if (random() < share) index.add(one);
  return rankExplanations(index);
}

function aDelivery(n: number, at: number, crowd: number, random: () => number): Made & { detail: Detail } {
  const below = (count: number) => Math.floor(random() * count);
  const oneOf = (values: readonly string[]) => values[below(values.length)] ?? "";
  const heads = 5 * crowd;
  const drawn = random() * (heads + 35);
  const customer = Math.floor(drawn < heads ? drawn / crowd : 5 + (drawn - heads));
  const detail: Detail = {
    ref: `refs/heads/b-${below(20)}`,
    head: `${n}-${random()}`,
    repository: { private: random() < 0.4, language: oneOf(["go", "rust", "c", "ts"]), size: below(1_000) },
    sender: { id: below(300) },
    labels: Array.from({ length: below(4) }, () => oneOf(["bug", "docs", "help", "ci", "wip"])),
    ...(random() < 0.8 && { fork: random() < 0.5 }),
  };
  const type = oneOf(["push", "release", "check_run", "issues"]);
  const isPinned = customer % 4 === 3;
  return {
    at: new Date(1_795_000_000_000 + Math.floor(at * MINUTE_MS)),
    type,
    version: isPinned ? "23" : "22",
    alias: isPinned ? "beta" : "stable",
    because: isPinned ? "customer pin" : "default alias",
    subject: {
      customer: `customer-${customer}`,
      project: `project-${customer}-${below(3)}`,
      plan: customer < 20 ? "free" : "paid",
    },
    event: { id: `e-${n}`, source: "github.com", "detail-type": type, detail },
    detail,
  };
}
