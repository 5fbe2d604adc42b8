import { describe, expect, it } from "vitest";
import { BEAT_MS, LEASE_MS } from "../../../shared/domain/routing/laptop-lease.ts";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { explainDelivery } from "../../../shared/flows/explain/explain-event.ts";
import { explainRoute } from "../../../shared/flows/explain/explain-route.ts";
import { whoIsOn } from "../../../shared/flows/explain/who-is-on.ts";
import { takeBack } from "../../../shared/flows/listen/take-back.ts";
import { planStart } from "../../../shared/flows/replay/plan-start.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { ALIAS, aLaptopWorld, COMPONENT } from "../../support/laptop-world.ts";
import { memoryReplayStore } from "../../support/memory-replay-store.ts";
import { type Around, eventually, surrounded } from "../../support/port-calls.ts";
import { failed } from "../../support/router.ts";

async function whoIs(...asked: [table: RoutingTable, alias: string, now: Date, leases: object]) {
  const [table, alias, now, leases] = asked;
  const pages = await Array.fromAsync(whoIsOn(table, COMPONENT, alias, now, leases));
  return pages.flat().map(({ subject }) => subject);
}

async function listening() {
  const world = await aLaptopWorld();
  const laptop = world.aLaptop("ada");
  await laptop.listener.beat();
  const entry = async () => (await world.ledger())[0];
  return { ...world, laptop, entry };
}

describe("an event of somebody who is listened to", () => {
  it("waits in the inbox, accepted, until the laptop takes it, and is done as the laptop's code says", async () => {
    const { publish, serverGoesOn, laptop, effects, entry, sends } = await listening();
    await publish("one");
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "accepted", alias: ALIAS, attempt: 1 });
    expect(await laptop.listener.take(4)).toBe(1);
    await laptop.answer();
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", executedVersion: ALIAS, attempt: 1 });
    expect(effects).toEqual([{ key: expect.stringMatching(/#live$/), at: "ada" }]);
    expect(sends).toEqual([]);
    expect(await laptop.listener.take(4)).toBe(0);
  });

  it("is run on the code with the very bytes that were published, and the turnout field of its attempt", async () => {
    const payloads: string[] = [];
    const { publish, serverGoesOn, aLaptop, laptops } = await listening();
    await laptops.removeLease((await laptops.leases())[0] as never);
    const laptop = aLaptop("ada", {
      run: async ({ payload }) => {
        payloads.push(payload);
        return failed;
      },
    });
    await laptop.listener.beat();
    await publish("one");
    await serverGoesOn();
    await laptop.listener.take(4);
    const delivered = JSON.parse(payloads[0] ?? "{}");
    expect(delivered).toMatchObject({ id: "one", source: "shop", detail: { metadata: { customer: "acme" } } });
    expect(delivered.turnout).toMatchObject({
      component: COMPONENT,
      alias: ALIAS,
      because: "customer pin",
      attempt: 1,
    });
  });

  it("is tried again as any other when the code fails, and others' events go on elsewhere", async () => {
    const { publish, serverGoesOn, laptop, entry, effects, time } = await listening();
    await publish("one");
    await publish("two", "globex");
    await serverGoesOn();
    await laptop.listener.take(4);
    await laptop.answer(failed);
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "failed", failures: 1, error: { type: "Broken" } });
    await time.pass(2_000);
    await serverGoesOn();
    expect(await laptop.listener.take(4)).toBe(1);
    await laptop.answer();
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", attempt: 2 });
    expect(effects.map(({ at }) => at)).toEqual(["stable", "ada", "ada"]);
  });

  it("isn't begun while the code has no room, and is taken up again", async () => {
    const { publish, serverGoesOn, laptop, entry, time } = await listening();
    await publish("one");
    await serverGoesOn();
    await laptop.listener.take(4);
    await laptop.answer({ outcome: "throttled", error: { type: "ShuttingDown", message: "reloads" } });
    expect(await laptop.listener.take(4)).toBe(0);
    await time.pass(1_000);
    expect(await laptop.listener.take(4)).toBe(1);
    await laptop.answer();
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", attempt: 1 });
  });
});

