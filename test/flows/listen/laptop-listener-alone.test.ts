import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyIn, type InboxItem } from "../../../shared/domain/deliveries/inbox-item.ts";
import { type LaptopLease, LEASE_MS } from "../../../shared/domain/routing/laptop-lease.ts";
import { type ListenerSaid, laptopListener } from "../../../shared/flows/listen/laptop-listener.ts";
import type { LaptopStore } from "../../../shared/laptop-store/laptop-store.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aLease, anItem } from "../../contracts/laptop-store.contract.ts";
import { eventually, nextTurn } from "../../support/port-calls.ts";
import { done, failed } from "../../support/router.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const claim = { component: "mailer", alias: "laptop-ada", session: "ada", owner: "ada on one" };

/** A listener whose inbox, clock, code and delays are in the test's hand. */
function listening(about: { items?: number; lost?: string[] } = {}) {
  let now = new Date("2026-11-20T10:00:00.000Z").getTime();
  let lease: LaptopLease | undefined;
  const key = (n: number) => String(n).padStart(64, "0");
  const itemOf = (n: number) => {
    const item = anItem({ requestId: `r-${n}` });
    return { ...item, turnout: { ...item.turnout, idempotencyKey: `${key(n)}#live` } };
  };
  let inbox: InboxItem[] = Array.from({ length: about.items ?? 0 }, (_, n) => itemOf(n + 1));
  const [said, sent, asked]: [ListenerSaid[], string[][], number[]] = [[], [], []];
  const delays: { ms: number; end: () => void }[] = [];
  /** How long each beat waits before it says that nobody answers. */
  const silences: typeof delays = [];
  const running: { id: string; end: (result: SendResult) => void }[] = [];
  const before = { inbox: async () => {}, send: async () => {}, remove: async () => {} };
  const laptops: LaptopStore = {
    leases: async () => (lease === undefined ? [] : [lease]),
    putLease: async (put) => {
      lease = { ...put, lock: put.lock + 1 };
      return lease;
    },
    removeLease: async () => {},
    deliver: async () => {},
    inbox: async (_, most) => {
      asked.push(most);
      await before.inbox();
      return inbox.slice(0, most);
    },
    remove: async (items) => {
      await before.remove();
      inbox = inbox.filter((one) => !items.some(({ requestId }) => requestId === one.requestId));
    },
  };
  const entryOf = (deliveryKey: string): LedgerEntry =>
    anEntry({ deliveryKey, eventKey: deliveryKey, status: "accepted", attempt: 1 });
  const listener = laptopListener(
    {
      laptops,
      events: {
        deliveries: async (keys) => keys.map(entryOf),
        find: async (entries) =>
          entries.map(({ eventKey }) =>
            about.lost?.some((id) => deliveryKeyIn(itemOf(Number(id))) === eventKey)
              ? undefined
              : aRecord({ eventKey }),
          ),
      },
      outcomes: {
        send: async (texts) => {
          await before.send();
          sent.push(texts.map(String));
          return texts.map(() => "id");
        },
      },
      now: () => new Date(now),
      delay: (ms) =>
        new Promise((resolve) => (ms === 5_000 ? silences : delays).push({ ms, end: () => resolve(undefined) })),
      run: ({ item }) => new Promise((resolve) => running.push({ id: item.requestId, end: resolve })),
      tell: (one) => void said.push(one),
    },
    claim,
    "laptop",
  );
  return {
    ...{ listener, laptops, said, asked, delays, silences, running, before },
    pass: (ms: number) => {
      now += ms;
    },
    inbox: () => inbox.map(({ requestId }) => requestId),
    /** What was told to the outcomes queue, message by message. */
    told: () => sent.map((texts) => texts.map((text) => JSON.parse(text))),
    takenBy: (session: string) => {
      lease = aLease({ session, owner: session, until: new Date(now + LEASE_MS).toISOString() });
    },
    /** The code that began first answers. */
    answer: async (result: SendResult) => {
      running.shift()?.end(result);
      for (let turn = 0; turn < 4; turn++) await nextTurn();
    },
    /** The wait that began first is over. */
    waited: async () => {
      delays.shift()?.end();
      for (let turn = 0; turn < 4; turn++) await nextTurn();
    },
  };
}

