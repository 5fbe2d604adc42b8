import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { type BodyStore, bodyKeyOf } from "../../shared/body-store/body-store.ts";

export type OpenBodies = {
  store: BodyStore;
  /** The same bodies, as another process has them. */
  another: () => BodyStore;
  close: () => Promise<void>;
};

const DAY_MS = 86_400_000;
const now = new Date("2026-11-21T10:00:00.000Z");
const days = (count: number) => new Date(now.getTime() + count * DAY_MS);

/** What every body store does. Each test has an empty one. */
export function describeBodyStore(name: string, open: () => Promise<OpenBodies>): void {
  async function openStore() {
    const opened = await open();
    onTestFinished(opened.close);
    return opened;
  }

  /** What stands under a key, as text or as bytes; fails where nothing can be had. */
  const bytesOf = async (store: BodyStore, key: string) => {
    const read = await store.get(key);
    if (!read.ok) throw new Error(read.problem);
    return Buffer.from(read.value);
  };

  const aKey = (recordExpiresAt: Date) => bodyKeyOf(recordExpiresAt, randomUUID());

  describe(`a body store (${name})`, () => {
    test.each([
      ["a megabyte", randomBytes(1_048_576)],
      ["one byte", Buffer.from([0])],
      ["no byte", Buffer.alloc(0)],
      ["every byte", Buffer.from(Array.from({ length: 256 }, (_, n) => n))],
    ])("gives back %s as it was put, to anybody", async (_what, bytes) => {
      const { store, another } = await openStore();
      const key = aKey(days(30));
      await store.put(key, bytes);
      for (const from of [store, another()]) expect(Buffer.compare(await bytesOf(from, key), bytes)).toBe(0);
    });

    test("has the last of what was put under one key", async () => {
      const { store, another } = await openStore();
      const key = aKey(days(30));
      await store.put(key, Buffer.from("first, and longer"));
      await another().put(key, Buffer.from("second"));
      expect((await bytesOf(store, key)).toString()).toBe("second");
    });

    test("takes one key from many at once", async () => {
      const { store, another } = await openStore();
      const key = aKey(days(30));
      const stores = [store, another()];
      const bytes = randomBytes(100_000);
      await Promise.all(Array.from({ length: 10 }, (_, n) => stores[n % 2]?.put(key, bytes)));
      expect(Buffer.compare(await bytesOf(store, key), bytes)).toBe(0);
      expect(await store.expire(days(100), 100)).toBe(1);
    });

    test("answers for a body that isn't there, and says where it looked", async () => {
      const { store } = await openStore();
      const key = aKey(days(30));
      const problem = expect.stringMatching(new RegExp(`^the body can't be read from .*${key}`));
      expect(await store.get(key)).toEqual({ ok: false, problem });
      const there = aKey(days(30));
      await store.put(there, Buffer.from("another"));
      expect(await store.get(key)).toEqual({ ok: false, problem });
      expect((await bytesOf(store, there)).toString()).toBe("another");
    });

    test("removes what has expired, the oldest first and no more than asked for", async () => {
      const { store } = await openStore();
      const keys = [3, 1, 2, 30].map((count) => aKey(days(count)));
      for (const key of keys) await store.put(key, Buffer.from(key));
      const there = async () => {
        const found = await Promise.all(keys.map((key) => store.get(key)));
        return found.map(({ ok }) => ok);
      };
      expect(await store.expire(days(10), 2)).toBe(2);
      expect(await there()).toEqual([true, false, false, true]);
      expect(await store.expire(days(10), 2)).toBe(1);
      expect(await there()).toEqual([false, false, false, true]);
      expect(await store.expire(days(10), 2)).toBe(0);
    });

    test("keeps a body a day longer than its record, to the millisecond", async () => {
      const { store } = await openStore();
      const key = aKey(now);
      await store.put(key, Buffer.from("body"));
      expect(await store.expire(new Date(days(1).getTime() - 1), 100)).toBe(0);
      expect((await bytesOf(store, key)).toString()).toBe("body");
      expect(await store.expire(days(1), 100)).toBe(1);
    });

    test("a body store that is empty has nothing to remove", async () => {
      const { store } = await openStore();
      expect(await store.expire(days(10_000), 100)).toBe(0);
    });
  });
}
