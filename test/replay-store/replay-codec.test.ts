import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { filterText } from "../../scripts/commands/events/filter-options.ts";
import { replayJson } from "../../scripts/commands/replays/replay-json.ts";
import { endLines } from "../../scripts/commands/replays/replay-text.ts";
import type { ReplayCounts } from "../../shared/domain/replays/replay.ts";
import { progressText } from "../../shared/domain/replays/replay-told.ts";
import { decodeReplay, encodeReplay } from "../../shared/replay-store/replay-codec.ts";
import { anyReplay, aReplay } from "../support/any-replay.ts";

/** A copy with this value in the place of one of its own, however deep. */
function replaced(stored: unknown, place: number, value: unknown): unknown {
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const walk = (at: unknown) => {
    if (typeof at !== "object" || at === null) return;
    for (const [key, inner] of Object.entries(at)) {
      places.push([at as Record<string, unknown>, key]);
      walk(inner);
    }
  };
  walk(stored);
  const [holder, key] = places[place % places.length] ?? [];
  if (holder !== undefined && key !== undefined) holder[key] = value;
  return stored;
}

describe("a replay as text", () => {
  it("comes back as it was, every instant an instant and every text a text", () => {
    fc.assert(
      fc.property(anyReplay, (replay) => {
        expect(decodeReplay(encodeReplay(replay))).toStrictEqual({ ok: true, value: replay });
      }),
      { numRuns: 1_000 },
    );
  });

  it("a replay as text that somebody has damaged is told as unreadable, or can be shown and judged like any other", () => {
    const now = new Date("2026-11-20T10:00:00.000Z");
    let told = 0;
    fc.assert(
      fc.property(anyReplay, fc.nat(), fc.jsonValue(), (replay, place, value) => {
        const damaged = replaced(JSON.parse(encodeReplay(replay)), place, value);
        const decoded = decodeReplay(JSON.stringify(damaged));
        if (!decoded.ok) {
          told += 1;
          expect(decoded.problem).not.toBe("");
          return;
        }
        replayJson(decoded.value, now);
        progressText(decoded.value, now);
        endLines(decoded.value);
        filterText(decoded.value.filter);
        expect(decodeReplay(encodeReplay(decoded.value))).toStrictEqual(decoded);
      }),
      { numRuns: 2_000 },
    );
    expect(told).toBeGreaterThan(500);
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
    expect(decodeReplay(encodeReplay(replay))).toStrictEqual({ ok: true, value: replay });
  });

  it("is read by the names that its fields had before", () => {
    fc.assert(
      fc.property(anyReplay, (replay) => {
        const { lock, destination, progress, planned, ...same } = replay;
        const older = ({ versions, ...counts }: ReplayCounts) => ({ ...counts, targets: versions });
        const text = {
          ...same,
          revision: lock,
          target: destination,
          planned: older(planned),
          progress: {
            ...progress,
            counts: older(progress.counts),
            ...(progress.before && { before: older(progress.before) }),
            stretches: progress.stretches.map((stretch) => ({ ...stretch, counts: older(stretch.counts) })),
          },
        };
        expect(decodeReplay(JSON.stringify(text))).toStrictEqual({ ok: true, value: replay });
      }),
    );
    const filtered = encodeReplay(aReplay({ filter: { because: "replay destination" } }));
    const text = filtered.replace("replay destination", "replay target");
    expect(decodeReplay(text)).toStrictEqual(decodeReplay(filtered));
  });
});
