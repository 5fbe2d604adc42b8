import type { Read } from "../text/schema.ts";
import { Instant } from "../text/schema.ts";

/** How many partitions something is spread over, each number in force from a time on; in order of time. */
export type ShardSchedule = readonly ShardCount[];
export type ShardCount = { from: Date; shards: number };

/** More than anybody needs: 500,000 writes a second. */
const MAX_SHARDS = 1_000;

/** One partition, always. */
export const ONE_SHARD: ShardSchedule = [{ from: new Date(0), shards: 1 }];

/**
 * Reads a schedule such as `1,8@2026-11-21T10:00:00Z`: 1 from the beginning, 8 from then on. Numbers that were in force
 * have to stay in it for as long as anything is kept that was stored under them.
 */
export function readShardSchedule(text: string): Read<ShardSchedule> {
  const schedule: ShardCount[] = [];
  for (const [index, part] of text.split(",").entries()) {
    const [, digits = "", time] = /^(\d{1,4})(?:@(\S+))?$/.exec(part.trim()) ?? [];
    const shards = Number(digits);
    if (digits === "" || shards < 1 || shards > MAX_SHARDS) return refusal(`'${part}' is no number from 1 to 1000`);
    if ((time === undefined) !== (index === 0)) {
      return refusal(index === 0 ? "the first number has no time" : `'${part}' has no time`);
    }
    const from = time === undefined ? new Date(0) : instantOf(time);
    if (from === undefined) return refusal(`'${time}' is no instant in UTC such as 2026-11-21T10:00:00Z`);
    const before = schedule.at(-1);
    if (before !== undefined && from <= before.from) return refusal(`'${part}' is not later than the one before`);
    schedule.push({ from, shards });
  }
  return { ok: true, value: schedule };
}

function refusal(why: string): Read<never> {
  return { ok: false, problem: `expected a shard schedule such as 1,8@2026-11-21T10:00:00Z: ${why}` };
}

function instantOf(text: string): Date | undefined {
  const whole = text.replace(/:(\d\d)Z$/, ":$1.000Z");
  return Instant.safeParse(whole).success ? new Date(whole) : undefined;
}

/** The number in force at that time. */
export function shardsAt(schedule: ShardSchedule, at: Date): number {
  return schedule.findLast(({ from }) => from <= at)?.shards ?? schedule[0]?.shards ?? 1;
}

/** The highest number that is in force at some time from `from` (inclusive) to `to` (exclusive). */
export function mostShardsWithin(schedule: ShardSchedule, from: Date, to: Date): number {
  const within = schedule.filter((count) => count.from > from && count.from < to).map(({ shards }) => shards);
  return Math.max(shardsAt(schedule, from), ...within);
}

/** The highest number that is ever in force. */
export function mostShards(schedule: ShardSchedule): number {
  return Math.max(1, ...schedule.map(({ shards }) => shards));
}