const words = (said: readonly ListenerSaid[]) => said.map((one) => one.said);

describe("a laptop takes", () => {
  it("as many as there is room for beside what is in hand, and none where there is no room", async () => {
    const { listener, asked, running, answer, inbox } = listening({ items: 5 });
    await listener.beat();
    expect(await listener.take(2)).toBe(2);
    expect([listener.inHand(), asked]).toEqual([2, [2]]);
    expect(await listener.take(2)).toBe(0);
    expect(await listener.take(1)).toBe(0);
    expect(asked).toEqual([2]);
    expect(await listener.take(3)).toBe(1);
    expect(asked).toEqual([2, 3]);
    expect(running.map(({ id }) => id)).toEqual(["r-1", "r-2", "r-3"]);
    await answer(done);
    expect([listener.inHand(), inbox()]).toEqual([2, ["r-2", "r-3", "r-4", "r-5"]]);
  });

  it("nothing before it has a lease, none after that has lapsed, and none once it has stopped", async () => {
    const { listener, pass, asked } = listening({ items: 1 });
    expect([await listener.take(9), listener.lease()]).toEqual([0, undefined]);
    await listener.beat();
    expect(listener.lease()).toMatchObject({ session: "ada", lock: 1 });
    pass(LEASE_MS);
    expect(await listener.take(9)).toBe(0);
    expect(asked).toEqual([]);
    await listener.beat();
    await listener.stop("enough");
    asked.length = 0;
    expect(await listener.take(9)).toBe(0);
    expect(asked).toEqual([]);
  });

  it.each(["the lease lapses", "it stops"])("nothing when %s while it reads", async (which) => {
    const { listener, pass, before, running } = listening({ items: 1 });
    await listener.beat();
    before.inbox = async () => {
      before.inbox = async () => {};
      if (which === "it stops") await listener.stop("enough");
      else pass(LEASE_MS);
    };
    expect(await listener.take(9)).toBe(0);
    expect([running, listener.inHand()]).toEqual([[], 0]);
  });

  it("not what it can't have the event of, which goes back", async () => {
    const { listener, told, inbox, running } = listening({ items: 2, lost: ["1"] });
    await listener.beat();
    expect(await listener.take(9)).toBe(1);
    expect(running.map(({ id }) => id)).toEqual(["r-2"]);
    expect(inbox()).toEqual(["r-2"]);
    expect(JSON.stringify(told())).toContain("the event's body can't be had");
  });
});

