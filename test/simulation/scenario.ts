import { aComponent } from "../support/builders.ts";
import { between, type Chance, chanceOf, magnitude, weighted } from "./chance.ts";
import type { FaultKind, PlannedFault } from "./faults.ts";
import { drawReplays, type PlannedAsk, type PlannedReplay } from "./planned-replays.ts";

/**
 * `order placed` goes to two components, `order paid` to one, `parcel packed` to the asynchronous one, `stock counted`
 * to nobody; `unreadable` is no event at all.
 */
export type EventKind = "order placed" | "order paid" | "parcel packed" | "stock counted" | "unreadable";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/**
 * The same key with another payload must never run. Events of all kinds share their keys, and some keys look like what
 * a replay might make of another. `at` in ms from the start.
 */
export type Publication = {
  id: string;
  at: number;
  kind: EventKind;
  key: string;
  payload: number;
  project: number;
  /** Every run of it fails. */
  poison: boolean;
  /** Whoever sends it ends with that. */
  deadly?: true;
};

export type Operation = { at: number } & (
  | { kind: "pin"; project: number; alias: string }
  | { kind: "unpin"; project: number }
  | { kind: "retire alias" | "remove alias" | "restore alias"; alias: string }
  | { kind: "all stable"; on: boolean }
);

/** A row that can't be read for a while; of a component, its pattern may be among what can. Times in ms from the start. */
export type Damage = { from: number; to: number } & (
  | { kind: "component"; component: string; hasPattern: boolean }
  | { kind: "project"; project: number }
  | { kind: "source" }
);

/** A version that is down: everything that it is sent fails. */
export type Outage = { from: number; to: number; alias: string };

export type Scenario = {
  seed: number;
  /** `safety`: faults all the way. `liveness`: they stop at `calmAt`, and all has to come to rest within the bound. */
  mode: "safety" | "liveness";
  publications: Publication[];
  /** Share of the events that arrive at a front door which routes them itself; the others come over a bus. From 0 to 1. */
  arrivals: number;
  operations: Operation[];
  outages: Outage[];
  damages: Damage[];
  replays: PlannedReplay[];
  /** What is asked of the replays once they have been started. */
  asks: PlannedAsk[];
  routers: number;
  batchSize: number;
  /** How far a process's clock may be off, either way, in ms. */
  skewMs: number;
  /** How often a message is received before it goes to the dead-letter queue. */
  maxReceiveCount: number;
  /** When the dead-letter queue's consumer begins, and when an operator moves what lies there back, if ever. */
  deadLettersFrom: number;
  redriveAt?: number;
  /** Multiplies the chance of every fault. */
  intensity: number;
  /** Faults that happen much more often than the others. */
  emphasis: FaultKind[];
  /** These faults and no others. */
  faults?: PlannedFault[];
  /** From then on nothing fails any more, in ms from the start. */
  calmAt: number;
  /** The latest end, in ms from the start. */
  endAt: number;
};

/**
 * When faults have stopped, everything is at rest within this time. What may have to be waited for, one after the other:
 * a batch that was cut off (visibility, 3 minutes), a delivery that the sweeper handed over before (15), the two longest
 * backoffs of the slowest component (2 × 10), three unanswered asynchronous attempts with their sweeps (3 × 3), a held
 * or postponed delivery (6), and the sweeper's own minutes in between.
 */
export const REST_WITHIN = 70 * MINUTE;

const retry = { maxAttempts: 4, baseDelayMs: 500 };

const placed = ["order placed"];
export const components = [
  aComponent({
    name: "invoice",
    pattern: { "detail-type": ["order placed", "order paid"] },
    aliases: ["stable", "beta", "branch"],
    timeoutMs: 3_000,
    retry,
  }),
  aComponent({
    name: "mailer",
    pattern: { "detail-type": placed },
    aliases: ["stable", "beta", "branch"],
    timeoutMs: 1_000,
    retry: { maxAttempts: 3, baseDelayMs: 200_000, maxDelayMs: 600_000 },
  }),
  aComponent({
    name: "shipper",
    pattern: { "detail-type": ["parcel packed"] },
    aliases: ["stable", "beta", "branch"],
    timeoutMs: 5_000,
    retry: { ...retry, maxAttempts: 3 },
    invocation: { kind: "async", maxEventAgeMs: 60_000 },
  }),
];

