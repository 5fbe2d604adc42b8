import { describe, expect, it } from "vitest";
import type { Claim, Close, EventRecord, RecordKey } from "../../../shared/domain/deliveries/delivery.ts";
import {
  claim,
  claimAndRecord,
  deliveriesOf,
  recordFirsts,
  release,
  roundsOf,
} from "../../../shared/flows/deliver/claim-deliveries.ts";
import { parseEvent, routeMessage } from "../../../shared/flows/deliver/route-message.ts";
import type { Delivery } from "../../../shared/flows/deliver/router-ports.ts";
import { aComponent } from "../../support/builders.ts";
import { aMessage, T0 } from "../../support/router.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const leaseUntil = new Date("2026-11-20T10:01:00.000Z");
const later = new Date("2026-11-20T10:02:00.000Z");

function aRouted(id: string, about: Parameters<typeof aMessage>[0] = {}) {
  const listeners = ["mailer", "invoice"].map((name) => ({
    component: aComponent({ name, timeoutMs: 10_000 }),
    matches: () => true,
  }));
  const nothing = { rowOf: () => undefined, subjectRow: () => undefined, problemOf: () => undefined };
  const view = { revision: 7, listeners, held: [], missing: new Set<never>(), ...nothing };
  return routeMessage(parseEvent(aMessage({ id, messageId: `message-${id}`, ...about })), view, now);
}

/** One delivery of each of these events, all to one component. */
const aRound = (...ids: string[]): Delivery[] => ids.flatMap((id) => deliveriesOf(aRouted(id)).slice(0, 1));
const keysOf = (deliveries: readonly Delivery[]) => deliveries.map(({ request }) => request.deliveryKey);
const won = (attempt: number, t0 = T0): Claim & { won: true } => {
  return { won: true, attempt, failures: 0, lapses: 0, since: now, t0, leaseUntil };
};
const lost: Claim = { won: false, why: "claimed by another", retryAt: later };

/** A store that remembers what it was asked for, and fails as often as it is told to. */
function aStore({ fails = {}, found = [] }: { fails?: Record<string, number>; found?: EventRecord[] } = {}) {
  const released: { keys: readonly string[]; owner: string }[] = [];
  const closed: Close[] = [];
  const recorded: EventRecord[] = [];
  const waits: number[] = [];
  const failures = { ...fails };
  let at = now.getTime();
  const attempt = <T>(call: string, act: () => T): T => {
    failures[call] = (failures[call] ?? 0) - 1;
    if (failures[call] >= 0) throw new Error(`${call} failed`);
    return act();
  };
  return {
    ...{ released, closed, recorded, waits },
    now: () => new Date(at),
    random: () => 0,
    delay: async (ms: number) => {
      waits.push(ms);
      at += 20_000;
    },
    events: {
      release: async (keys: readonly string[], owner: string) =>
        attempt("release", () => void released.push({ keys, owner })),
      close: async (closes: readonly Close[]) =>
        attempt("close", () => {
          closed.push(...closes);
          return closes.map(() => true);
        }),
      record: async (records: readonly EventRecord[]) => attempt("record", () => void recorded.push(...records)),
      claim: async (requests: readonly unknown[]) => attempt("claim", () => requests.map(() => won(1))),
      find: async (keys: readonly RecordKey[]) =>
        attempt("find", () =>
          keys.map((key) => found.find(({ t0, eventKey }) => t0 === key.t0 && eventKey === key.eventKey)),
        ),
    },
  };
}

describe("the deliveries of a message", () => {
  it("are one per component, with a lease as long as its timeout and 5 s", () => {
    const deliveries = deliveriesOf(aRouted("a"));
    expect(deliveries.map(({ request }) => request)).toMatchObject([
      { component: "mailer", generation: "live", leaseMs: 15_000, routingRevision: 7, t0: T0, alias: "stable" },
      { component: "invoice" },
    ]);
  });

  it("are split into rounds, none of which holds a key twice", () => {
    const [a, b] = [aRound("a"), aRound("b")];
    expect(roundsOf([...a, ...b, ...a, ...a]).map(keysOf)).toEqual([keysOf([...a, ...b]), keysOf(a), keysOf(a)]);
  });
});

