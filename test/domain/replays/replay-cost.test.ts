import { describe, expect, it } from "vitest";
import { noCounts } from "../../../shared/domain/replays/replay.ts";
import { replayDollars } from "../../../shared/domain/replays/replay-cost.ts";

const million = 1_000_000;

describe("what a replay costs", () => {
  it("is about two dollars for a million deliveries, and a quarter of that for a window without a match", () => {
    const all = { ...noCounts(), scanned: million, matched: million, sent: million };
    expect(replayDollars(all)).toBeCloseTo(2.1, 2);
    expect(replayDollars({ ...all, matched: 0, sent: 0 })).toBeCloseTo(0.53, 2);
  });

  it("rises with the components that had the events", () => {
    const twice = { ...noCounts(), scanned: million, matched: 2 * million };
    expect(replayDollars(twice)).toBeCloseTo(1.03, 2);
  });
});
