import { describe, expect, it } from "vitest";
import { aReplayer } from "../support/replayer.ts";
import { turnoutOf } from "../support/router.ts";

describe("a replay", () => {
  it("delivers what it matches once more, in a generation of its own", async () => {
    const { arrive, start, run, sends, ledger } = await aReplayer();
    await arrive({ project: "site" }, { project: "api" });
    const before = sends.length;
    await start();
    const { progress } = await run();
    expect(progress.counts).toMatchObject({ scanned: 2, matched: 2, sent: 2, done: 2, dead: 0, open: 0, skipped: {} });
    expect(sends.slice(before).map((send) => turnoutOf(send))).toMatchObject([
      { idempotencyKey: "event-1#replay-1", generation: "replay-1", replay: "replay-1" },
      { idempotencyKey: "event-2#replay-1", generation: "replay-1", replay: "replay-1" },
    ]);
    expect((await ledger()).map(({ generation, status }) => [generation, status])).toEqual([
      ["live", "done"],
      ["replay-1", "done"],
      ["live", "done"],
      ["replay-1", "done"],
    ]);
  });
});
