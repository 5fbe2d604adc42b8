import fc from "fast-check";
import type { RecordPlace } from "../../shared/domain/deliveries/delivery.ts";
import { askedStatuses, type OutcomeFilter } from "../../shared/domain/deliveries/event-outcome.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import {
  noCounts,
  type OpenStretch,
  type Replay,
  type ReplayCounts,
  type ReplayDestination,
  type ReplayProgress,
  replayModes,
  type SkipReason,
  skipReasons,
} from "../../shared/domain/replays/replay.ts";
import { becauses } from "../../shared/domain/routing/decide-route.ts";
import { anyText, storedNumbers } from "./any-text.ts";

const REQUESTED_AT = new Date("2026-11-20T10:00:00.000Z");

/** A replay that was just asked for. */
export function aReplay({ progress, ...about }: Partial<Omit<Replay, "progress">> & AboutProgress = {}): Replay {
  return {
    name: "after-the-outage",
    lock: 1,
    window: { from: new Date("2026-11-20T08:00:00.000Z"), to: new Date("2026-11-20T09:00:00.000Z") },
    filter: {},
    mode: "rerun",
    destination: { kind: "today" },
    who: "ada",
    why: "a test",
    command: "turnout replay",
    requestedAt: REQUESTED_AT,
    concurrency: 25,
    planned: noCounts(),
    asked: "run",
    progress: { pass: 1, counts: noCounts(), stretches: [], ...progress },
    ...about,
  };
}

type AboutProgress = { progress?: Partial<ReplayProgress> };

/** An object of these fields, each of which may be left out. */
function some<T extends object>(fields: { [K in keyof T]-?: fc.Arbitrary<NonNullable<T[K]>> }): fc.Arbitrary<T> {
  return fc.record(fields, { requiredKeys: [], noNullPrototype: true }) as unknown as fc.Arbitrary<T>;
}

const date = fc.date({ min: new Date(0), max: new Date("2200-01-01"), noInvalidDate: true });
const words = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  anyText,
  date.map((at) => at.toISOString()),
);
const name = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?$/);

const recordPlace: fc.Arbitrary<RecordPlace> = fc
  .tuple(
    fc.record({ t0: date, eventKey: words.map(sha256), payloadHash: words.map(sha256) }, { noNullPrototype: true }),
    some<Pick<RecordPlace, "sequence">>({ sequence: fc.nat() }),
  )
  .map(([key, place]) => ({ ...key, ...place }));

const counts: fc.Arbitrary<ReplayCounts> = fc.record(
  {
    scanned: fc.nat(),
    matched: fc.nat(),
    sent: fc.nat(),
    versions: fc.array(
      fc.record({ component: name, alias: name, version: words, count: fc.nat() }, { noNullPrototype: true }),
      { maxLength: 3 },
    ),
    skipped: fc.dictionary(fc.constantFrom(...(Object.keys(skipReasons) as SkipReason[])), fc.nat(), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    done: fc.nat(),
    dead: fc.nat(),
    open: fc.nat(),
  },
  { noNullPrototype: true },
);

const stretch: fc.Arbitrary<OpenStretch> = fc
  .tuple(
    fc.record({ upTo: recordPlace, counts, waitsFor: fc.nat() }, { noNullPrototype: true }),
    some<Pick<OpenStretch, "after" | "early">>({ after: recordPlace, early: fc.constant(true) }),
  )
  .map(([known, after]) => ({ ...known, ...after }));

const progress: fc.Arbitrary<ReplayProgress> = fc
  .tuple(
    fc.record({ pass: fc.nat(9), counts, stretches: fc.array(stretch, { maxLength: 3 }) }, { noNullPrototype: true }),
    some<Omit<ReplayProgress, "pass" | "counts" | "stretches">>({
      after: recordPlace,
      before: counts,
      cancelling: fc.constant(true),
      stopAfter: recordPlace,
      nextPassAt: date,
      pauseMs: fc.nat(60_000),
      startedAt: date,
      firstSentAt: date,
      endedAt: date,
      trouble: words,
      failing: fc.record({ since: date, last: date, tries: fc.nat() }, { noNullPrototype: true }),
      failed: fc.constant(true),
    }),
  )
  .map(([known, others]) => ({ ...known, ...others }));

const patternValue = fc.oneof(words, fc.boolean(), fc.constant(null), fc.constantFrom(...storedNumbers));

// A comparison takes a field of this name for what an object was made by.
const fields = words.filter((word) => word !== "constructor");

const anyOf = <T>(one: fc.Arbitrary<T>) => fc.oneof(one, fc.array(one, { minLength: 2, maxLength: 3 }));

const filter = some<OutcomeFilter>({
  component: anyOf(name),
  source: anyOf(words),
  user: anyOf(words),
  project: anyOf(words),
  customer: anyOf(words),
  plan: anyOf(words),
  cohort: anyOf(name),
  alias: anyOf(name),
  executedVersion: anyOf(words),
  ranSince: date.map((at) => at.toISOString()),
  ranBehind: name,
  status: anyOf(fc.constantFrom(...askedStatuses)),
  because: anyOf(fc.constantFrom(...becauses)),
  replay: anyOf(name),
  // What it names may look like an instant, and is text all the same.
  pattern: anyOf(
    fc.dictionary(fields, fc.array(patternValue, { maxLength: 2 }), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
  ),
});

const destination: fc.Arbitrary<ReplayDestination> = fc.oneof(
  fc.constantFrom<ReplayDestination>({ kind: "today" }, { kind: "original" }),
  name.map((alias): ReplayDestination => ({ kind: "alias", alias })),
);

/** Any replay, of a name that no other has. */
export const anyReplay: fc.Arbitrary<Replay> = fc
  .tuple(
    fc.record(
      {
        name: fc.uuid(),
        lock: fc.constant(1),
        window: fc.record({ from: date, to: date }, { noNullPrototype: true }),
        filter,
        mode: fc.constantFrom(...replayModes),
        destination,
        who: words,
        why: words,
        command: words,
        requestedAt: date,
        concurrency: fc.nat(),
        planned: counts,
        asked: fc.constantFrom("run" as const, "pause" as const, "cancel" as const),
        progress,
      },
      { noNullPrototype: true },
    ),
    some<Pick<Replay, "avoidVersion" | "ratePerSecond" | "matched" | "askedBy" | "driver">>({
      avoidVersion: words,
      ratePerSecond: fc.double({ min: 0, max: 10_000, noNaN: true }).map((rate) => rate + 0.001),
      askedBy: fc.record({ who: words, why: words, at: words }, { noNullPrototype: true }),
      matched: fc.record({ first: fc.nat(), step: fc.nat(), counts: fc.array(fc.nat()) }, { noNullPrototype: true }),
      driver: fc.record({ id: words, until: date }, { noNullPrototype: true }),
    }),
  )
  .map(([known, others]) => ({ ...known, ...others }));
