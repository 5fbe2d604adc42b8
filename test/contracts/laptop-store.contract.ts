import { describe, expect, onTestFinished, test } from "vitest";
import type { InboxItem } from "../../shared/domain/deliveries/inbox-item.ts";
import { isLive, type LaptopLease } from "../../shared/domain/routing/laptop-lease.ts";
import type { LaptopStore } from "../../shared/laptop-store/laptop-store.ts";

export type OpenLaptopStore = {
  /** Empty. */
  store: LaptopStore;
  /** The same store, as another process has it. */
  another: () => Promise<LaptopStore>;
  /** Puts another text in the place of a stored lease's, or item's. */
  damageLease: (lease: LaptopLease, text: string) => Promise<void>;
  damageItem: (item: InboxItem, text: string) => Promise<void>;
  close: () => Promise<void>;
};

export function aLease(about: Partial<LaptopLease> = {}): LaptopLease {
  const until = "2026-11-20T10:00:45.000Z";
  return { component: "mailer", alias: "laptop-ada", session: "a", owner: "ada on one", until, lock: 0, ...about };
}

export function anItem(about: Partial<InboxItem> = {}): InboxItem {
  const requestId = about.requestId ?? "request-1";
  return {
    requestId,
    component: "mailer",
    alias: "laptop-ada",
    functionArn: "arn:aws:lambda:local:000000000000:function:mailer",
    at: "2026-11-20T10:00:00.000Z",
    timeoutMs: 30_000,
    event: { id: "event-1", source: "shop", "detail-type": "order placed" },
    turnout: {
      component: "mailer",
      alias: "laptop-ada",
      because: "customer pin",
      fallback: false,
      idempotencyKey: `${"a".repeat(64)}#live`,
      publisherKey: "order-1 “Öl”",
      generation: "live",
      attempt: 1,
      outcomeToken: "token",
      routingRevision: 7,
      subject: { customer: "acme" },
      replay: null,
    },
    ...about,
  };
}

/** What every store of leases and inboxes does. */
export function describeLaptopStore(name: string, open: () => Promise<OpenLaptopStore>): void {
  async function openStore() {
    const opened = await open();
    onTestFinished(opened.close);
    return opened;
  }

  describe(`the leases in a laptop store (${name})`, () => {
    test("are stored whole, and another process sees them at once", async () => {
      const { store, another } = await openStore();
      const ended = aLease({ alias: "laptop-bob", ended: true, revision: 28 });
      expect(await store.putLease(aLease())).toStrictEqual(aLease({ lock: 1 }));
      expect(await store.putLease(ended)).toStrictEqual({ ...ended, lock: 1 });
      expect(await (await another()).leases()).toStrictEqual([aLease({ lock: 1 }), { ...ended, lock: 1 }]);
    });

    test("are changed by whoever has seen the newest, and by nobody else", async () => {
      const { store, another } = await openStore();
      const other = await another();
      const results = await Promise.all([store.putLease(aLease()), other.putLease(aLease({ session: "b" }))]);
      const [first] = results.filter((one) => one !== undefined);
      expect(results.filter((one) => one === undefined)).toHaveLength(1);
      const second = await other.putLease({ ...aLease({ session: "c" }), lock: first?.lock ?? 0 });
      expect(second).toMatchObject({ session: "c", lock: 2 });
      expect(await store.putLease({ ...aLease(), lock: 1 })).toBeUndefined();
      expect(await store.leases()).toStrictEqual([second]);
    });

    test("are forgotten by whoever has seen the newest, and may then come anew", async () => {
      const { store } = await openStore();
      await store.putLease(aLease());
      await store.removeLease(aLease({ lock: 7 }));
      expect(await store.leases()).toHaveLength(1);
      await store.removeLease(aLease({ lock: 1 }));
      await store.removeLease(aLease({ lock: 1 }));
      expect(await store.leases()).toEqual([]);
      expect(await store.putLease(aLease())).toMatchObject({ lock: 1 });
    });

    test("one that can't be read has lapsed, costs nobody but itself, and is whoever's listens next", async () => {
      const { store, damageLease } = await openStore();
      const broken = aLease({ alias: "laptop-bob" });
      await store.putLease(broken);
      await store.putLease(aLease());
      for (const text of ["", "{", "null", '{"component":"mailer"}']) {
        await damageLease(broken, text);
        const [ada, bob] = await store.leases();
        expect(ada).toStrictEqual(aLease({ lock: 1 }));
        expect(bob).toMatchObject({ component: "mailer", alias: "laptop-bob", lock: 1 });
        expect(bob && isLive(bob, new Date(0))).toBe(false);
      }
      expect(await store.putLease({ ...broken, session: "b", lock: 1 })).toMatchObject({ session: "b", lock: 2 });
      expect(await store.leases()).toHaveLength(2);
    });
  });

  describe(`the inboxes in a laptop store (${name})`, () => {
    const items = [1, 2, 3].map((n) => anItem({ requestId: `request-${n}`, at: `2026-11-20T10:00:0${n}.000Z` }));

    test("give out what was put there, those that came first first, and as many as are asked for", async () => {
      const { store, another } = await openStore();
      for (const item of items) await store.deliver(item);
      const other = await another();
      expect(await other.inbox(anItem(), 10)).toStrictEqual(items);
      expect(await other.inbox(anItem(), 2)).toStrictEqual(items.slice(0, 2));
    });

    test("are each of one alias of one component", async () => {
      const { store } = await openStore();
      await store.deliver(anItem());
      expect(await store.inbox({ component: "mailer", alias: "laptop-ad" }, 10)).toEqual([]);
      expect(await store.inbox({ component: "mail", alias: "laptop-ada" }, 10)).toEqual([]);
    });

    test("hold an attempt once, however often it is put there, until it is removed", async () => {
      const { store } = await openStore();
      for (const item of [...items, ...items]) await store.deliver(item);
      expect(await store.inbox(anItem(), 10)).toHaveLength(3);
      await store.remove(items.slice(0, 2));
      await store.remove(items.slice(0, 2));
      await store.remove([]);
      expect(await store.inbox(anItem(), 10)).toStrictEqual(items.slice(2));
    });

    test("an item that can't be read is removed, and costs nobody but itself", async () => {
      const { store, damageItem } = await openStore();
      const [broken = anItem(), ...others] = items;
      for (const text of ["", "{", "null", '{"component":"mailer"}']) {
        for (const item of items) await store.deliver(item);
        await damageItem(broken, text);
        expect(await store.inbox(anItem(), 10)).toStrictEqual(others);
        expect(await store.inbox(anItem(), 1)).toStrictEqual(others.slice(0, 1));
      }
    });
  });
}