describe("what came of it", () => {
  it("is told to the router, then taken out of the inbox, then told to whoever looks on", async () => {
    const { listener, told, inbox, said, answer, before } = listening({ items: 1 });
    await listener.beat();
    await listener.take(1);
    const order: string[] = [];
    before.send = async () => void order.push(`send ${inbox().length}`);
    before.remove = async () => void order.push(`remove ${said.length}`);
    await answer({ ...failed, error: { type: "Broken", message: "it broke" } } as SendResult);
    expect(order).toEqual(["send 1", "remove 1"]);
    expect(inbox()).toEqual([]);
    expect(said[1]).toMatchObject({ said: "ended", item: { requestId: "r-1" }, result: { outcome: "failed" } });
    expect(told()).toHaveLength(1);
    expect(JSON.stringify(told())).toContain("it broke");
    expect(listener.inHand()).toBe(0);
  });

  it("names the version that it ran on, done or failed", async () => {
    const { listener, told, answer } = listening({ items: 2 });
    await listener.beat();
    await listener.take(2);
    await answer(done);
    await answer(failed);
    const [[first], [second]] = told() as [[object], [object]];
    expect(JSON.stringify(first)).toContain('"executedVersion":"laptop"');
    expect(JSON.stringify(second)).toContain('"executedVersion":"laptop"');
    expect(JSON.stringify(first)).not.toContain("Broken");
    expect(JSON.stringify(second)).toContain("Broken");
  });

  it("is tried again a second later where it can't be told, and where it is told twice it ends once", async () => {
    const { listener, told, said, answer, before, delays, waited, inbox } = listening({ items: 1 });
    await listener.beat();
    await listener.take(1);
    before.send = () => Promise.reject(new Error("no way there"));
    await answer(done);
    expect(words(said)).toEqual(["arrived", "trouble"]);
    expect([delays.map(({ ms }) => ms), listener.inHand()]).toEqual([[1_000], 1]);
    before.send = async () => {};
    before.remove = () => Promise.reject(new Error("no way back"));
    await waited();
    expect(words(said)).toEqual(["arrived", "trouble", "trouble"]);
    before.remove = async () => {};
    await waited();
    expect(words(said)).toEqual(["arrived", "trouble", "trouble", "ended"]);
    expect([told().length, inbox(), listener.inHand(), delays]).toEqual([2, [], 0, []]);
  });

  it("is nobody's any more where it was handed back while it couldn't be told", async () => {
    const { listener, answer, before, waited, said, delays } = listening({ items: 1 });
    await listener.beat();
    await listener.take(1);
    before.send = () => Promise.reject(new Error("no way there"));
    await answer(done);
    before.send = async () => {};
    await listener.stop("enough");
    await waited();
    expect(words(said)).toEqual(["arrived", "trouble"]);
    expect(delays).toEqual([]);
  });

  it.each(["throttled", "accepted"] as const)(
    "of code that says %s it is in hand for a second more",
    async (outcome) => {
      const { listener, told, answer, delays, waited, inbox } = listening({ items: 1 });
      await listener.beat();
      await listener.take(1);
      const error = { type: "Busy", message: "no room" };
      await answer({ outcome, durationMs: 1, ...(outcome === "throttled" && { error }) } as SendResult);
      expect([delays.map(({ ms }) => ms), listener.inHand(), told()]).toEqual([[1_000], 1, []]);
      await waited();
      expect([listener.inHand(), inbox()]).toEqual([0, ["r-1"]]);
      expect(await listener.take(1)).toBe(1);
    },
  );

  it("leaves in hand what was taken up anew while it had no room", async () => {
    const { listener, answer, waited, pass, running } = listening({ items: 1 });
    await listener.beat();
    await listener.take(1);
    await answer({ outcome: "throttled", error: { type: "Busy", message: "no room" } });
    pass(LEASE_MS);
    await listener.beat();
    expect(listener.inHand()).toBe(0);
    expect(await listener.take(1)).toBe(1);
    await waited();
    expect([listener.inHand(), running.length]).toEqual([1, 1]);
  });
});

