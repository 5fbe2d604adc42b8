import { describe, expect, it } from "vitest";
import { isReservedName, noCounts, type Replay, ReplayName, statusOf } from "../../../shared/domain/replays/replay.ts";
import { read } from "../../../shared/domain/text/schema.ts";

const NOW = new Date("2026-11-20T10:00:00.000Z");
const before = new Date(NOW.getTime() - 1);
const later = new Date(NOW.getTime() + 1);

type About = Partial<Replay["progress"]> & { asked?: Replay["asked"]; drivenUntil?: Date };

function status({ asked = "run", drivenUntil, ...progress }: About) {
  const replay = {
    asked,
    progress: { pass: 1, counts: noCounts(), stretches: [], ...progress },
    ...(drivenUntil && { driver: { id: "one", until: drivenUntil } }),
  };
  return statusOf(replay as unknown as Replay, NOW);
}

describe("a replay", () => {
  it.each<[string, About]>([
    ["queued", {}],
    ["running", { startedAt: before, drivenUntil: later }],
    ["running", { startedAt: before }],
    ["waiting", { startedAt: before, nextPassAt: later }],
    ["running", { startedAt: before, nextPassAt: NOW }],
    ["pausing", { startedAt: before, asked: "pause", drivenUntil: later }],
    ["paused", { startedAt: before, asked: "pause" }],
    ["paused", { startedAt: before, asked: "pause", drivenUntil: NOW }],
    ["paused", { asked: "pause" }],
    ["paused", { startedAt: before, nextPassAt: later, asked: "pause" }],
    ["stopping", { startedAt: before, asked: "cancel" }],
    ["stopping", { startedAt: before, nextPassAt: later, asked: "cancel" }],
    ["cancelled", { endedAt: before, asked: "cancel" }],
    ["done", { startedAt: before, endedAt: before }],
    ["done", { startedAt: before, endedAt: before, asked: "pause" }],
    ["failed", { startedAt: before, endedAt: before, failed: true }],
    ["failed", { startedAt: before, endedAt: before, failed: true, asked: "cancel" }],
  ])("is %s: %j", (expected, about) => {
    expect(status(about)).toBe(expected);
  });
});

describe("a replay's name", () => {
  it.each(["a", "undo-23-of-mailer", "x".repeat(64)])("may be '%s'", (name) => {
    expect(read(ReplayName, name).ok).toBe(true);
  });

  // A # would divide a delivery's key in another place.
  it.each(["", "A", "one#two", "one two", "x".repeat(65), "one\n"])("can't be %j", (name) => {
    expect(read(ReplayName, name).ok).toBe(false);
  });

  it("is never that of deliveries as they arrive", () => {
    expect(isReservedName("live")).toBe(true);
    expect(isReservedName("live-2")).toBe(false);
  });
});
