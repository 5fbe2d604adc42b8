import * as z from "zod/mini";
import { becauseOf } from "../routing/stored-because.ts";
import { own, recordOf } from "../text/schema.ts";
import { MatchedRows } from "./matched-rows.ts";
import { replayModes } from "./replay.ts";

/** As `Date.toJSON` writes it: also years beyond 9999. */
const StoredInstant = z
  .string()
  .check(z.refine((text) => !Number.isNaN(Date.parse(text)), "expected an instant such as 2026-11-20T10:00:00.000Z"));

const Place = z.looseObject({
  t0: StoredInstant,
  sequence: z.optional(z.number()),
  eventKey: z.string(),
  payloadHash: z.string(),
});

/** An object some of whose fields had other names when older rows were written. */
function renamed<T extends z.ZodMiniType>(names: Readonly<Record<string, string>>, schema: T) {
  const present = z.transform((stored: unknown) =>
    typeof stored === "object" && stored !== null
      ? Object.fromEntries(Object.entries(stored).map(([name, value]) => [own(names, name) ?? name, value]))
      : stored,
  );
  return z.pipe(present, schema as z.ZodMiniType<z.output<T>, unknown>);
}

const Counts = renamed(
  { targets: "versions" },
  z.looseObject({
    scanned: z.number(),
    matched: z.number(),
    sent: z.number(),
    versions: z.array(
      z.looseObject({ component: z.string(), alias: z.string(), version: z.string(), count: z.number() }),
    ),
    skipped: recordOf(z.string(), z.number()),
    done: z.number(),
    dead: z.number(),
    open: z.number(),
  }),
);

const Stretch = z.looseObject({
  after: z.optional(Place),
  upTo: Place,
  counts: Counts,
  waitsFor: z.number(),
  early: z.optional(z.literal(true)),
});

const Progress = z.looseObject({
  pass: z.number(),
  after: z.optional(Place),
  counts: Counts,
  before: z.optional(Counts),
  cancelling: z.optional(z.literal(true)),
  stopAfter: z.optional(Place),
  stretches: z.array(Stretch),
  nextPassAt: z.optional(StoredInstant),
  pauseMs: z.optional(z.number()),
  startedAt: z.optional(StoredInstant),
  firstSentAt: z.optional(StoredInstant),
  endedAt: z.optional(StoredInstant),
  trouble: z.optional(z.string()),
  failing: z.optional(z.looseObject({ since: StoredInstant, last: StoredInstant, tries: z.number() })),
  failed: z.optional(z.literal(true)),
});

/** One text, or any of several. */
const Texts = z.union([z.string(), z.array(z.string())]);

const StoredBecause = z.pipe(z.string(), z.transform(becauseOf));

/** What of a filter is text; its pattern is any object, or any of several. */
const Filter = z.looseObject({
  component: z.optional(Texts),
  source: z.optional(Texts),
  user: z.optional(Texts),
  project: z.optional(Texts),
  customer: z.optional(Texts),
  plan: z.optional(Texts),
  cohort: z.optional(Texts),
  alias: z.optional(Texts),
  executedVersion: z.optional(Texts),
  ranSince: z.optional(z.string()),
  ranBehind: z.optional(z.string()),
  status: z.optional(Texts),
  because: z.optional(z.union([StoredBecause, z.array(StoredBecause)])),
  replay: z.optional(Texts),
  pattern: z.optional(z.custom((pattern) => typeof pattern === "object" && pattern !== null, "expected an object")),
});

/** A replay's JSON. Whatever stands in it beside what is known is left as it is. */
export const StoredReplay = renamed(
  { revision: "lock", target: "destination" },
  z.looseObject({
    name: z.string(),
    lock: z.number(),
    window: z.looseObject({ from: StoredInstant, to: StoredInstant }),
    filter: Filter,
    mode: z.enum(replayModes),
    destination: z.union([
      z.looseObject({ kind: z.enum(["today", "original"]) }),
      z.looseObject({ kind: z.literal("alias"), alias: z.string() }),
    ]),
    avoidVersion: z.optional(z.string()),
    who: z.string(),
    why: z.string(),
    command: z.string(),
    requestedAt: StoredInstant,
    ratePerSecond: z.optional(z.number()),
    concurrency: z.number(),
    planned: Counts,
    matched: z.optional(MatchedRows),
    asked: z.enum(["run", "pause", "cancel"]),
    askedBy: z.optional(z.looseObject({ who: z.string(), why: z.string(), at: z.string() })),
    progress: Progress,
    driver: z.optional(z.looseObject({ id: z.string(), until: StoredInstant })),
  }),
);
