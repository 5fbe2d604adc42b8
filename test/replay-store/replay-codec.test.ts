import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeReplay, encodeReplay } from "../../shared/replay-store/replay-codec.ts";
import { anyReplay, aReplay } from "../support/any-replay.ts";

describe("a replay as text", () => {
  it("comes back as it was, every instant an instant and every text a text", () => {
    fc.assert(
      fc.property(anyReplay, (replay) => {
        expect(decodeReplay(encodeReplay(replay))).toStrictEqual(replay);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is JSON that anybody can read", () => {
    const text = encodeReplay(aReplay({ driver: { id: "server-1", until: new Date("2026-11-20T10:01:00.000Z") } }));
    expect(JSON.parse(text)).toMatchObject({
      name: "after-the-outage",
      requestedAt: "2026-11-20T10:00:00.000Z",
      window: { from: "2026-11-20T08:00:00.000Z", to: "2026-11-20T09:00:00.000Z" },
      driver: { id: "server-1", until: "2026-11-20T10:01:00.000Z" },
    });
  });

  it("leaves the instants of a pattern as they are written", () => {
    const pattern = { time: ["2026-11-20T10:00:00.000Z"] };
    const replay = aReplay({ filter: { pattern } });
    expect(decodeReplay(encodeReplay(replay)).filter).toStrictEqual({ pattern });
  });
});
