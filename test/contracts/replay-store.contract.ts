import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { noCounts, type Replay } from "../../shared/domain/replays/replay.ts";
import { UnreadableReplay } from "../../shared/domain/replays/unreadable-replay.ts";
import { encodeReplay } from "../../shared/replay-store/replay-codec.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import { anyReplay, aReplay } from "../support/any-replay.ts";

export type OpenReplayStore = {
  /** Empty. */
  store: ReplayStore;
  /** The same store, as another process has it. */
  another: () => Promise<ReplayStore>;
  /** Puts another text in the place of a stored replay's, and leaves alone what stands beside it. */
  damage: (name: string, text: string) => Promise<void>;
  close: () => Promise<void>;
};

const start = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(start.getTime() + ms);

/**
 * What every replay store does.
 * @param effort how much of the usual number of random cases is tried, for a store that is slow
 */
export function describeReplayStore(name: string, open: () => Promise<OpenReplayStore>, effort = 1): void {
  async function openStore() {
    const opened = await open();
    onTestFinished(opened.close);
    return opened;
  }

  describe(`a replay in a replay store (${name})`, () => {
    test("is kept at lock 1, whatever its lock was", async () => {
      const { store, another } = await openStore();
      const replay = aReplay({ lock: 7 });
      expect(await store.create(replay)).toBe(true);
      expect(await (await another()).get(replay.name)).toStrictEqual({ ...replay, lock: 1 });
    });

    test("a replay that nobody has created isn't there, and can't be changed", async () => {
      const { store } = await openStore();
      const replay = aReplay();
      expect(await store.get(replay.name)).toBeUndefined();
      expect(await store.update(replay)).toBeUndefined();
      expect(await store.get(replay.name)).toBeUndefined();
      expect([await store.list(10), await store.active()]).toEqual([[], []]);
    });

    test("keeps its name for ever: another of that name is refused, and changes nothing", async () => {
      const { store, another } = await openStore();
      const first = aReplay({ why: "the first" });
      await store.create(first);
      const second = aReplay({ why: "the second", requestedAt: plus(1) });
      expect(await (await another()).create(second)).toBe(false);
      expect(await store.get(first.name)).toStrictEqual(first);
      await store.update(endedAt(first, plus(2)));
      expect(await store.create(second)).toBe(false);
      expect(await store.list(10)).toMatchObject([{ why: "the first", lock: 2 }]);
    });

    test("is created by exactly one of many that want its name at once", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      const replays = Array.from({ length: 10 }, (_, n) => aReplay({ who: `operator ${n}` }));
      const answers = await Promise.all(replays.map((replay, n) => stores[n % 2]?.create(replay)));
      expect(answers.filter((created) => created)).toHaveLength(1);
      expect(await store.get("after-the-outage")).toStrictEqual(replays[answers.indexOf(true)]);
    });

    test("comes back as it was, in every way of asking for it", async () => {
      const { store, another } = await openStore();
      const other = await another();
      await fc.assert(
        fc.asyncProperty(anyReplay, anyReplay, async (anyFirst, anySecond) => {
          // A shrunk case must not meet what a longer one has left behind.
          const first = { ...anyFirst, name: randomUUID() };
          const second = { ...anySecond, name: first.name, requestedAt: first.requestedAt };
          expect(await store.create(first)).toBe(true);
          expect(await other.get(first.name)).toStrictEqual(first);
          expect(await other.update(second)).toStrictEqual({ ...second, lock: 2 });
          const stored = { ...second, lock: 2 };
          expect(await store.get(first.name)).toStrictEqual(stored);
          expect((await store.list(1_000)).find((one) => one.name === first.name)).toStrictEqual(stored);
          const active = (await store.active()).find((one) => one.name === first.name);
          expect(active).toStrictEqual(stored.progress.endedAt === undefined ? stored : undefined);
        }),
        { numRuns: Math.ceil(100 * effort) },
      );
    });
  });

  describe(`a change of a replay in a replay store (${name})`, () => {
    test("is stored at the next lock, and answered so", async () => {
      const { store, another } = await openStore();
      const other = await another();
      let replay = aReplay();
      await store.create(replay);
      for (let lock = 2; lock <= 20; lock++) {
        const changed = { ...replay, progress: { ...replay.progress, pass: lock } };
        const stored = await (lock % 2 === 0 ? other : store).update(changed);
        expect(stored).toStrictEqual({ ...changed, lock });
        replay = stored ?? replay;
        expect(await store.get(replay.name)).toStrictEqual(replay);
      }
    });

    test("a change of a replay of what has changed since is refused, and changes nothing", async () => {
      const { store } = await openStore();
      const first = aReplay();
      await store.create(first);
      const second = await store.update({ ...first, asked: "pause" });
      expect(await store.update({ ...first, asked: "cancel" })).toBeUndefined();
      expect(await store.update({ ...first, lock: 3, asked: "cancel" })).toBeUndefined();
      expect(await store.get(first.name)).toStrictEqual(second);
    });

    test("made by several at once is made by exactly one of them", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      let replay = aReplay();
      await store.create(replay);
      for (let round = 1; round <= 5; round++) {
        const changes = Array.from({ length: 8 }, (_, n): Replay => ({ ...replay, why: `round ${round}, by ${n}` }));
        const answers = await Promise.all(changes.map((change, n) => stores[n % 2]?.update(change)));
        const [winner, ...others] = answers.filter((answer) => answer !== undefined);
        expect(others).toEqual([]);
        const expected = { ...changes[answers.indexOf(winner)], lock: round + 1 };
        expect(winner).toStrictEqual(expected);
        expect(await store.get(replay.name)).toStrictEqual(expected);
        replay = winner ?? replay;
      }
    });

    test("loses nothing that others have added meanwhile, if it is made anew when it is refused", async () => {
      const { store, another } = await openStore();
      const stores = [store, await another()];
      await store.create(aReplay());
      const add = async (from: ReplayStore) => {
        for (;;) {
          const replay = await from.get("after-the-outage");
          if (replay === undefined) throw new Error("it is gone");
          const counts = { ...replay.progress.counts, sent: replay.progress.counts.sent + 1 };
          if ((await from.update({ ...replay, progress: { ...replay.progress, counts } })) !== undefined) return;
        }
      };
      await Promise.all(
        Array.from({ length: 6 }, async (_, n) => {
          for (let times = 0; times < 5; times++) await add(stores[n % 2] ?? store);
        }),
      );
      const { lock, progress } = (await store.get("after-the-outage")) ?? aReplay();
      expect({ lock, sent: progress.counts.sent }).toEqual({ lock: 31, sent: 30 });
    });

    test("leaves the others alone", async () => {
      const { store } = await openStore();
      const [one, other] = [aReplay({ name: "one" }), aReplay({ name: "other", requestedAt: plus(1) })];
      await store.create(one);
      await store.create(other);
      await store.update({ ...one, asked: "pause" });
      expect(await store.get("other")).toStrictEqual(other);
    });
  });

  describe(`the replays of a replay store (${name})`, () => {
    test("are listed from the newest on, by when they were asked for and then by name, and no more than wanted", async () => {
      const { store } = await openStore();
      const asked = [3, 1, 4, 1, 5].map((ms, n) => aReplay({ name: `replay-${n}`, requestedAt: plus(ms) }));
      for (const replay of asked) await store.create(replay);
      const names = async (limit: number) => (await store.list(limit)).map((replay) => replay.name);
      const all = ["replay-4", "replay-2", "replay-0", "replay-3", "replay-1"];
      expect(await names(10)).toEqual(all);
      for (const limit of [0, 1, 4, 5]) expect(await names(limit)).toEqual(all.slice(0, limit));
      await store.update({ ...aReplay(), name: "replay-1", requestedAt: plus(1), why: "a change moves nothing" });
      expect(await names(10)).toEqual(all);
    });

    test("replays that are active are those that haven't ended, the oldest first", async () => {
      const { store, another } = await openStore();
      const states: Partial<Replay>[] = [
        {},
        { asked: "pause" },
        endedAt(aReplay(), plus(9)),
        { asked: "cancel" },
        { ...endedAt(aReplay(), plus(9)), asked: "cancel" },
      ];
      const replays = states.map((state, n) =>
        aReplay({ ...state, name: `replay-${n}`, requestedAt: plus(n === 3 ? -1 : n) }),
      );
      for (const replay of replays) await store.create(replay);
      const names = async () => (await (await another()).active()).map((replay) => replay.name);
      expect(await names()).toEqual(["replay-3", "replay-0", "replay-1"]);
      await store.update(endedAt(replays[0] ?? aReplay(), plus(10)));
      expect(await names()).toEqual(["replay-3", "replay-1"]);
      expect(await store.list(9)).toHaveLength(5);
    });

    test.each(damages)("are there, all but one that can't be read: %s", async (_, text, problem) => {
      const { store, another, damage } = await openStore();
      const [first, damaged, last] = ["first", "after-the-outage", "last"].map((name, n) =>
        aReplay({ name, requestedAt: plus(n) }),
      ) as [Replay, Replay, Replay];
      for (const replay of [first, damaged, last]) await store.create(replay);
      await damage(damaged.name, text);
      const other = await another();
      const unreadable = {
        name: damaged.name,
        requestedAt: damaged.requestedAt,
        problem: expect.stringMatching(problem),
      };
      const listed = await other.list(10);
      expect(listed).toEqual([last, expect.objectContaining(unreadable), first]);
      expect(listed[1]).toBeInstanceOf(UnreadableReplay);
      expect(await other.list(2)).toHaveLength(2);
      expect(await other.active()).toStrictEqual([first, last]);
      await expect(other.get(damaged.name)).rejects.toThrow(
        /What is stored of replay 'after-the-outage' can't be read: .+takes a new replay of another name/,
      );
      // Its name stays taken, and the others change as ever.
      expect(await other.create(damaged)).toBe(false);
      expect(await other.update(first)).toMatchObject({ name: "first", lock: 2 });
    });

    test("may be of several pages of DynamoDB, 1 MB each", async () => {
      const { store, another } = await openStore();
      const versions = Array.from({ length: 150 }, (_, n) => {
        return { component: `component-${n}`, alias: "stable", version: randomUUID(), count: n };
      });
      const planned = { ...noCounts(), versions };
      const replays = Array.from({ length: 150 }, (_, n) => {
        const replay = aReplay({ name: `replay-${n}`, requestedAt: plus(n), planned });
        return n % 10 === 0 ? replay : endedAt(replay, plus(9_999));
      });
      for (let n = 0; n < replays.length; n += 50) {
        const created = await Promise.all(replays.slice(n, n + 50).map((replay) => store.create(replay)));
        expect(created).not.toContain(false);
      }
      const other = await another();
      expect(await other.list(2_000)).toStrictEqual(replays.toReversed());
      expect((await other.list(3)).map((replay) => replay.name)).toEqual(["replay-149", "replay-148", "replay-147"]);
      expect(await other.active()).toStrictEqual(replays.filter((_, n) => n % 10 === 0));
    });
  });
}

/** What may stand where a replay's text should. */
const damages: [what: string, text: string, problem: RegExp][] = [
  ["no JSON", "{", /^not JSON/],
  ["nothing that belongs to one", "{}", /^replay\.name: /],
  ["null", "null", /^replay: |^its text is damaged/],
  [
    "a window that is none",
    encodeReplay(aReplay()).replace("2026-11-20T08:00:00.000Z", "08:00"),
    /^replay\.window\.from: /,
  ],
  ["counts that are none", encodeReplay(aReplay()).replaceAll('"dead":0', '"dead":null'), /^replay\.planned\.dead: /],
  ["another's text", encodeReplay(aReplay({ name: "another" })), /^its text is that of a replay 'another'/],
];

function endedAt(replay: Replay, at: Date): Replay {
  return { ...replay, progress: { ...replay.progress, endedAt: at } };
}