describe("a laptop that", () => {
  it("slept says what is lost, and takes it up again", async () => {
    const { listener, said, pass, answer } = listening({ items: 2 });
    await listener.beat();
    expect(said).toEqual([]);
    await listener.take(2);
    pass(LEASE_MS);
    expect(await listener.beat()).toBe("held");
    expect(said[2]).toEqual({ said: "slept", why: "laptop lease lapsed 10:00:45", lost: 2 });
    expect(listener.inHand()).toBe(0);
    await answer(done);
    expect(said[3]).toMatchObject({ said: "too late", item: { requestId: "r-1" } });
  });

  it("hears of its code in time says no more than it did", async () => {
    const { listener, said, pass, answer, laptops } = listening({ items: 1 });
    await listener.beat();
    await listener.take(1);
    pass(LEASE_MS - 1);
    await answer(done);
    expect(words(said)).toEqual(["arrived", "ended"]);
    expect((await laptops.leases())[0]?.lock).toBe(1);
  });

  it("finds its lease somebody else's drops what is in hand, and says whose it is", async () => {
    const { listener, said, takenBy, answer, told } = listening({ items: 2 });
    await listener.beat();
    await listener.take(1);
    takenBy("bob");
    expect(await listener.beat()).toBe("taken over");
    expect([listener.lease(), listener.inHand()]).toEqual([undefined, 0]);
    expect(said[1]).toMatchObject({ said: "taken over", by: { session: "bob" } });
    expect(await listener.take(9)).toBe(0);
    await answer(done);
    expect(said[2]).toMatchObject({ said: "too late" });
    expect(told()).toEqual([]);
  });

  it("has stopped is quiet, whatever its code says", async () => {
    const { listener, said, pass, answer, laptops } = listening({ items: 2 });
    await listener.beat();
    await listener.take(2);
    expect(await listener.stop("enough")).toBe(2);
    expect(listener.inHand()).toBe(0);
    const [lease] = await laptops.leases();
    await answer(done);
    pass(LEASE_MS);
    await answer(failed);
    expect(words(said)).toEqual(["arrived", "arrived"]);
    expect(await laptops.leases()).toEqual([lease]);
  });

  it.each([
    [0, [100]],
    [99, [100]],
    [100, [100, 100]],
    [250, [100, 100, 100]],
  ])("stops hands back all %d of what waits, a hundred at once", async (items, pages) => {
    const { listener, asked, told, inbox } = listening({ items });
    await listener.beat();
    expect(await listener.stop("enough")).toBe(items);
    expect([asked, inbox(), told().flat().length]).toEqual([pages, [], items]);
  });

  it("can't reach the store says so once, until when events come, and when it does again", async () => {
    const { listener, said, laptops, silences } = listening();
    await listener.beat();
    const until = listener.lease()?.until;
    const leases = laptops.leases;
    laptops.leases = () => Promise.reject(new Error("no way there"));
    expect([await listener.beat(), await listener.beat()]).toEqual(["cut off", "cut off"]);
    expect(said).toEqual([{ said: "cut off", error: expect.objectContaining({ message: "no way there" }), until }]);
    for (const { end } of silences) end();
    await nextTurn();
    expect(said).toHaveLength(1);
    laptops.leases = leases;
    expect([await listener.beat(), await listener.beat()]).toEqual(["held", "held"]);
    expect(words(said)).toEqual(["cut off", "back"]);
  });

  it("has no answer for five seconds says so, though it may still be had", async () => {
    const { listener, said, laptops, silences } = listening();
    const leases = laptops.leases;
    const { promise, resolve } = Promise.withResolvers<LaptopLease[]>();
    laptops.leases = () => promise;
    const beat = listener.beat();
    await nextTurn();
    expect(said).toEqual([]);
    silences[0]?.end();
    await nextTurn();
    expect(said).toMatchObject([{ said: "cut off", error: { message: "no answer for 5 s" }, until: undefined }]);
    laptops.leases = leases;
    resolve([]);
    expect(await beat).toBe("held");
    expect(words(said)).toEqual(["cut off", "back"]);
    await listener.beat();
    silences[1]?.end();
    await nextTurn();
    expect(words(said)).toEqual(["cut off", "back"]);
  });

  it("was cut off past its lease says that it is lost, and no more", async () => {
    const { listener, said, laptops, pass } = listening();
    await listener.beat();
    const leases = laptops.leases;
    laptops.leases = () => Promise.reject(new Error("no way there"));
    await listener.beat();
    pass(LEASE_MS);
    laptops.leases = leases;
    await listener.beat();
    await listener.beat();
    expect(words(said)).toEqual(["cut off", "slept"]);
  });

  it("has stopped says nothing of what it can't reach", async () => {
    const { listener, said, laptops } = listening();
    await listener.beat();
    await listener.stop("enough");
    laptops.leases = () => Promise.reject(new Error("no way there"));
    expect(await listener.beat()).toBe("cut off");
    expect(said).toEqual([]);
  });

  it("can't say what went wrong with its code's end tells of that, and goes on", async () => {
    const { listener, said, answer, pass, laptops } = listening({ items: 2 });
    await listener.beat();
    await listener.take(1);
    pass(LEASE_MS);
    const leases = laptops.leases;
    laptops.leases = () => Promise.reject(new Error("no way there"));
    await answer(done);
    await eventually(() => said.length === 2);
    expect(said[1]).toMatchObject({ said: "trouble", error: { message: "no way there" } });
    laptops.leases = leases;
    expect(await listener.beat()).toBe("held");
  });
});
