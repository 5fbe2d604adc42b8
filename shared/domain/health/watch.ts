import * as z from "zod/mini";
import { guardModes } from "../routing/guard-rule.ts";
import { isSubjectKey, type SubjectKey } from "../subject.ts";
import { Instant } from "../text/schema.ts";
import { emptyMeter, Meter } from "./guard-meter.ts";
import { GuardVerdict } from "./guard-verdict.ts";

const SubjectKeyText = z.string().check(z.refine(isSubjectKey)) as unknown as z.ZodMiniType<SubjectKey>;

/**
 * What a guard does about a version that is worse, from the moment at which it found that: `found`, then `acting` once
 * it goes about it, and `ended`. Each is stored before anything of it is done.
 */
export const Trip = z.object({
  at: Instant,
  stage: z.enum(["found", "acting", "ended"]),
  mode: z.enum(guardModes),
  /** Also what the version has done is run again. */
  all: z.optional(z.literal(true)),
  verdict: GuardVerdict,
  /** The evidence in a sentence. */
  why: z.string(),
  /** From which revision on the change log tells what it has done. */
  revision: z.number(),
  /** Where it takes the alias, and the replay that belongs to it. */
  to: z.optional(z.string()),
  replay: z.optional(z.string()),
  /** What was done in the end, or why nothing could be. */
  done: z.optional(z.string()),
});
export type Trip = z.infer<typeof Trip>;

/**
 * Somebody whom the version fails for, and who is taken off it. As with a trip, `found` is stored before anything is done,
 * and each is found once.
 */
export const TakenOff = z.object({
  who: SubjectKeyText,
  at: Instant,
  stage: z.enum(["found", "ended"]),
  mode: z.enum(guardModes),
  /** Also what the version has done for them is run again. */
  all: z.optional(z.literal(true)),
  /** The evidence in a sentence. */
  why: z.string(),
  /** From which revision on the change log tells what was done. */
  revision: z.number(),
  /** Once it ended: what was done, or why nothing was. */
  done: z.optional(z.string()),
});
export type TakenOff = z.infer<typeof TakenOff>;

/** Somebody whom the version has failed for, and what their own first attempts were before. */
const Suspect = z.object({
  who: SubjectKeyText,
  tried: z.number(),
  failed: z.number(),
  at: Instant,
  /** When the ledger was last counted for them, and wasn't beyond doubt. */
  recountedAt: z.optional(Instant),
});
export type Suspect = z.infer<typeof Suspect>;

/** A guard's watch over one version behind its alias. */
export const Watch = z.object({
  component: z.string(),
  alias: z.string(),
  version: z.string(),
  /** Rises with every stored change, and only the newest may be changed; 0: not stored yet. */
  lock: z.number(),
  /** When the version came there, as far as that is known. */
  since: Instant,
  /** What has come from then on counts; anew after a day. */
  from: Instant,
  /** What came before that is in the meters. */
  upTo: Instant,
  meters: z.object({ failed: Meter, slower: Meter, missing: z._default(Meter, emptyMeter) }),
  /** Some customers that it has failed for. */
  customers: z.array(z.string()),
  /** Above which an attempt is slow, and since when that holds; left out where stable has done too little. */
  slow: z.optional(z.object({ aboveMs: z.number(), at: Instant })),
  /** What the same subjects' first attempts were before, in buckets of duration; and when that was looked up. */
  before: z.optional(
    z.object({
      tried: z.number(),
      failed: z.number(),
      durations: z.array(z.tuple([z.number(), z.number()])),
      at: Instant,
      /** Besides: of so many there was no outcome. */
      missing: z.optional(z.number()),
      /** So many different ones were seen on the version. */
      customers: z.optional(z.number()),
      /** What others' did in that time, as they would have with the same share of each type. */
      others: z.optional(z.object({ tried: z.number(), failed: z.number() })),
    }),
  ),
  /** Those that may have to be taken off it, and those that were. */
  suspects: z.optional(z.array(Suspect)),
  taken: z.optional(z.array(TakenOff)),
  verdict: z.optional(GuardVerdict),
  lookedAt: z.optional(Instant),
  /** When the ledger was last counted, and had less against the version than the counts. */
  recountedAt: z.optional(Instant),
  /** Why nothing is done although something should be, or why it can't be judged. */
  waits: z.optional(z.string()),
  trip: z.optional(Trip),
  /** Who looks after it, and until when unless it says so again. */
  keeper: z.optional(z.object({ id: z.string(), until: Instant })),
});
export type Watch = z.infer<typeof Watch>;

export type WatchKey = Pick<Watch, "component" | "alias" | "version">;

/** A watch that has seen nothing yet. */
export function newWatch(key: WatchKey, since: Date, from: Date): Watch {
  const { component, alias, version } = key;
  const meters = { failed: emptyMeter, slower: emptyMeter, missing: emptyMeter };
  const begins = from.toISOString();
  return {
    component,
    alias,
    version,
    lock: 0,
    since: since.toISOString(),
    from: begins,
    upTo: begins,
    meters,
    customers: [],
  };
}

/** A watch whose row can't be read: nothing is known of it. */
export function lostWatch(key: WatchKey): Watch {
  return newWatch(key, new Date(0), new Date(0));
}

export function isLost({ since }: Watch): boolean {
  return Date.parse(since) === 0;
}

/** Whether something is begun that isn't ended: the next look goes on with it, whoever begins that. */
export function isUnderWay({ trip, taken = [] }: Watch): boolean {
  return (trip !== undefined && trip.stage !== "ended") || taken.some(({ stage }) => stage !== "ended");
}
