import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noCounts } from "../../../shared/domain/replays/replay.ts";
import { skippedInAll, stateOf, withCounted, withRecounted } from "../../../shared/domain/replays/replay-counts.ts";
import { anItem, countsOf, sent, skip, target } from "../../support/counted-items.ts";

describe("the counts of a replay", () => {
  it("tell what was sent by where it went, and what was skipped by why", () => {
    const items = [sent("done"), sent("open", { version: "" }), sent("dead"), skip("duplicate"), skip("duplicate")];
    expect(withCounted(noCounts(), 7, items)).toEqual({
      scanned: 7,
      matched: 5,
      sent: 3,
      versions: [
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
    expect(counts).toEqual({ ...noCounts(), scanned: 1, matched: 1, sent: 1, versions: [{ ...target, count: 1 }] });
  });

  it("name versions in the order of their numbers", () => {
    const versions = ["10", "9", "100"].map((version) => sent("done", { version }));
    expect(countsOf(versions).versions.map(({ version }) => version)).toEqual(["9", "10", "100"]);
  });

  it("add up, whatever was counted", () => {
    fc.assert(
      fc.property(fc.array(anItem), (items) => {
        const counts = countsOf(items);
        expect(counts.matched).toBe(counts.sent + skippedInAll(counts));
        expect(counts.sent).toBe(counts.done + counts.dead + counts.open);
        expect(counts.sent).toBe(counts.versions.reduce((sum, { count }) => sum + count, 0));
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
