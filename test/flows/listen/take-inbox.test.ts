import { describe, expect, it } from "vitest";
import type { EventRecord, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import { deliveryKeyIn, type InboxItem } from "../../../shared/domain/deliveries/inbox-item.ts";
import type { LaptopLease } from "../../../shared/domain/routing/laptop-lease.ts";
import { heldByLaptops } from "../../../shared/flows/listen/held-by-laptops.ts";
import { sweepInboxes } from "../../../shared/flows/listen/sweep-inboxes.ts";
import { takeInbox } from "../../../shared/flows/listen/take-inbox.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const eventKey = (n: number) => String(n).padStart(64, "0");

/** What waits: the attempt of a delivery. */
function anItem(n: number, attempt = 1): InboxItem {
  const turnout = {
    ...{ component: "mailer", alias: "laptop-ada", because: "default alias", fallback: false, generation: "live" },
    ...{ idempotencyKey: `${eventKey(n)}#live`, publisherKey: `${n}`, attempt, outcomeToken: "t" },
    ...{ routingRevision: 1, subject: {}, replay: null },
  };
  return { component: "mailer", alias: "laptop-ada", requestId: `r-${n}`, turnout } as unknown as InboxItem;
}
const entryOf = (n: number, about: Partial<LedgerEntry> = {}) => {
  const key = { eventKey: eventKey(n), deliveryKey: deliveryKeyOf("mailer", eventKey(n), "live") };
  return anEntry({ ...key, status: "accepted", attempt: 1, ...about });
};

/** An inbox in which these wait, a ledger with these entries, and records of all but those. */
function aWorld(
  items: InboxItem[],
  entries: LedgerEntry[],
  gone: Partial<Record<string, Partial<EventRecord> | null>> = {},
) {
  const removed: string[] = [];
  const asked: number[] = [];
  const ports = {
    laptops: {
      inbox: async (_: object, most: number) => {
        asked.push(most);
        return items.slice(0, most);
      },
      remove: async (those: readonly InboxItem[]) => void removed.push(...those.map(({ requestId }) => requestId)),
    },
    events: {
      deliveries: async (keys: readonly string[]) =>
        keys.map((key) => entries.find(({ deliveryKey }) => deliveryKey === key)),
      find: async (keys: readonly { eventKey: string }[]) =>
        keys.map(({ eventKey: key }) => {
          const odd = gone[key];
          return odd === null ? undefined : aRecord({ eventKey: key, body: "{}", ...odd });
        }),
    },
  };
  const inbox = { component: "mailer", alias: "laptop-ada" };
  const take = async (known: string[] = [], most = 9) => {
    const { taken, lost } = await takeInbox(ports, inbox, new Set(known), most);
    return { taken: taken.map(({ item }) => item.requestId), lost: lost.map(({ requestId }) => requestId) };
  };
  return { ports, take, removed, asked };
}

describe("what waits in an inbox", () => {
  it("is taken as far as there is room, and not what is known", async () => {
    const items = [1, 2, 3, 4].map((n) => anItem(n));
    const { take, asked, removed } = aWorld(
      items,
      [1, 2, 3, 4].map((n) => entryOf(n)),
    );
    expect(await take(["r-1"], 2)).toEqual({ taken: ["r-2", "r-3"], lost: [] });
    expect(asked).toEqual([3]);
    expect(await take(["r-1", "r-2", "r-3", "r-4"])).toEqual({ taken: [], lost: [] });
    expect(removed).toEqual([]);
  });

  it("is taken out, and never run, where it was decided again since, or is at rest", async () => {
    const items = [1, 2, 3, 4, 5].map((n) => anItem(n));
    const entries = [
      entryOf(1, { attempt: 2 }),
      entryOf(2, { status: "done" }),
      entryOf(3, { status: "failed" }),
      entryOf(4, { status: "claimed" }),
    ];
    const { take, removed } = aWorld(items, entries);
    expect(await take()).toEqual({ taken: ["r-4"], lost: [] });
    expect(removed).toEqual(["r-1", "r-2", "r-3", "r-5"]);
  });

  it("is lost where its event, or that one's body, can't be had", async () => {
    const gone = { [eventKey(1)]: null, [eventKey(2)]: { unavailable: "it is lost", body: "" } };
    const { take } = aWorld(
      [1, 2, 3].map((n) => anItem(n)),
      [1, 2, 3].map((n) => entryOf(n)),
      gone,
    );
    expect(await take()).toEqual({ taken: ["r-3"], lost: ["r-1", "r-2"] });
  });
});

const lease = (alias: string, until: number, about: Partial<LaptopLease> = {}): LaptopLease => {
  const held = { component: "mailer", alias, session: "s", owner: "ada", lock: 1 };
  return { ...held, until: new Date(now.getTime() + until).toISOString(), ...about };
};

it("an attempt lies with a laptop that is the newest one and waits in an inbox", async () => {
  const waiting: Record<string, InboxItem[]> = { "laptop-ada": [anItem(1)], "laptop-bob": [anItem(2, 3)] };
  const isHeld = await heldByLaptops({
    leases: async () => [lease("laptop-ada", 1), lease("laptop-bob", 1)],
    inbox: async ({ alias }) => waiting[alias] ?? [],
  });
  expect([entryOf(1), entryOf(2, { attempt: 3 })].map(isHeld)).toEqual([true, true]);
  expect([entryOf(1, { attempt: 2 }), entryOf(1, { status: "claimed" }), entryOf(3)].map(isHeld)).toEqual([
    false,
    false,
    false,
  ]);
  expect(deliveryKeyIn(anItem(1))).toBe(entryOf(1).deliveryKey);
});

describe("inboxes of laptops that are gone", () => {
  function swept(leases: LaptopLease[], counts: Record<string, number>, broken?: string) {
    const left: Record<string, InboxItem[]> = Object.fromEntries(
      Object.entries(counts).map(([alias, count]) => [alias, Array.from({ length: count }, (_, n) => anItem(n))]),
    );
    const [sent, removedLeases]: [number[], string[]] = [[], []];
    const ports = {
      now: () => now,
      outcomes: { send: async ({ length }: readonly unknown[]) => [`${sent.push(length)}`] },
      laptops: {
        leases: async () => leases,
        inbox: async ({ alias }: { alias: string }, most: number) => {
          if (alias === broken) throw new Error(`${alias} is broken`);
          return (left[alias] ?? []).slice(0, most).map((item) => ({ ...item, alias }));
        },
        remove: async (items: readonly InboxItem[]) => {
          const alias = (items[0] as unknown as { alias: string }).alias;
          left[alias] = (left[alias] ?? []).slice(items.length);
        },
        removeLease: async ({ alias }: LaptopLease) => void removedLeases.push(alias),
      },
    } as unknown as Parameters<typeof sweepInboxes>[0];
    return { run: () => sweepInboxes(ports), sent, removedLeases, left };
  }

  it("are handed back, page by page; those of a laptop that is there are left alone", async () => {
    const { run, sent, left } = swept([lease("gone", -1), lease("there", 1)], { gone: 250, there: 3 });
    expect(await run()).toBe(250);
    expect(sent).toEqual([100, 100, 50]);
    expect(left.there).toHaveLength(3);
    const full = swept([lease("gone", -1)], { gone: 100 });
    expect(await full.run()).toBe(100);
    expect(full.sent).toEqual([100]);
  });

  it("are forgotten with their leases a day after those have ended", async () => {
    const { run, removedLeases } = swept([lease("old", -86_400_001), lease("young", -86_400_000)], {});
    await run();
    expect(removedLeases).toEqual(["old"]);
  });

  it("are swept although one of them can't be, which is told", async () => {
    const { run, sent } = swept([lease("bad", -1), lease("gone", -1)], { gone: 2 }, "bad");
    await expect(run()).rejects.toThrow("bad is broken");
    expect(sent).toEqual([2]);
  });
});