describe("a lease that lapses", () => {
  it("has its events go to the fallback, and says so in the decision", async () => {
    const { publish, serverGoesOn, time, effects, entry, reports } = await listening();
    await time.pass(LEASE_MS);
    await publish("one");
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", alias: "stable", because: "customer pin" });
    expect(effects).toMatchObject([{ at: "stable" }]);
    const why = [{ rule: "customer pin", why: "laptop lease lapsed 10:00:45" }];
    expect(reports.at(-1)?.decision).toMatchObject({ fallback: true, named: ALIAS, passedOver: why });
  });

  it("is told by whoever explains where events go, and what was decided while it lasted still agrees", async () => {
    const { publish, serverGoesOn, laptop, time, table, laptops, records, ledger } = await listening();
    const leases = { readLeases: laptops.leases };
    const explained = () => explainRoute(table, COMPONENT, { customer: "acme" }, time.now(), leases);
    const explainedFirst = async () => {
      const [[record], [entry]] = [await records(), await ledger()];
      if (record === undefined || entry === undefined) throw new Error("nothing was delivered");
      return explainDelivery(table, { record, status: entry.status, component: COMPONENT, entry }, time.now(), leases);
    };
    await publish("one");
    await serverGoesOn();
    await laptop.listener.take(1);
    await laptop.answer();
    await serverGoesOn();
    expect((await explained())?.decision.alias).toBe(ALIAS);
    await time.pass(LEASE_MS);
    expect((await explained())?.decision).toMatchObject({ alias: "stable", named: ALIAS });
    const { atDecision, now } = await explainedFirst();
    expect(atDecision?.decision).toMatchObject({ alias: ALIAS, fallback: false });
    expect(now).toMatchObject({ decision: { alias: "stable" } });
    expect(await whoIs(table, ALIAS, time.now(), leases)).toEqual([]);
    expect(await whoIs(table, ALIAS, new Date("2026-11-20T10:00:00.000Z"), leases)).toEqual([{ customer: "acme" }]);
  });

  it("has a replay planned where its events would go now, and to the laptop while somebody listens", async () => {
    const { publish, serverGoesOn, laptop, time, table, laptops, events } = await listening();
    await publish("one");
    await serverGoesOn();
    await laptop.listener.take(1);
    await laptop.answer();
    await serverGoesOn();
    const planned = async () => {
      const ports = { routingTable: table, laptops, events, replays: memoryReplayStore(), now: time.now };
      const catalog = { aliases: async () => [{ alias: "stable", version: "1" }] };
      const window = { from: new Date(time.now().getTime() - 3_600_000), to: new Date(time.now().getTime() + 1) };
      const request = { window, filter: {}, mode: "rerun", destination: { kind: "today" } } as const;
      const { plan } = await planStart({ ...ports, catalog }, request, undefined, () => {});
      return plan.counts;
    };
    const [here, elsewhere] = [{ alias: ALIAS }, { alias: "stable" }].map((to) => expect.objectContaining(to));
    expect(await planned()).toMatchObject({ sent: 1, versions: [here] });
    await time.pass(LEASE_MS);
    expect(await planned()).toMatchObject({ sent: 1, versions: [elsewhere] });
  });

  it("has everything decided again that waits or is in hand when the laptop was killed", async () => {
    const { publish, serverGoesOn, laptop, time, ledger, effects } = await listening();
    for (const id of ["in hand", "waits"]) await publish(id);
    await serverGoesOn();
    await laptop.listener.take(1);
    await time.pass(LEASE_MS - 1);
    await serverGoesOn();
    expect((await ledger()).map(({ status }) => status)).toEqual(["accepted", "accepted"]);
    await time.pass(1);
    await serverGoesOn();
    for (const entry of await ledger()) {
      expect(entry).toMatchObject({ status: "done", attempt: 2, alias: "stable", failures: 0, lapses: 0 });
      const error = { type: "Laptop.Gone", message: "laptop lease lapsed 10:00:45" };
      expect(entry.attempts).toMatchObject([{ outcome: "postponed", error }, { outcome: "done" }]);
    }
    expect(effects.filter(({ at }) => at === "stable")).toHaveLength(2);
  });

  it("fences what a laptop that slept answers late, and says that it was too late", async () => {
    const { publish, serverGoesOn, laptop, time, entry } = await listening();
    await publish("one");
    await serverGoesOn();
    await laptop.listener.take(4);
    await time.pass(LEASE_MS);
    await serverGoesOn();
    await laptop.answer(failed);
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", attempt: 2, alias: "stable", failures: 0 });
    expect(laptop.said()).toEqual(["arrived", "slept", "too late"]);
  });

  it("is had back by the laptop that slept, and events go there again", async () => {
    const { publish, serverGoesOn, laptop, time, entry } = await listening();
    await time.pass(2 * LEASE_MS);
    await serverGoesOn();
    expect(await laptop.listener.take(4)).toBe(0);
    expect(await laptop.listener.beat()).toBe("held");
    await publish("one");
    await serverGoesOn();
    expect(await laptop.listener.take(4)).toBe(1);
    await laptop.answer();
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", executedVersion: ALIAS });
  });

  it("doesn't lapse while the laptop says that it is there, however long the code takes", async () => {
    const { publish, serverGoesOn, laptop, time, entry } = await listening();
    await publish("one");
    await serverGoesOn();
    await laptop.listener.take(4);
    for (let beat = 0; beat < 40; beat++) {
      await time.pass(BEAT_MS);
      await laptop.listener.beat();
      await serverGoesOn();
    }
    await laptop.answer();
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", attempt: 1, executedVersion: ALIAS });
  });
});

