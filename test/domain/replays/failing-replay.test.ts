import { describe, expect, it } from "vitest";
import { afterError, withoutErrors } from "../../../shared/domain/replays/failing-replay.ts";
import { noCounts, type ReplayProgress } from "../../../shared/domain/replays/replay.ts";
import {
  ReplayUnreadable,
  readableReplays,
  UnreadableReplay,
} from "../../../shared/domain/replays/unreadable-replay.ts";
import { aReplay } from "../../support/any-replay.ts";

const start = Date.parse("2026-11-20T10:00:00.000Z");
const at = (ms: number) => new Date(start + ms);
const begun: ReplayProgress = { pass: 1, counts: noCounts(), stretches: [] };

/** After its first error, and so many more, evenly until so long after it. */
function failing(tries: number, forMs: number): ReplayProgress {
  let progress = begun;
  for (let n = 0; n < tries; n++) progress = afterError(progress, "no store", at((n * forMs) / (tries - 1)));
  return progress;
}

describe("a replay that gets no further", () => {
  it.each([
    { tries: 30, forMs: 3_600_000, failed: true },
    { tries: 29, forMs: 3_600_000, failed: undefined },
    { tries: 30, forMs: 3_599_999, failed: undefined },
  ])("after $tries tries in $forMs ms has failed: $failed", ({ tries, forMs, failed }) => {
    expect(failing(tries, forMs)).toMatchObject({ trouble: "no store", failing: { since: at(0), tries } });
    expect(failing(tries, forMs).failed).toBe(failed);
  });

  it("is counted anew when nobody has tried it for more than ten minutes", () => {
    const before = failing(2, 1_000);
    expect(afterError(before, "no store", at(601_000)).failing).toEqual({ since: at(0), last: at(601_000), tries: 3 });
    const anew = { since: at(601_001), last: at(601_001), tries: 1 };
    expect(afterError(before, "no store", at(601_001)).failing).toEqual(anew);
  });

  it("goes on from its last page as if nothing had been, once it gets further", () => {
    expect(withoutErrors(failing(30, 3_600_000))).toEqual(begun);
    const { failing: _, ...rest } = failing(2, 1_000);
    expect(withoutErrors(failing(2, 1_000))).toEqual(rest);
  });
});

it("a replay whose row can't be read is told by name, with what is wrong, and no other is left out", () => {
  const unreadable = new UnreadableReplay({ name: "r", requestedAt: at(0) }, "replay.mode: no");
  const error = new ReplayUnreadable(unreadable);
  expect(error).toMatchObject({ replay: "r", problem: "replay.mode: no", kind: "failed" });
  expect(error.message).toMatch(/^What is stored of replay 'r' can't be read: replay.mode: no\./);
  const readable = aReplay();
  expect(readableReplays([unreadable, readable])).toEqual([readable]);
});
