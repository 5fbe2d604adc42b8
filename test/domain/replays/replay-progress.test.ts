import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noCounts, type OpenStretch, type Replay, type ReplayCounts } from "../../../shared/domain/replays/replay.ts";
import { type CountedItem, withCounted, withRecounted } from "../../../shared/domain/replays/replay-counts.ts";
import {
  beginCancelling,
  type FoundPage,
  isPastStop,
  replayAfter,
  stretchesOf,
  withStretch,
} from "../../../shared/domain/replays/replay-progress.ts";
import { anItem, countsOf, sent, skip } from "../../support/counted-items.ts";

const aPage = fc.record({ items: fc.array(anItem, { maxLength: 6 }), waitsFor: fc.nat({ max: 2 }) });

/** The last record of the n-th page. */
const upTo = (n: number) => ({ t0: new Date(n * 1_000), eventKey: `key-${n}`, payloadHash: "hash" });

/** Pages as a pass over the whole window leaves them. */
function afterPages(pages: readonly { items: readonly CountedItem[]; waitsFor: number }[]) {
  let counts = noCounts();
  let stretches: OpenStretch[] = [];
  pages.forEach(({ items, waitsFor }, n) => {
    const next = { ...(n > 0 && { after: upTo(n - 1) }), upTo: upTo(n), counts: countsOf(items), waitsFor };
    counts = withCounted(counts, items.length, items);
    stretches = withStretch(stretches, next);
  });
  return { counts, stretches };
}

/** Pages that lie in a stretch. */
function within<P>(pages: readonly P[], { after, upTo: end }: OpenStretch): P[] {
  return pages.filter((_, n) => (after === undefined || upTo(n).t0 > after.t0) && upTo(n).t0 <= end.t0);
}

