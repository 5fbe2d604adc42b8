import { describe, expect, it } from "vitest";
import type { Claim, Close } from "../../../shared/domain/deliveries/delivery.ts";
import { deliveriesOf } from "../../../shared/flows/deliver/claim-deliveries.ts";
import { type Delivering, deliverClaimed } from "../../../shared/flows/deliver/deliver-claimed.ts";
import { parseEvent, routeMessage } from "../../../shared/flows/deliver/route-message.ts";
import type { Delivery } from "../../../shared/flows/deliver/router-ports.ts";
import type { Settled } from "../../../shared/flows/deliver/settle-delivery.ts";
import { aComponent } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { aMessage, aRouter, done, T0 } from "../../support/router.ts";

/** What a claim that was held finds out once its component's row can be read. */
type Refusal = "NotListening" | "NoComponent" | "BodyUnavailable" | "RecordGone";

function aDelivery(id: string, refused?: Refusal): Delivery {
  const listeners = [{ component: aComponent({ name: "mailer" }), matches: () => true }];
  const nothing = { rowOf: () => undefined, subjectRow: () => undefined, problemOf: () => undefined };
  const view = { revision: 1, listeners, held: [], missing: new Set<never>(), ...nothing };
  const [delivery] = deliveriesOf(routeMessage(parseEvent(aMessage({ id, messageId: id })), view, T0));
  if (delivery === undefined) throw new Error("nobody listens");
  if (refused === undefined) return delivery;
  return { ...delivery, route: { ...delivery.route, refused: { type: refused, message: "it is so" } } };
}

const leaseUntil = new Date("2026-11-20T10:01:00.000Z");
const won: Claim & { won: true } = { won: true, attempt: 1, failures: 0, lapses: 0, since: T0, t0: T0, leaseUntil };
const untried = { ...won, untried: true } as const;

/** A delivery that is under way, with the store's part played by the test. */
async function delivering(deliveries: readonly Delivery[], claims: readonly Claim[], how: Partial<Delivering> = {}) {
  const { ports, time, reports } = await aRouter();
  const [closed, released, tried]: [Close[], string[], string[]] = [[], [], []];
  let settles = 0;
  const running = deliverClaimed(
    {
      ...ports,
      counter: { ...ports.counter, settle: async () => void settles++ },
      events: {
        ...ports.events,
        close: async (closes) => {
          closed.push(...closes);
          return closes.map(() => true);
        },
        release: async (keys) => void released.push(...keys),
      },
    },
    deliveries,
    claims,
    {
      attempt: async (_, { routed }) => {
        tried.push(routed.record.id);
        return done;
      },
      owner: "owner",
      ...how,
    },
  );
  return { running, closed, released, tried, time, reports, settles: () => settles };
}

describe("what was held until it is known whether its component wants it", () => {
  it.each<[string, Refusal, boolean]>([
    ["is forgotten, as if it had never been claimed, where it doesn't", "NotListening", true],
    ["is forgotten where its component is gone", "NoComponent", true],
    ["is closed where the event's body can't be had", "BodyUnavailable", false],
    ["is closed where the event is gone", "RecordGone", false],
  ])("%s", async (_, refused, forgotten) => {
    const { running, released, tried, closed } = await delivering([aDelivery("e", refused)], [untried]);
    expect(await running).toEqual([forgotten ? {} : { outcome: "done", executedVersion: "7" }]);
    expect([released.length, tried.length, closed.length]).toEqual(forgotten ? [1, 0, 0] : [0, 1, 1]);
  });

  it("isn't forgotten where something was tried before, or it is wanted", async () => {
    const { running, released } = await delivering([aDelivery("a", "NotListening"), aDelivery("b")], [won, untried]);
    expect((await running).map(({ outcome }) => outcome)).toEqual(["done", "done"]);
    expect(released).toEqual([]);
  });
});

describe("claimed deliveries", () => {
  it("are closed together, without a wait for those that have nothing to close", async () => {
    const { running, time, closed } = await delivering(
      [aDelivery("won"), aDelivery("unwanted", "NoComponent"), aDelivery("theirs")],
      [won, untried, { won: false, why: "done" }],
    );
    await running;
    expect(closed).toHaveLength(1);
    expect(time.running()).toBe(0);
  });

  it("are counted once the last outcome is known, and once more only where some weren't", async () => {
    const all = await delivering([aDelivery("a"), aDelivery("b")], [won, { won: false, why: "done" }]);
    await all.running;
    expect(all.settles()).toBe(1);
    const some = await delivering([aDelivery("a"), aDelivery("b", "NoComponent")], [won, untried]);
    await some.running;
    expect(some.settles()).toBe(1);
  });

  it("are told one by one as soon as each is stored", async () => {
    const slow = Promise.withResolvers<void>();
    const told: [string, Settled, boolean][] = [];
    const { running, time } = await delivering([aDelivery("slow"), aDelivery("quick")], [won, won], {
      attempt: async (_, { routed }) => {
        if (routed.record.id === "slow") await slow.promise;
        return done;
      },
      onSettled: ({ routed }, settled, claim) => void told.push([routed.record.id, settled, claim.won]),
    });
    await eventually(() => time.running() === 1);
    await time.pass(250);
    await eventually(() => told.length === 1);
    expect(told).toEqual([["quick", { outcome: "done", executedVersion: "7" }, true]]);
    slow.resolve();
    await running;
    expect(told.map(([id]) => id)).toEqual(["quick", "slow"]);
  });

  it("are closed at once, without a wait for the others, where a lease had lapsed before", async () => {
    const slow = Promise.withResolvers<void>();
    const { running, closed, time } = await delivering(
      [aDelivery("lapsed"), aDelivery("slow")],
      [{ ...won, lapses: 1 }, won],
      {
        attempt: async (_, { routed }) => {
          if (routed.record.id === "slow") await slow.promise;
          return done;
        },
      },
    );
    await eventually(() => closed.length === 1);
    expect(time.running()).toBe(0);
    slow.resolve();
    await running;
  });

  it("are tried again by whoever is said to bring them back, by default their message", async () => {
    const failing = { attempt: async () => ({ outcome: "failed", error: { type: "E", message: "m" } }) as const };
    const byMessage = await delivering([aDelivery("a")], [won], failing);
    expect(await byMessage.running).toEqual([{ outcome: "failed", comesBackAt: expect.any(Date) }]);
    const bySweeper = await delivering([aDelivery("a")], [won], { ...failing, broughtBackBy: () => "sweeper" });
    expect(await bySweeper.running).toEqual([{ outcome: "failed" }]);
    expect(bySweeper.closed).toMatchObject([{ dueAt: expect.any(Date) }]);
  });

  it("fail where the store has answered fewer claims than it was asked for, when the others have run", async () => {
    const { running, closed } = await delivering([aDelivery("a"), aDelivery("b")], [won]);
    void running.catch(() => {});
    await expect(running).rejects.toThrow(/the store answered no claim for mailer#/);
    expect(closed).toHaveLength(1);
  });
});