/** A laptop whose network can be cut: what it asks of the stores then fails, or has no answer. */
async function onAWire() {
  const world = await listening();
  const { laptops, outcomes, events } = world;
  await laptops.removeLease((await laptops.leases())[0] as never);
  let wire: "up" | "refuses" | "swallows" = "up";
  const wired: Around = async (_, work) => {
    if (wire === "swallows") return new Promise<never>(() => {});
    if (wire === "refuses") throw new Error("connect ECONNREFUSED");
    return work();
  };
  const laptop = world.aLaptop("ada", {
    laptops: surrounded(laptops, ["leases", "putLease", "inbox", "remove"], wired),
    outcomes: surrounded(outcomes, ["send"], wired),
    events: surrounded(events, ["deliveries", "find"], wired),
  });
  await laptop.listener.beat();
  const becomes = (now: typeof wire) => {
    wire = now;
  };
  const told = () => laptop.said().filter((said) => said !== "trouble");
  return { ...world, laptop, becomes, told };
}

describe("a laptop whose network is gone", () => {
  it("says so once, has its events wait, and tells what its code answered when it is back inside the lease", async () => {
    const { publish, serverGoesOn, laptop, time, ledger, becomes, told, effects } = await onAWire();
    await publish("in hand");
    await serverGoesOn();
    await laptop.listener.take(4);
    becomes("refuses");
    await laptop.answer();
    await publish("waits");
    await time.pass(BEAT_MS);
    expect(await laptop.listener.beat()).toBe("cut off");
    expect(await laptop.listener.beat()).toBe("cut off");
    await expect(laptop.listener.take(4)).rejects.toThrow("ECONNREFUSED");
    await serverGoesOn();
    expect((await ledger()).map(({ status }) => status)).toEqual(["accepted", "accepted"]);
    expect(told()).toEqual(["arrived", "cut off"]);
    becomes("up");
    expect(await laptop.listener.beat()).toBe("held");
    await time.pass(1_000);
    await eventually(() => laptop.listener.inHand() === 0);
    expect(await laptop.listener.take(4)).toBe(1);
    await laptop.answer();
    await serverGoesOn();
    expect(told()).toEqual(["arrived", "cut off", "back", "ended", "arrived", "ended"]);
    for (const entry of await ledger()) expect(entry).toMatchObject({ status: "done", alias: ALIAS, attempt: 1 });
    expect(effects.map(({ at }) => at)).toEqual(["ada", "ada"]);
  });

  it("is told of while a beat still has no answer, with the end of the lease", async () => {
    const { laptop, time, becomes, told } = await onAWire();
    becomes("swallows");
    void laptop.listener.beat();
    await time.pass(4_999);
    expect(told()).toEqual([]);
    await time.pass(1);
    expect(told()).toEqual(["cut off"]);
    expect(laptop.saidLast()).toMatchObject({
      until: "2026-11-20T10:00:45.000Z",
      error: { message: "no answer for 5 s" },
    });
  });

  it("past its lease has its events at the fallback, and what it answers of before is too late", async () => {
    const { publish, serverGoesOn, laptop, time, ledger, becomes, told, live, outcomes } = await onAWire();
    for (const id of ["in hand", "waits"]) await publish(id);
    await serverGoesOn();
    await laptop.listener.take(1);
    becomes("refuses");
    await laptop.answer(failed);
    await laptop.listener.beat();
    await time.pass(LEASE_MS);
    await publish("after");
    await serverGoesOn();
    const onStable = { status: "done", alias: "stable", failures: 0, lapses: 0 };
    expect(await ledger()).toMatchObject([onStable, onStable, onStable]);
    becomes("up");
    // The answer that was kept goes first: it is what finds out.
    await time.pass(1_000);
    await eventually(() => told().length === 4);
    expect(told()).toEqual(["arrived", "cut off", "slept", "too late"]);
    expect(await outcomes.receive(10, 1_000, time.now())).toEqual([]);
    await publish("again here");
    await serverGoesOn();
    expect(await laptop.listener.take(4)).toBe(1);
    await laptop.answer();
    await serverGoesOn();
    const here = expect.objectContaining({ status: "done", alias: ALIAS, attempt: 1 });
    expect(await ledger()).toContainEqual(here);
    expect(await live.receive(10, 1_000, time.now())).toEqual([]);
  });
});