/** The components that an event of this kind goes to. */
export function listenersOf(kind: string): typeof components {
  return components.filter(({ pattern }) => {
    const types = pattern["detail-type"];
    return Array.isArray(types) && types.includes(kind);
  });
}

/** What comes together in bad hours, and which events it hits. */
type Trouble = { faults: FaultKind[]; kinds: readonly (readonly [weight: number, kind: EventKind])[] };

const usual: Trouble["kinds"] = [
  [5, "order placed"],
  [3, "order paid"],
  [4, "parcel packed"],
  [1, "stock counted"],
  [0.5, "unreadable"],
];
const paid: Trouble["kinds"] = [[1, "order paid"]];
const packed: Trouble["kinds"] = [[1, "parcel packed"]];

const troubles: [weight: number, trouble: Trouble][] = [
  [3, { faults: [], kinds: usual }],
  // Routers that come back from a long pause, while others have taken over.
  [5, { faults: ["version's answer slow", "bus duplicate", "version failed before its effect"], kinds: paid }],
  [2, { faults: ["slow answer", "message handed out twice", "version failed before its effect"], kinds: packed }],
  [1, { faults: ["slow answer", "zombie that fails", "zombie that succeeds", "message delayed"], kinds: usual }],
  [2, { faults: ["process crashed", "message handed out twice"], kinds: usual }],
  [2, { faults: ["process crashed", "outcome late", "outcome never", "outcome twice", "never begun"], kinds: packed }],
  [2, { faults: ["batch half applied", "batch in two parts", "answer lost"], kinds: usual }],
  [1, { faults: ["request repeated by the store's client", "slow request", "throttled"], kinds: usual }],
  [2, { faults: ["version hung", "version failed after its effect", "no room at the version"], kinds: usual }],
  [1, { faults: ["bus duplicate", "delete lost", "publisher's answer lost", "message delayed"], kinds: usual }],
];

/** Odd seeds are safety runs, even ones liveness runs. */
export function drawScenario(seed: number): Scenario {
  const chance = chanceOf(seed);
  const mode = seed % 2 === 1 ? "safety" : "liveness";
  const lasts = magnitude(chance("lasts"), 2 * SECOND, 10 * MINUTE);
  const outages = drawOutages(chance, lasts);
  // An outage needs a crowd for the circuit breaker to open.
  const crowd = outages.length > 0 && chance("crowd") < 0.7;
  const trouble = weighted(chance("trouble"), troubles);
  const publications = drawPublications(chance, lasts, crowd ? 50 : 14, crowd ? paid : trouble.kinds);
  const bursts = publications.map(({ at }) => at);
  const givesUp = chance("gives up") < 0.3;
  const deadLettersFrom = givesUp && chance("dead letters wait") < 0.6 ? between(chance("until"), 0, 6) * HOUR : 0;
  const redrives = deadLettersFrom > HOUR && chance("redrives") < 0.7;
  const redriveAt = deadLettersFrom - between(chance("redrive"), 1, 50) * MINUTE;
  const { replays, asks } = drawReplays(chance, bursts, lasts);
  // What a replay skips for a row that can't be read is judged by other tests.
  const damages = replays.length > 0 ? [] : drawDamages(chance, bursts, lasts);
  const asked = [...replays, ...asks].map(({ at, ...ask }) => ("until" in ask && ask.until ? ask.until : at));
  const lastAction = Math.max(lasts, deadLettersFrom, ...asked, ...damages.map(({ to }) => to));
  const calmAt = lastAction + magnitude(chance("calm"), 5 * SECOND, 20 * MINUTE);
  return {
    seed,
    mode,
    publications,
    arrivals: weighted(chance("arrivals"), [
      [2, 0],
      [1, 0.5],
      [1, 1],
    ]),
    operations: drawOperations(chance, [...bursts, ...replays.map(({ at }) => at + SECOND)]),
    outages,
    damages,
    replays,
    asks,
    routers: between(chance("routers"), trouble.faults.length === 0 ? 1 : 2, 4),
    batchSize: weighted(chance("batch size"), [
      [1, 1],
      [2, 4],
      [2, 10],
    ]),
    skewMs: weighted(chance("skew"), [
      [2, 0],
      [3, 1_000],
      [3, 5_000],
    ]),
    maxReceiveCount: givesUp ? between(chance("receives"), 1, 5) : 1_000,
    deadLettersFrom,
    ...(redrives ? { redriveAt } : {}),
    intensity: weighted(chance("intensity"), [
      [1, 0],
      [2, 0.3],
      [3, 1],
      [2, 3],
    ]),
    emphasis: trouble.faults,
    calmAt: mode === "safety" ? Number.POSITIVE_INFINITY : calmAt,
    endAt: mode === "safety" ? lastAction + 20 * MINUTE : calmAt + REST_WITHIN,
  };
}

