import { describe, expect, it } from "vitest";
import {
  mostShards,
  mostShardsWithin,
  readShardSchedule,
  type ShardSchedule,
  shardsAt,
} from "../../../shared/domain/deliveries/shard-schedule.ts";

const at = (time: string) => new Date(`2026-11-21T${time}Z`);

function scheduleOf(text: string): ShardSchedule {
  const schedule = readShardSchedule(text);
  if (!schedule.ok) throw new Error(schedule.problem);
  return schedule.value;
}

describe("a shard schedule", () => {
  it("is one number for ever, or numbers from their times on", () => {
    expect(scheduleOf("4")).toEqual([{ from: new Date(0), shards: 4 }]);
    expect([scheduleOf("1"), scheduleOf("1000")].map(([count]) => count?.shards)).toEqual([1, 1_000]);
    expect(scheduleOf("1,8@2026-11-21T10:00:00Z, 2@2026-11-21T10:00:00.500Z")).toEqual([
      { from: new Date(0), shards: 1 },
      { from: at("10:00:00"), shards: 8 },
      { from: at("10:00:00.500"), shards: 2 },
    ]);
  });

  it.each([
    ["", /'' is no number/],
    ["0", /'0' is no number from 1 to 1000/],
    ["1001", /no number from 1 to 1000/],
    ["8@2026-11-21T10:00:00Z", /the first number has no time/],
    ["1,8", /'8' has no time/],
    ["1,8@tomorrow", /'tomorrow' is no instant in UTC/],
    ["1,8@2026-11-21T10:00:00+02:00", /no instant in UTC/],
    ["1,8@2026-11-21T10:00:00Z,4@2026-11-21T10:00:00Z", /not later than the one before/],
    ["1;8@2026-11-21T10:00:00Z", /expected a shard schedule such as 1,8@/],
  ])("refuses '%s'", (text, problem) => {
    expect(readShardSchedule(text)).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
  });

  it("tells the number of a time, and the highest of a stretch", () => {
    const schedule = scheduleOf("2,8@2026-11-21T10:00:00Z,4@2026-11-21T11:00:00Z");
    expect(
      [at("09:59:59.999"), at("10:00:00"), at("11:00:00"), new Date(-1)].map((t) => shardsAt(schedule, t)),
    ).toEqual([2, 8, 4, 2]);
    expect(mostShardsWithin(schedule, at("09:00:00"), at("10:00:00"))).toBe(2);
    expect(mostShardsWithin(schedule, at("09:00:00"), at("10:00:00.001"))).toBe(8);
    expect(mostShardsWithin(schedule, at("10:30:00"), at("12:00:00"))).toBe(8);
    expect(mostShardsWithin(schedule, at("11:00:00"), at("12:00:00"))).toBe(4);
    expect(mostShards(schedule)).toBe(8);
  });
});
