import { describe, expect, it } from "vitest";
import type { EventRecord, LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { type DeliveryCount, noCounts } from "../../../shared/domain/health/delivery-count.ts";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import type { GuardVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { newWatch, type TakenOff, type Watch } from "../../../shared/domain/health/watch.ts";
import type { Guard } from "../../../shared/domain/routing/guard-rule.ts";
import type { GuardPorts } from "../../../shared/flows/watch/guard-ports.ts";
import { judgeCustomers } from "../../../shared/flows/watch/judge-customers.ts";
import { aComponent } from "../../support/builders.ts";
import { aRelease } from "../../support/releases.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const start = Date.parse("2026-11-20T10:00:00.000Z");
const at = (ms: number) => new Date(start + ms);
const now = at(10 * 60_000);
const component = aComponent({ name: "mailer" });
const guard: Guard = { mode: "rollback", who: "ada", why: "x", at: at(0).toISOString() };
const targets = [
  { alias: "stable", version: "1" },
  { alias: "beta", version: "2" },
];

type Tried = { customer: string; minute: number; failed?: boolean; version?: string; alias?: string };

/** A version's deliveries as the ledger has them, and what is listed of those that failed. */
function aWorld(tried: readonly Tried[], listed: readonly Tried[] = tried) {
  const records: EventRecord[] = [];
  const entries = new Map<string, LedgerEntry[]>();
  for (const [n, { customer, minute, failed = true, version = "2", alias = "beta" }] of tried.entries()) {
    const eventKey = `key-${n}`;
    const t0 = at(minute * 60_000 + n);
    const attempt = { attempt: 1, at: t0, outcome: failed ? ("failed" as const) : ("done" as const), version };
    records.push(aRecord({ id: eventKey, eventKey, t0, subject: { customer } }));
    entries.set(eventKey, [anEntry({ eventKey, t0, alias, attempts: [attempt] })]);
  }
  const failures = listed.flatMap(
    ({ customer, minute, failed = true, version = "2", alias = "beta" }, n): Failure[] => {
      const about = {
        deliveryKey: `d-${n}`,
        eventId: `e-${n}`,
        component: "mailer",
        type: "order placed",
        message: "",
      };
      const said = { errorType: "E", requestId: "r", because: "default alias" as const, subject: { customer } };
      return failed ? [{ ...about, ...said, at: at(minute * 60_000 + n), version, alias }] : [];
    },
  );
  const beside = Array.from({ length: 6 }, (_, minute): DeliveryCount => {
    const key = { component: "mailer", version: "1", alias: "stable", type: "order placed" };
    return { ...noCounts(), ...key, at: at(minute * 60_000), firsts: 600, failed: 3 };
  });
  const recounts: string[] = [];
  const asked: { limit: number; to: Date; from: Date }[] = [];
  const events = {
    failures: async (_: string, { from, to }: { from: Date; to: Date }, limit: number) => {
      asked.push({ from, to, limit });
      return failures;
    },
    counts: async () => ({ counts: beside }),
    async *records() {
      recounts.push("records");
      yield records;
    },
    deliveriesOf: async (keys: readonly string[]) => new Map(keys.map((key) => [key, entries.get(key) ?? []])),
  };
  const ports = { events, routingTable: { head: async () => 7 }, now: () => now } as unknown as GuardPorts;
  return { ports, recounts, asked };
}

const verdict = (failed: number): GuardVerdict => {
  const own = { tried: 100, failed };
  const metric = { metric: "failed", own, stable: { tried: 9, failed: 0 }, level: "ok" } as const;
  return { says: "no verdict", metrics: [metric], more: null };
};
const suspect = (who: string, about: object = {}) => {
  return { who: `customer#${who}` as const, tried: 540, failed: 1, at: at(9 * 60_000).toISOString(), ...about };
};

function aWatch(about: Partial<Watch> = {}): Watch {
  const watch = newWatch({ component: "mailer", alias: "beta", version: "2" }, at(0), at(0));
  return { ...watch, verdict: verdict(48), customers: ["a", "b"], suspects: [suspect("acme")], ...about };
}

/** So many deliveries of a customer in each of so many minutes, all of which fail. */
const fails = (customer: string, minutes: number, each = 12) =>
  Array.from({ length: minutes * each }, (_, n): Tried => ({ customer, minute: n % minutes }));

describe("a customer for whom alone a version fails", () => {
  it("is found by the ledger, once their failures come in burst after burst", async () => {
    const { ports } = aWorld(fails("acme", 4));
    const found = await judgeCustomers(ports, component, aWatch(), guard, targets, now);
    expect(found.suspects).toEqual([suspect("acme")]);
    expect(found.taken).toEqual([
      {
        ...{ who: "customer#acme", at: now.toISOString(), stage: "found", mode: "rollback", revision: 7 },
        why: expect.stringMatching(/^2 is worse for customer acme: 48 of 48 /),
      },
    ]);
  });

  it("is dealt with as its guard says, or the release that has set it", async () => {
    const { ports } = aWorld(fails("acme", 4));
    const taken = async (guarded: Guard, about = component) =>
      (await judgeCustomers(ports, about, aWatch(), guarded, targets, now)).taken?.map(({ mode, all }) => [mode, all]);
    expect(await taken({ ...guard, mode: "undo", all: true })).toEqual([["undo", true]]);
    const releasing = { ...component, release: aRelease() };
    expect(await taken({ ...guard, who: "release/4-faster", mode: "hold" }, releasing)).toEqual([["undo", undefined]]);
    expect(await taken({ ...guard, mode: "hold" }, releasing)).toEqual([["hold", undefined]]);
  });

  it("isn't looked for while less than three have failed, or in fewer than three bursts", async () => {
    const { ports, recounts } = aWorld(fails("acme", 4));
    const few = aWatch({ verdict: verdict(2) });
    expect(await judgeCustomers(ports, component, few, guard, targets, now)).toBe(few);
    const { verdict: _, ...unjudged } = aWatch();
    expect(await judgeCustomers(ports, component, unjudged, guard, targets, now)).toBe(unjudged);
    const two = aWorld(fails("acme", 2));
    expect(await judgeCustomers(two.ports, component, aWatch(), guard, targets, now)).not.toHaveProperty("suspects");
    expect([...recounts, ...two.recounts]).toEqual([]);
  });

  it("isn't looked for among whom was found before, or who failed on another version or alias", async () => {
    const known = aWatch({ taken: [{ who: "customer#acme" } as unknown as TakenOff] });
    const { ports, recounts } = aWorld(fails("acme", 4));
    const after = await judgeCustomers(ports, component, known, guard, targets, now);
    expect([after.taken, after.suspects]).toEqual([known.taken, undefined]);
    for (const about of [{ version: "1" }, { alias: "stable" }]) {
      const other = aWorld(fails("acme", 4).map((one) => ({ ...one, ...about })));
      expect(await judgeCustomers(other.ports, component, aWatch(), guard, targets, now)).not.toHaveProperty("taken");
    }
    expect(recounts).toEqual([]);
  });

  it("is only suspected where the ledger has less against the version, and not counted again within a minute", async () => {
    const well = fails("acme", 4).map((one, n) => ({ ...one, failed: n === 0 }));
    const { ports, recounts } = aWorld(well, fails("acme", 4));
    const found = await judgeCustomers(ports, component, aWatch(), guard, targets, now);
    expect(found).not.toHaveProperty("taken");
    expect(found.suspects).toEqual([suspect("acme", { recountedAt: now.toISOString() })]);
    expect(recounts).toHaveLength(1);
    const again = (ms: number) =>
      judgeCustomers(ports, component, { ...aWatch(), suspects: found.suspects }, guard, targets, new Date(+now + ms));
    await again(59_999);
    expect(recounts).toHaveLength(1);
    await again(60_000);
    expect(recounts).toHaveLength(2);
  });

  it("is counted by itself where there are two, for whom the ledger is read once", async () => {
    const well = fails("globex", 4).map((one) => ({ ...one, failed: false }));
    const listed = [...fails("acme", 4), ...fails("globex", 4)];
    const { ports, recounts } = aWorld([...fails("acme", 4), ...well], listed);
    const watch = aWatch({ suspects: [suspect("acme"), suspect("globex")] });
    const found = await judgeCustomers(ports, component, watch, guard, targets, now);
    expect(found.taken?.map(({ who }) => who)).toEqual(["customer#acme"]);
    expect(found.suspects).toEqual([suspect("acme"), suspect("globex", { recountedAt: now.toISOString() })]);
    expect(recounts).toHaveLength(1);
  });

  it("is among five at most, those for whom it fails in most bursts", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const tried = names.flatMap((name, n) => fails(name, 3 + (n % 6), 1));
    const watch = aWatch({ suspects: names.map((name) => suspect(name, { tried: 0, failed: 0 })) });
    const found = await judgeCustomers(aWorld(tried).ports, component, watch, guard, targets, now);
    expect(found.suspects?.map(({ who }) => who)).toEqual(["f", "e", "d", "c", "b"].map((name) => `customer#${name}`));
  });

  it("is looked for among the newest failures since the watch begins, by clocks that may be two minutes ahead", async () => {
    const { ports, asked } = aWorld(fails("acme", 4));
    await judgeCustomers(ports, component, aWatch(), guard, targets, now);
    expect(asked).toEqual([{ from: at(0), to: at(12 * 60_000), limit: 2_000 }]);
  });

  it("isn't looked for where no metric is judged, and where exactly three have failed is", async () => {
    const { ports, asked } = aWorld(fails("acme", 4));
    await judgeCustomers(ports, component, aWatch({ verdict: verdict(3) }), guard, targets, now);
    expect(asked).toHaveLength(1);
    const none = aWatch({ verdict: { says: "no verdict", metrics: [], more: null } });
    expect(await judgeCustomers(ports, component, none, guard, targets, now)).toBe(none);
  });

  it("has what was before looked up again after ten minutes", async () => {
    const since = async (ms: number) => {
      const { ports } = aWorld(fails("acme", 4));
      const known = suspect("acme", { at: new Date(+now - ms).toISOString(), recountedAt: now.toISOString() });
      const [one] =
        (await judgeCustomers(ports, component, aWatch({ suspects: [known] }), guard, targets, now)).suspects ?? [];
      return one;
    };
    expect(await since(599_999)).toMatchObject({ tried: 540, recountedAt: now.toISOString() });
    expect(await since(600_000)).toMatchObject({ tried: 0, failed: 0, at: now.toISOString() });
  });
});