describe("the open stretches of a window", () => {
  it("are the pages in which something is waited for", () => {
    const { stretches } = afterPages([
      { items: [sent("done")], waitsFor: 0 },
      { items: [sent("open")], waitsFor: 1 },
      { items: [skip("not at rest")], waitsFor: 1 },
      { items: [], waitsFor: 0 },
    ]);
    expect(stretches.map(({ after, upTo: end, waitsFor }) => [after, end, waitsFor])).toEqual([
      [upTo(0), upTo(1), 1],
      [upTo(1), upTo(2), 1],
    ]);
  });

  it("are 32 at most, so that a replay stays small; the last one then takes all that follows", () => {
    const pages = Array.from({ length: 60 }, (_, n) => ({ items: [sent("open")], waitsFor: n % 3 === 2 ? 0 : 1 }));
    const { stretches } = afterPages(pages.slice(0, 47));
    expect(stretches).toHaveLength(32);
    expect(stretches.at(-1)).toMatchObject({ after: upTo(45), upTo: upTo(46), waitsFor: 1 });
    const more = afterPages(pages).stretches;
    expect(more).toHaveLength(32);
    expect(more.at(-1)).toMatchObject({ after: upTo(45), upTo: upTo(59), counts: { scanned: 14 }, waitsFor: 9 });
  });

  it("hold what their own pages add to the counts, don't overlap, and leave out nothing that is waited for", () => {
    const some = fc.array(aPage, { maxLength: 30 });
    const many = fc.array(aPage, { minLength: 40, maxLength: 80, size: "max" });
    fc.assert(
      fc.property(fc.oneof(some, many), (pages) => {
        const { stretches } = afterPages(pages);
        for (const stretch of stretches) {
          const own = within(pages, stretch);
          expect(stretch.counts).toEqual(countsOf(own.flatMap(({ items }) => items)));
          expect(stretch.waitsFor).toBe(own.reduce((sum, { waitsFor }) => sum + waitsFor, 0));
        }
        const ends = stretches.flatMap(({ after, upTo: end }) => [+(after?.t0 ?? -1), +end.t0]);
        expect(ends).toEqual(ends.toSorted((a, b) => a - b));
        const waited = pages.reduce((sum, { waitsFor }) => sum + waitsFor, 0);
        expect(stretches.reduce((sum, { waitsFor }) => sum + waitsFor, 0)).toBe(waited);
      }),
      { numRuns: 50 },
    );
  });

  it("that are only to be looked at again are one, apart from those in which something is waited for", () => {
    const early = (n: number, waitsFor: number): OpenStretch => {
      return {
        ...(n > 0 && { after: upTo(n - 1) }),
        upTo: upTo(n),
        counts: countsOf([sent("done")]),
        waitsFor,
        early: true,
      };
    };
    const stretches = [early(0, 0), early(1, 0), early(2, 1), early(3, 0)].reduce(withStretch, []);
    expect(stretches.map(({ after, upTo: end, waitsFor }) => [after, end, waitsFor])).toEqual([
      [undefined, upTo(1), 0],
      [upTo(1), upTo(2), 1],
      [upTo(2), upTo(3), 0],
    ]);
  });

  it("are to be looked at again once they are joined to any that is", () => {
    const full = Array.from({ length: 31 }, (_, n) => ({ upTo: upTo(n), counts: noCounts(), waitsFor: 1 }));
    const stretch = (n: number, isEarly: boolean): OpenStretch => {
      return { upTo: upTo(n), counts: noCounts(), waitsFor: 1, ...(isEarly && { early: true }) };
    };
    for (const [last, next] of [
      [true, false],
      [false, true],
    ] as const) {
      const joined = withStretch([...full, stretch(31, last)], stretch(32, next)).at(-1);
      expect(joined).toMatchObject({ upTo: upTo(32), waitsFor: 2, early: true });
    }
    expect(withStretch([...full, stretch(31, false)], stretch(32, false)).at(-1)).not.toHaveProperty("early");
  });

  it("bring the counts to what the window has become, in any number of passes", () => {
    const pages = fc.array(
      fc.tuple(aPage, fc.array(fc.array(anItem, { maxLength: 6 }), { minLength: 3, maxLength: 3 })),
      {
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(pages, (window) => {
        const state = afterPages(window.map(([page]) => page));
        let { counts }: { counts: ReplayCounts } = state;
        let { stretches } = state;
        const current = window.map(([{ items }]) => items);
        for (let pass = 0; pass < 3; pass++) {
          stretches = stretches.map((stretch) => {
            window.forEach(([, later], n) => {
              if (within([...window.keys()], stretch).includes(n)) current[n] = later[pass] ?? [];
            });
            const now = countsOf(within(current, stretch).flat());
            counts = withRecounted(counts, stretch.counts, now);
            return { ...stretch, counts: now };
          });
        }
        expect(counts).toEqual(countsOf(current.flat()));
      }),
      { numRuns: 50 },
    );
  });
});

const WINDOW = { from: new Date(0), to: new Date(3_600_000) };
/** A replay that began a day after its window's end, unless `startedAt` says otherwise. */
const aReplay = (progress: Partial<Replay["progress"]> = {}): Replay => ({
  window: WINDOW,
  filter: {},
  mode: "rerun",
  destination: { kind: "today" },
  name: "one",
  lock: 1,
  who: "ann",
  why: "",
  command: "",
  requestedAt: new Date(86_400_000),
  concurrency: 1,
  planned: noCounts(),
  asked: "run",
  progress: { pass: 1, counts: noCounts(), stretches: [], startedAt: new Date(86_400_000), ...progress },
});
const aPageOf = (n: number, items: CountedItem[], waitsFor: number, decidedAt = new Date(90_000_000)): FoundPage => ({
  upTo: upTo(n),
  counts: countsOf(items),
  waitsFor,
  decidedAt,
});
const NOW = new Date(90_000_000);
const later = (ms: number) => new Date(NOW.getTime() + ms);

describe("a replay", () => {
  const after = replayAfter(35_000);

  it("is at rest after a pass over the whole window that leaves nothing to wait for", () => {
    const read = after.page(aReplay(), aPageOf(0, [sent("done")], 0));
    expect(after.wholePass(read, NOW).progress).toMatchObject({ counts: { done: 1 }, stretches: [], endedAt: NOW });
  });

  it("looks again at what is waited for a second later, and then after twice the pause, up to a minute", () => {
    let replay = after.wholePass(after.page(aReplay(), aPageOf(0, [sent("open")], 1)), NOW);
    const pauses = [replay.progress.pauseMs];
    for (let pass = 0; pass < 7; pass++) {
      replay = after.openPass(replay, replay, NOW);
      pauses.push(replay.progress.pauseMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(replay.progress).toMatchObject({ pass: 9, nextPassAt: later(60_000) });
    expect(replay.progress.after).toBeUndefined();
  });

  it("looks again a second later once something came to rest", () => {
    const two = after.page(aReplay(), aPageOf(0, [sent("open"), sent("open")], 2));
    const begun = after.openPass(two, after.wholePass(two, NOW), NOW);
    const [stretch] = begun.progress.stretches;
    if (stretch === undefined) throw new Error("nothing is open");
    const one = after.stretch(begun, stretch, { counts: countsOf([sent("done"), sent("open")]), waitsFor: 1 }, NOW);
    expect(one.progress).toMatchObject({ after: upTo(0), counts: { sent: 2, done: 1, open: 1 } });
    expect(after.openPass(begun, one, NOW).progress).toMatchObject({ pauseMs: 1_000, nextPassAt: later(1_000) });
  });

  it("looks once more, when all is recorded, at what it read of a fresh window before that", () => {
    const fresh = { ...aReplay({ startedAt: NOW }), window: { from: WINDOW.from, to: NOW } };
    const read = after.page(fresh, aPageOf(0, [sent("done")], 0, later(9_999)));
    const passed = after.wholePass(read, later(9_999));
    expect(passed.progress).toMatchObject({ stretches: [{ early: true, waitsFor: 0 }], nextPassAt: later(10_000) });
    const [stretch] = passed.progress.stretches;
    if (stretch === undefined) throw new Error("nothing is read again");
    expect(after.canWait(passed, stretch, later(9_999))).toBe(true);
    expect(after.canWait(passed, stretch, later(10_000))).toBe(false);
    const again = after.stretch(passed, stretch, { counts: countsOf([sent("done")]), waitsFor: 0 }, later(10_000));
    expect(after.openPass(passed, again, later(10_000)).progress).toMatchObject({ counts: { done: 1 }, stretches: [] });
  });

  it("pauses as ever when all was recorded by the end of a pass that had begun before", () => {
    const fresh = { ...aReplay({ startedAt: NOW }), window: { from: WINDOW.from, to: NOW } };
    const read = after.page(fresh, aPageOf(0, [sent("done")], 0, later(9_999)));
    expect(after.wholePass(read, later(20_000)).progress).toMatchObject({ nextPassAt: later(21_000) });
  });

  it("pauses as ever when besides something is waited for", () => {
    const fresh = { ...aReplay({ startedAt: NOW }), window: { from: WINDOW.from, to: NOW } };
    const read = after.page(fresh, aPageOf(0, [sent("open")], 1, NOW));
    expect(after.wholePass(after.page(read, aPageOf(1, [sent("done")], 0, NOW)), NOW).progress).toMatchObject({
      stretches: [{ waitsFor: 1 }, { waitsFor: 0, early: true }],
      nextPassAt: later(1_000),
    });
  });

  it("remembers when it first sent something, whatever it sends later", () => {
    const first = after.page(aReplay(), { ...aPageOf(0, [sent("done")], 0), firstSentAt: NOW });
    const second = after.page(first, { ...aPageOf(1, [sent("done")], 0), firstSentAt: later(5_000) });
    expect(second.progress).toMatchObject({ after: upTo(1), counts: { sent: 2 }, firstSentAt: NOW });
  });

  it("waits for no record when routers settle at once, or its window ended long before it", () => {
    const fresh = { ...aReplay({ startedAt: NOW }), window: { from: WINDOW.from, to: NOW } };
    expect(replayAfter(0).wholePass(fresh, NOW).progress.endedAt).toEqual(NOW);
    expect(after.wholePass(aReplay(), NOW).progress.endedAt).toEqual(NOW);
  });

  it("knows which open stretches its pass has been at", () => {
    const stretches = [0, 1, 2].map((n) => ({ upTo: upTo(n), counts: noCounts(), waitsFor: 1 }));
    const [first, second, third] = stretches;
    expect(stretchesOf(aReplay({ stretches }))).toEqual({ been: [], ahead: stretches });
    expect(stretchesOf(aReplay({ stretches, after: upTo(1) }))).toEqual({ been: [first, second], ahead: [third] });
  });

  it("that is cancelled goes over what it had begun, and no further than it had come", () => {
    const begun = after.page(aReplay(), aPageOf(3, [sent("open")], 1));
    const cancelling = beginCancelling(begun);
    expect(cancelling.progress).toMatchObject({ pass: 2, counts: noCounts(), before: { sent: 1 }, stopAfter: upTo(3) });
    expect(isPastStop(cancelling)).toBe(false);
    expect(isPastStop(after.page(cancelling, aPageOf(2, [], 0)))).toBe(false);
    expect(isPastStop(after.page(cancelling, aPageOf(3, [], 0)))).toBe(true);
    expect(isPastStop(begun)).toBe(false);
  });

  it("that is cancelled keeps when it began and first sent something, and waits for no record", () => {
    const fresh = { ...aReplay({ startedAt: NOW, firstSentAt: later(1) }), window: { from: WINDOW.from, to: NOW } };
    const cancelling = beginCancelling(fresh);
    expect(cancelling.progress).toMatchObject({ startedAt: NOW, firstSentAt: later(1) });
    expect(after.wholePass(cancelling, later(2)).progress.endedAt).toEqual(later(2));
    expect(beginCancelling(aReplay()).progress).not.toHaveProperty("firstSentAt");
  });
});
