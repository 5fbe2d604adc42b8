import { describe, expect, onTestFinished, test } from "vitest";
import { emptyMeter } from "../../shared/domain/health/guard-meter.ts";
import { newWatch, type Watch } from "../../shared/domain/health/watch.ts";
import type { WatchStore } from "../../shared/watch-store/watch-store.ts";

export type OpenWatchStore = {
  /** Empty. */
  store: WatchStore;
  /** The same store, as another process has it. */
  another: () => Promise<WatchStore>;
  /** Puts another text in the place of a stored watch's. */
  damage: (watch: Watch, text: string) => Promise<void>;
  close: () => Promise<void>;
};

const start = new Date("2026-11-20T10:00:00.000Z");

export function aWatch(about: Partial<Watch> = {}): Watch {
  return { ...newWatch({ component: "mailer", alias: "beta", version: "24" }, start, start), ...about };
}

const fullWatch = aWatch({
  meters: {
    failed: {
      ...emptyMeter,
      own: { tried: 9, failed: 3 },
      bursts: { tried: 4.5, failed: 1.5 },
      sums: [-0.25, 1e-9, 3],
    },
    slower: emptyMeter,
    missing: { ...emptyMeter, own: { tried: 3, failed: 3 } },
  },
  suspects: [{ who: "customer#acme", tried: 600, failed: 0.5, at: start.toISOString() }],
  taken: [
    {
      ...{ who: "customer#a#b", at: start.toISOString(), stage: "ended", mode: "undo", revision: 4 },
      ...{ why: "24 is worse for customer a#b", done: "they go to stable" },
    },
  ],
  customers: ["acme", "{}"],
  slow: { aboveMs: 150, at: start.toISOString() },
  before: { tried: 100, failed: 1, durations: [[3, 99]], at: start.toISOString() },
  verdict: { says: "no verdict", metrics: [], more: null },
  trip: {
    at: start.toISOString(),
    stage: "acting",
    mode: "undo",
    verdict: { says: "worse", metrics: [], more: 0 },
    why: "24 fails",
    revision: 7,
    to: "23",
    replay: "guard-beta-24",
  },
  keeper: { id: "a", until: start.toISOString() },
});

/** What every store of guards' watches does. */
export function describeWatchStore(name: string, open: () => Promise<OpenWatchStore>): void {
  async function openStore() {
    const opened = await open();
    onTestFinished(opened.close);
    return opened;
  }

  describe(`the watches in a watch store (${name})`, () => {
    test("are stored with all that is known, and another process sees it at once", async () => {
      const { store, another } = await openStore();
      expect(await store.put(fullWatch)).toStrictEqual({ ...fullWatch, lock: 1 });
      expect(await (await another()).watches()).toStrictEqual([{ ...fullWatch, lock: 1 }]);
    });

    test("are changed by whoever has seen the newest, and by nobody else", async () => {
      const { store, another } = await openStore();
      const first = await store.put(aWatch());
      expect(await store.put(aWatch())).toBeUndefined();
      const other = await another();
      const second = await other.put({ ...aWatch({ customers: ["acme"] }), lock: first?.lock ?? 0 });
      expect(second?.lock).toBe(2);
      expect(await store.put({ ...aWatch(), lock: first?.lock ?? 0 })).toBeUndefined();
      expect(await store.watches()).toStrictEqual([second]);
    });

    test("are listed by component, alias and version, or those of one component alone", async () => {
      const { store } = await openStore();
      for (const [component, alias, version] of [
        ["mailer", "beta", "24"],
        ["mailer", "beta", "#1"],
        ["mail", "beta", "24"],
        ["mailer", "alpha", "25"],
      ] as const) {
        await store.put(aWatch({ component, alias, version }));
      }
      const keys = (all: readonly Watch[]) => all.map(({ component, alias, version }) => [component, alias, version]);
      expect(keys(await store.watches("mail"))).toEqual([["mail", "beta", "24"]]);
      expect(keys(await store.watches("mailer"))).toEqual([
        ["mailer", "alpha", "25"],
        ["mailer", "beta", "#1"],
        ["mailer", "beta", "24"],
      ]);
      expect(await store.watches()).toHaveLength(4);
    });

    test("are forgotten, and may then come anew", async () => {
      const { store } = await openStore();
      await store.put(aWatch());
      await store.remove(aWatch());
      await store.remove(aWatch());
      expect(await store.watches()).toEqual([]);
      expect(await store.put(aWatch())).toMatchObject({ lock: 1 });
    });

    test("one that can't be read has seen nothing for long, and is taken up from its lock", async () => {
      const { store, damage } = await openStore();
      await store.put(fullWatch);
      for (const text of ["", "{", "null", '{"component":"mailer"}']) {
        await damage(fullWatch, text);
        const [found] = await store.watches();
        const anew = newWatch(fullWatch, new Date(0), new Date(0));
        expect(found).toStrictEqual({ ...anew, lock: found?.lock });
      }
      const [found] = await store.watches();
      expect(await store.put({ ...aWatch(), lock: found?.lock ?? 0 })).toBeDefined();
    });
  });
}
