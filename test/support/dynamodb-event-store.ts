import { onTestFinished } from "vitest";
import type { BodyStore } from "../../shared/body-store/body-store.ts";
import { hasExpired } from "../../shared/body-store/body-store.ts";
import { ONE_SHARD, type ShardSchedule } from "../../shared/domain/deliveries/shard-schedule.ts";
import { dynamodbEventStore } from "../../shared/event-store/dynamodb-event-store.ts";
import { createTable, dynamodbClient } from "./dynamodb-local.ts";
import { seededRandom } from "./seeded-random.ts";

export type AboutStore = {
  maxAttempts?: number;
  recordShards?: ShardSchedule;
  dueShards?: ShardSchedule;
  bodies?: BodyStore;
};

/** An event store on DynamoDB with its client; backoffs are noted instead of waited for. */
export function anEventStore(endpoint: string, tableName: string, about: AboutStore = {}) {
  const client = dynamodbClient(endpoint);
  onTestFinished(() => client.destroy());
  const delays: number[] = [];
  const bodies = about.bodies ?? memoryBodyStore();
  const store = dynamodbEventStore({
    client,
    tableName,
    retry: { maxAttempts: about.maxAttempts ?? 20, baseDelayMs: 20, maxDelayMs: 1_000 },
    random: seededRandom(tableName.length),
    delay: async (ms) => void delays.push(ms),
    recordShards: about.recordShards ?? ONE_SHARD,
    dueShards: about.dueShards ?? ONE_SHARD,
    bodies,
  });
  return { store, client, delays, bodies };
}

/** A new, empty table and an event store on it. */
export async function aNewEventStore(endpoint: string, about?: AboutStore) {
  const maker = dynamodbClient(endpoint);
  const tableName = await createTable(maker);
  maker.destroy();
  return { tableName, ...anEventStore(endpoint, tableName, about) };
}

/** Bodies for as long as the test runs. */
export function memoryBodyStore(): BodyStore & { kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    async put(key, bytes) {
      kept.set(key, bytes);
    },
    async get(key) {
      const bytes = kept.get(key);
      return bytes === undefined ? { ok: false, problem: `no body ${key}` } : { ok: true, value: bytes };
    },
    async expire(now, limit) {
      const expired = [...kept.keys()].filter((key) => hasExpired(key, now)).sort();
      for (const key of expired.slice(0, limit)) kept.delete(key);
      return Math.min(limit, expired.length);
    },
  };
}