describe("claims that a change of the routing has overtaken", () => {
  it("go back as if never made where they were the first, and free at once where they weren't", async () => {
    const store = aStore();
    const deliveries = aRound("first", "second", "lost");
    const [first, second] = keysOf(deliveries);
    await release(store, deliveries, [won(1), won(2), lost], "owner");
    expect(store.released).toEqual([{ keys: [first], owner: "owner" }]);
    expect(store.closed).toEqual([
      {
        ...{ deliveryKey: second, attempt: 2, at: now, outcome: "postponed", nextAttemptAt: now },
        error: { type: "RoutingChanged", message: "the routing changed while the delivery was claimed" },
      },
    ]);
  });

  it("aren't asked about where there are none", async () => {
    const store = aStore({ fails: { release: 1, close: 1 } });
    await release(store, aRound("lost"), [lost], "owner");
    expect([store.released, store.closed]).toEqual([[], []]);
  });

  it.each([
    ["release", 1],
    ["close", 2],
  ])("go back once the store takes a %s again, and are left when their lease is over", async (call, attempt) => {
    const deliveries = aRound("a", "b");
    const short = { ...won(attempt), leaseUntil: new Date(now.getTime() + 1) };
    for (const claims of [
      [won(attempt), short],
      [short, won(attempt)],
    ]) {
      const store = aStore({ fails: { [call]: 2 } });
      await release(store, deliveries, claims, "owner");
      expect(store.waits).toHaveLength(2);
      expect([...store.released.flatMap(({ keys }) => keys), ...store.closed]).toHaveLength(2);
    }
    await expect(release(aStore({ fails: { [call]: 9 } }), deliveries, [won(attempt)], "owner")).rejects.toThrow(call);
  });
});

describe("claims and records", () => {
  it("are made of what isn't stored yet, and of nothing where there is nothing", async () => {
    const store = aStore();
    const [stored, fresh] = [{ ...aRouted("stored"), stored: true }, aRouted("fresh")];
    await claimAndRecord(store, aRound("stored", "fresh"), [stored, fresh], "owner");
    expect(store.recorded).toEqual([fresh.record]);
    const failing = aStore({ fails: { record: 1, claim: 1 } });
    expect(await claimAndRecord(failing, [], [stored], "owner")).toEqual([]);
    expect(await claim(failing, [], "owner")).toEqual([]);
  });

  it("go back, uncounted, where the record can't be written; what is held stays held", async () => {
    const store = aStore({ fails: { record: 1 } });
    const held = { type: "RowUnreadable", message: "the row can't be read" };
    const [a, b] = aRound("a", "b");
    if (a === undefined || b === undefined) throw new Error("two deliveries");
    const deliveries = [a, { ...b, route: { ...b.route, held } }];
    await expect(claimAndRecord(store, deliveries, [aRouted("a")], "owner")).rejects.toThrow("record failed");
    expect(store.closed).toMatchObject([
      { outcome: "postponed", attempt: 1, error: { type: "NotRecorded" } },
      { outcome: "postponed", attempt: 1, error: held },
    ]);
  });

  it("aren't given back where the claim itself fails: what has been won isn't known", async () => {
    const store = aStore({ fails: { claim: 1 } });
    await expect(claimAndRecord(store, aRound("a"), [aRouted("a")], "owner")).rejects.toThrow("claim failed");
    expect(store.closed).toEqual([]);
  });
});

describe("the record of a delivery's first message", () => {
  const earlier = new Date(T0.getTime() - 5);

  it("is written in its place where it is missing, and only of what was won by another's claim", async () => {
    const store = aStore();
    const round = aRound("own", "others", "lost");
    await recordFirsts(store, round, [won(1), won(2, earlier), lost]);
    expect(store.recorded).toEqual([{ ...round[1]?.routed.record, t0: earlier }]);
  });

  it("isn't looked for where each was won by its own message", async () => {
    const store = aStore({ fails: { find: 1 } });
    await recordFirsts(store, aRound("own"), [won(1)]);
    expect(store.recorded).toEqual([]);
  });

  it("is left as it is where it can be had, and written where its body or the record itself is lost", async () => {
    const round = aRound("whole", "bodiless");
    const [whole, bodiless] = round.map(({ routed }) => ({ ...routed.record, t0: earlier }));
    if (whole === undefined || bodiless === undefined) throw new Error("two records");
    const store = aStore({ found: [whole, { ...bodiless, body: "", unavailable: "it is gone" }] });
    await recordFirsts(store, round, [won(2, earlier), won(2, earlier)]);
    expect(store.recorded).toEqual([bodiless]);
    const complete = aStore({ found: [whole], fails: { record: 1 } });
    await recordFirsts(complete, round.slice(0, 1), [won(2, earlier)]);
    expect(complete.recorded).toEqual([]);
  });

  it("that can't be written gives all claims of its round back", async () => {
    const store = aStore({ fails: { record: 1 } });
    const round = aRound("own", "others", "lost");
    await expect(recordFirsts(store, round, [won(1), won(2, earlier), lost])).rejects.toThrow("record failed");
    expect(store.closed.map(({ deliveryKey, outcome }) => [deliveryKey, outcome])).toEqual(
      keysOf(round.slice(0, 2)).map((key) => [key, "postponed"]),
    );
  });
});
