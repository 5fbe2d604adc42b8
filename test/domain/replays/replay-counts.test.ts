import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  noCounts,
  type OpenStretch,
  type ReplayCounts,
  type SkipReason,
} from "../../../shared/domain/replays/replay.ts";
import {
  type CountedItem,
  skippedInAll,
  stateOf,
  withCounted,
  withRecounted,
  withStretch,
} from "../../../shared/domain/replays/replay-counts.ts";

const target = { component: "mailer", alias: "stable", version: "22" };
const sent = (state: "done" | "dead" | "open", about = {}): CountedItem => ({
  kind: "sent",
  state,
  ...target,
  ...about,
});
const skip = (reason: SkipReason): CountedItem => ({ kind: "skip", reason });

const anItem: fc.Arbitrary<CountedItem> = fc.oneof(
  fc.constantFrom<SkipReason>("duplicate", "done already", "not at rest").map(skip),
  fc
    .record({
      state: fc.constantFrom("done", "dead", "open"),
      component: fc.constantFrom("mailer", "billing"),
      alias: fc.constantFrom("stable", "beta"),
      version: fc.constantFrom("", "22", "23"),
    })
    .map(({ state, ...about }) => sent(state as "done", about)),
);
const aPage = fc.record({ items: fc.array(anItem, { maxLength: 6 }), waitsFor: fc.nat({ max: 2 }) });
const countsOf = (items: readonly CountedItem[]) => withCounted(noCounts(), items.length, items);

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

describe("the counts of a replay", () => {
  it("tell what was sent by where it went, and what was skipped by why", () => {
    const items = [sent("done"), sent("open", { version: "" }), sent("dead"), skip("duplicate"), skip("duplicate")];
    expect(withCounted(noCounts(), 7, items)).toEqual({
      scanned: 7,
      matched: 5,
      sent: 3,
      targets: [
        { component: "mailer", alias: "stable", version: "", count: 1 },
        { component: "mailer", alias: "stable", version: "22", count: 2 },
      ],
      skipped: { duplicate: 2 },
      done: 1,
      dead: 1,
      open: 1,
    });
  });

  it("count what is planned as sent, and as nothing more", () => {
    const counts = withCounted(noCounts(), 1, [{ kind: "planned", ...target }]);
    expect(counts).toEqual({ ...noCounts(), scanned: 1, matched: 1, sent: 1, targets: [{ ...target, count: 1 }] });
  });

  it("name versions in the order of their numbers", () => {
    const versions = ["10", "9", "100"].map((version) => sent("done", { version }));
    expect(countsOf(versions).targets.map(({ version }) => version)).toEqual(["9", "10", "100"]);
  });

  it("add up, whatever was counted", () => {
    fc.assert(
      fc.property(fc.array(anItem), (items) => {
        const counts = countsOf(items);
        expect(counts.matched).toBe(counts.sent + skippedInAll(counts));
        expect(counts.sent).toBe(counts.done + counts.dead + counts.open);
        expect(counts.sent).toBe(counts.targets.reduce((sum, { count }) => sum + count, 0));
      }),
    );
  });

  it("are those of the whole window after any part of it was counted anew", () => {
    fc.assert(
      fc.property(fc.array(anItem), fc.array(anItem), fc.array(anItem), (rest, before, now) => {
        const counts = withRecounted(countsOf([...rest, ...before]), countsOf(before), countsOf(now));
        expect(counts).toEqual(countsOf([...rest, ...now]));
      }),
    );
  });

  it("leave nothing behind of what is counted as nothing any more", () => {
    const once = countsOf([sent("open"), skip("not at rest")]);
    expect(withRecounted(once, once, noCounts())).toEqual(noCounts());
  });

  it.each([
    ["done", "done"],
    ["dead", "dead"],
    ["rejected", "dead"],
    ["claimed", "open"],
    ["failed", "open"],
    ["accepted", "open"],
  ] as const)("count a delivery that is %s as %s", (status, state) => {
    expect(stateOf({ status })).toBe(state);
  });
});

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