describe("a laptop that stops", () => {
  it("hands back at once what waits and the ten that are in hand, and answers for none of it any more", async () => {
    const { publish, serverGoesOn, laptop, ledger, effects } = await listening();
    for (let n = 1; n <= 12; n++) await publish(`event ${n}`);
    await serverGoesOn();
    expect(await laptop.listener.take(10)).toBe(10);
    expect(await laptop.listener.stop("handed back by ada")).toBe(12);
    await laptop.answer(failed);
    await serverGoesOn();
    expect(await ledger()).toHaveLength(12);
    for (const entry of await ledger()) {
      expect(entry).toMatchObject({ status: "done", attempt: 2, alias: "stable", failures: 0 });
      expect(entry.attempts[0]).toMatchObject({ outcome: "postponed", error: { message: "handed back by ada" } });
    }
    expect(effects.filter(({ at }) => at === "stable")).toHaveLength(12);
  });

  it("stays gone, and is quiet, where it says once more that it is there", async () => {
    const { publish, serverGoesOn, laptop, entry } = await listening();
    await laptop.listener.stop("handed back by ada");
    expect(await laptop.listener.beat()).toBe("taken over");
    expect(laptop.said()).toEqual([]);
    await publish("after");
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", attempt: 1, alias: "stable" });
  });

  it("leaves nothing behind that a router sends it after that, having read the lease before", async () => {
    const { publish, serverGoesOn, laptop, entry, reports } = await listening();
    await publish("before");
    await serverGoesOn();
    await laptop.listener.stop("handed back by ada");
    await publish("after");
    await serverGoesOn();
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", alias: "stable" });
    expect(reports.filter(({ outcome }) => outcome === "done")).toHaveLength(2);
  });
});

describe("two laptops", () => {
  it("of one alias: the second is refused, and told whose it is", async () => {
    const { aLaptop } = await listening();
    const other = aLaptop("bob");
    expect(await other.listener.beat()).toBe("taken over");
    expect(other.said()).toEqual(["taken over"]);
    expect(await other.listener.take(4)).toBe(0);
  });

  it("one after the other: the first finds its lease taken when it wakes, and runs nothing more", async () => {
    const { publish, serverGoesOn, laptop, aLaptop, time, entry, effects } = await listening();
    await time.pass(LEASE_MS);
    const other = aLaptop("bob");
    expect(await other.listener.beat()).toBe("held");
    await publish("one");
    await serverGoesOn();
    expect(await laptop.listener.beat()).toBe("taken over");
    expect(await laptop.listener.take(4)).toBe(0);
    expect(await other.listener.take(4)).toBe(1);
    await other.answer();
    await serverGoesOn();
    expect(await entry()).toMatchObject({ status: "done", attempt: 1 });
    expect(effects).toMatchObject([{ at: "bob" }]);
  });
});

it("what a listener that was killed has left in the routing is taken back by its revision", async () => {
  const { table, time } = await aLaptopWorld();
  const about = { who: "ada", why: "a test", command: "listen", at: time.now() };
  const until = new Date(time.now().getTime() + 1_000).toISOString();
  const edit = {
    kind: "listen",
    component: COMPONENT,
    alias: "laptop-bob",
    subjects: ["customer#globex"],
    cohorts: [],
  } as const;
  const said = { until, who: "bob", why: "tries", at: time.now().toISOString(), heldByOthers: [] };
  const { revision } = await changeRoutes(table, { ...about, changeId: "1", edit: { ...edit, ...said } });
  expect((await table.rows(["customer#globex"])).rows.size).toBe(1);
  await takeBack(table, revision, { ...about, changeId: "2" });
  const { rows } = await table.rows(["customer#globex", `component#${COMPONENT}`]);
  expect(rows.has("customer#globex")).toBe(false);
  expect(rows.get(`component#${COMPONENT}`)).toMatchObject({ aliases: { stable: {}, [ALIAS]: {} } });
});