/** The same events, all of one kind. What fails, fails whoever has published it. */
export function allOfKind({ seed, publications }: Scenario, kind: EventKind): Publication[] {
  const poisons = poisonBy(chanceOf(seed));
  return publications.map((one) => ({ ...one, kind, poison: poisons(kind, one.key) }));
}

function poisonBy(chance: Chance): (kind: EventKind, key: string) => boolean {
  return (kind, key) => chance(`poison ${kind} ${key}`) < 0.12;
}

function drawPublications(chance: Chance, lasts: number, most: number, kinds: Trouble["kinds"]): Publication[] {
  const projects = between(chance("projects"), 1, 4);
  const bursts = between(chance("bursts"), 1, 4);
  return Array.from({ length: between(chance("events"), 2, most) }, (_, index) => {
    const own: Chance = (what) => chance(`event ${index} ${what}`);
    const burst = Math.floor((between(own("burst"), 0, bursts - 1) / bursts) * lasts);
    const kind = weighted(own("kind"), kinds);
    const number = between(own("key"), 0, Math.ceil(most / (kinds === paid ? 4 : 2)));
    const key = own("key of a replay") < 0.1 ? `${number}#replay-1` : `${number}`;
    return {
      id: `event-${index}`,
      at: burst + between(own("at"), 0, 400),
      kind,
      key,
      payload: own("payload") < 0.1 ? 1 : 0,
      project: between(own("project"), 1, projects),
      poison: poisonBy(chance)(kind, key),
    };
  });
}

function drawOutages(chance: Chance, lasts: number): Outage[] {
  if (chance("outage") < 0.7) return [];
  const from = between(chance("outage from"), 0, lasts / 2);
  const to = from + magnitude(chance("outage lasts"), 5 * SECOND, 3 * MINUTE);
  return [{ from, to, alias: chance("outage alias") < 0.7 ? "stable" : "beta" }];
}

function drawDamages(chance: Chance, bursts: readonly number[], lasts: number): Damage[] {
  return Array.from({ length: between(chance("damages"), 0, 3) }, (_, index): Damage => {
    const own: Chance = (what) => chance(`damage ${index} ${what}`);
    const from = Math.max(
      0,
      (bursts[between(own("burst"), 0, bursts.length - 1)] ?? 0) + between(own("at"), -500, 500),
    );
    const to = from + magnitude(own("lasts"), SECOND, Math.max(2 * SECOND, lasts));
    const component = weighted(own("component"), [
      [1, "invoice"],
      [1, "mailer"],
      [1, "shipper"],
    ]);
    return weighted<Damage>(own("kind"), [
      [3, { from, to, kind: "component", component, hasPattern: own("pattern") < 0.4 }],
      [3, { from, to, kind: "project", project: between(own("project"), 1, 4) }],
      [1, { from, to, kind: "source" }],
    ]);
  });
}

/** What operators do happens while events are on their way. */
function drawOperations(chance: Chance, bursts: readonly number[]): Operation[] {
  return Array.from({ length: between(chance("operations"), 0, 8) }, (_, index): Operation => {
    const own: Chance = (what) => chance(`operation ${index} ${what}`);
    const at = (bursts[between(own("burst"), 0, bursts.length - 1)] ?? 0) + between(own("at"), -200, 3_000);
    const alias = own("alias") < 0.6 ? "beta" : "branch";
    const project = between(own("project"), 1, 4);
    const kind = weighted(own("kind"), [
      [6, "pin"],
      [2, "unpin"],
      [1, "retire alias"],
      [1, "remove alias"],
      [2, "restore alias"],
      [1, "all stable"],
    ] as const);
    switch (kind) {
      case "pin":
        return { at, kind, project, alias };
      case "unpin":
        return { at, kind, project };
      case "all stable":
        return { at, kind, on: own("on") < 0.5 };
      default:
        return { at, kind, alias };
    }
  });
}
