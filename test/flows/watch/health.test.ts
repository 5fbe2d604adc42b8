import { describe, expect, it } from "vitest";
import type { CountKey } from "../../../shared/domain/health/delivery-count.ts";
import { deliveryTally } from "../../../shared/domain/health/delivery-tally.ts";
import { healthOf } from "../../../shared/flows/watch/health.ts";
import { aClaimRequest, aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRouter, T0 } from "../../support/router.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const MAILER = "mailer";
const error = { type: "Broken", message: "it broke" };
const TARGETS = [
  { alias: "stable", version: "1" },
  { alias: "beta", version: "2" },
];

/** First attempts of a version: so many, of which some failed, each for another customer. */
type Tried = Partial<CountKey> & {
  at?: Date;
  tried: number;
  failed?: number;
  error?: typeof error;
  customers?: number;
};

/** What was counted, of a component with three customers on beta. */
async function looked(tried: readonly Tried[], { targets = TARGETS, rows = {}, now = T0, to = T0 } = {}) {
  const pins = { [MAILER]: aPin({ alias: "beta" }) };
  const onBeta = Object.fromEntries([1, 2, 3].map((n) => [`customer#c-${n}`, aSubjectRow({ pins })]));
  const components = [aComponent({ name: MAILER }), aComponent({ name: "quiet" })];
  const router = await aRouter({ components, rows: { ...onBeta, ...rows } });
  const { events, table } = router;
  let n = 0;
  for (const { tried: count, failed = 0, error: said = error, at = T0, customers = failed, ...about } of tried) {
    const tally = deliveryTally();
    const key = { component: MAILER, version: "2", alias: "beta", type: "order placed", ...about };
    for (let index = 0; index < count; index++) {
      if (index >= failed) {
        tally.add(at, { ...key, outcome: "done", attempt: { kind: "first", durationMs: 5 } });
        continue;
      }
      const request = aClaimRequest({ component: MAILER, idempotencyKey: `e-${++n}` });
      const subject = { customer: `customer-${index % customers}` };
      const of = { at, deliveryKey: request.deliveryKey, eventId: `e-${n}`, requestId: "r", subject, ...key };
      const failure = { ...of, because: "default alias" as const, errorType: said.type, message: said.message };
      tally.add(at, { ...key, outcome: "failed", attempt: { kind: "first", error: said }, failure });
    }
    await events.count(tally.take(), `router-${n}-${count}-${at.getTime()}-${key.version}-${key.alias}`);
  }
  const catalog = { aliases: async (component: string) => (component === MAILER ? targets : []) };
  const window = { from: new Date(to.getTime() - 15 * MINUTE), to: new Date(to.getTime() + 1) };
  const health = (component?: string) =>
    healthOf({ events, routingTable: table, catalog }, { window, ...(component && { component }) }, now);
  return { ...router, health, of: async (version: string) => versionIn(await health(MAILER), version) };
}

function versionIn({ versions }: Awaited<ReturnType<typeof healthOf>>, version: string) {
  const found = versions.find((one) => one.version === version);
  if (found === undefined) throw new Error(`no version ${version}`);
  return found;
}

const stable = (tried: number, failed = 0): Tried => ({ version: "1", alias: "stable", tried, failed });

describe("a version's health", () => {
  it("has its first attempts, their rate, whom it failed for, and its most frequent error", async () => {
    const other = { type: "Timeout", message: "too long" };
    const { of } = await looked([
      stable(60),
      { tried: 26, failed: 6, customers: 4 },
      { tried: 4, failed: 2, error: other },
    ]);
    expect(await of("2")).toMatchObject({
      component: MAILER,
      aliases: ["beta"],
      counts: { firsts: 30, failed: 8 },
      customersAffected: 4,
      unresolved: 0,
      topError: { error: "Broken: it broke", count: 6, isNew: true },
    });
    // From 09:44 on, as minutes are counted, until now: the last 16 minutes but for two seconds.
    expect((await of("1")).perMinute).toBeCloseTo(60 / (16 - 2 / 60), 1);
    expect(await of("1")).toMatchObject({ counts: { firsts: 60 }, customersAffected: 0, verdict: { level: "ok" } });
    expect(await of("1")).not.toHaveProperty("topError");
  });

  it("has the most frequent of its errors, wherever that was met", async () => {
    const other = { type: "Timeout", message: "too long" };
    const { of } = await looked([
      { tried: 4, failed: 2 },
      { tried: 9, failed: 5, error: other },
    ]);
    expect((await of("2")).topError).toMatchObject({ error: "Timeout: too long", count: 5 });
  });

  it("stands there for every version that an alias points at, tried or not, in the order of their numbers", async () => {
    const targets = [...TARGETS, { alias: "branch", version: "10" }];
    const { health } = await looked([stable(5)], { targets });
    const { versions, dropped } = await health();
    expect(versions.map(({ version, counts, aliases }) => [version, counts.firsts, aliases])).toEqual([
      ["1", 5, ["stable"]],
      ["2", 0, ["beta"]],
      ["10", 0, ["branch"]],
    ]);
    expect(dropped).toBe(0);
  });

  it("names the aliases that point at it and those that it has run for, and none for want of one", async () => {
    const { of } = await looked([
      { tried: 3, alias: "branch" },
      { tried: 1, alias: "" },
    ]);
    expect((await of("2")).aliases).toEqual(["beta", "branch"]);
  });

  it("is of the component that is asked for", async () => {
    const { health } = await looked([stable(5)]);
    expect((await health("quiet")).versions).toEqual([]);
    await expect(health("mailr")).rejects.toThrow(/mailr/);
  });

  it("is acted upon when it is worse than stable and than what its alias had before", async () => {
    const yesterday = new Date(T0.getTime() - 24 * HOUR);
    const before = { at: yesterday, version: "1", alias: "beta", tried: 2_000, failed: 5 };
    const { of } = await looked([before, stable(400), { tried: 60, failed: 40 }]);
    expect((await of("2")).verdict.level).toBe("act");
  });

  it("is judged by what the alias had before the version came, and not by the hour in which the window begins", async () => {
    const own = { tried: 60, failed: 40 };
    const at = (hours: number) => new Date(T0.getTime() - hours * HOUR);
    // It has failed all along, and so had what was there before it.
    const bad = { at: at(48), version: "1", alias: "beta", tried: 1_000, failed: 700 };
    expect((await (await looked([bad, stable(400), own])).of("2")).verdict.level).toBe("ok");
    // The version itself, since yesterday: what was before that counts.
    const good = { at: at(48), version: "1", alias: "beta", tried: 2_000, failed: 5 };
    const since = { at: at(24), version: "2", alias: "beta", tried: 8_000, failed: 5_600 };
    expect((await (await looked([good, since, stable(400), own])).of("2")).verdict.level).toBe("act");
    // Longer ago than a week, of another alias, or within the window's own hour.
    for (const about of [{ at: at(8 * 24) }, { alias: "branch" }, { at: new Date(T0.getTime() - 20 * MINUTE) }]) {
      const { of } = await looked([{ ...good, ...about }, stable(400), own]);
      expect((await of("2")).verdict).toMatchObject({ level: "warn", worseThanBefore: undefined });
    }
  });

  it("isn't excused by having failed as often when it was tried before", async () => {
    const at = new Date(T0.getTime() - 2 * HOUR);
    const beside = { at, version: "1", alias: "beta", tried: 2_000, failed: 5 };
    const { of } = await looked([beside, { at, tried: 60, failed: 40 }, stable(400), { tried: 60, failed: 40 }]);
    expect((await of("2")).verdict.level).toBe("act");
  });

  it("takes two customers where many are on it, and one where it is the only one", async () => {
    const failing = { tried: 60, failed: 40, customers: 1 };
    const before = { at: new Date(T0.getTime() - 24 * HOUR), version: "1", alias: "beta", tried: 2_000, failed: 5 };
    const counted = [before, stable(400), failing];
    expect((await (await looked(counted)).of("2")).verdict.level).toBe("ok");
  });

  it("doesn't compare stable with itself, nor with a version that nothing else ran beside", async () => {
    const { of } = await looked([stable(60, 30)]);
    expect((await of("1")).verdict).toMatchObject({ level: "warn", worseThanStable: undefined });
    const { of: alone } = await looked([{ tried: 60, failed: 40 }]);
    expect((await alone("2")).verdict.worseThanStable).toBeUndefined();
  });

  it("tells an error that no other version has shown from one that another has, in the window or before", async () => {
    const own = { tried: 30, failed: 5 };
    const isNew = async (others: Tried[]) => (await (await looked([own, ...others])).of("2")).topError?.isNew;
    expect(await isNew([])).toBe(true);
    expect(await isNew([stable(10, 1)])).toBe(false);
    expect(await isNew([{ ...stable(10, 1), at: new Date(T0.getTime() - 30 * HOUR) }])).toBe(false);
    expect(await isNew([{ ...stable(10, 1), at: new Date(T0.getTime() - 8 * 24 * HOUR) }])).toBe(true);
  });

  it("counts as unresolved what is dead and wasn't made good", async () => {
    const { of, events } = await looked([{ tried: 3, failed: 3 }]);
    const requests = ["e-1", "e-2", "e-3"].map((idempotencyKey) =>
      aClaimRequest({ component: MAILER, idempotencyKey }),
    );
    await events.claim(requests, "ada", T0);
    const [first, second, third] = requests.map(({ deliveryKey }) => ({ deliveryKey, attempt: 1, at: T0 }));
    if (first === undefined || second === undefined || third === undefined) throw new Error("nothing was claimed");
    await events.close([
      { ...first, outcome: "dead", error },
      { ...second, outcome: "dead", error },
      { ...third, outcome: "done" },
    ]);
    expect((await of("2")).unresolved).toBe(2);
    const again = aClaimRequest({ component: MAILER, idempotencyKey: "e-1", generation: "replay-1" });
    const later = new Date(T0.getTime() + 1_000);
    await events.claim([again], "bob", later);
    await events.close([{ deliveryKey: again.deliveryKey, attempt: 1, at: later, outcome: "done" }]);
    expect((await of("2")).unresolved).toBe(1);
  });

  it("has nothing of what no version ran, and all of what nobody owns up to where something did", async () => {
    const targets = [{ alias: "stable", version: "1" }];
    const { health, events } = await looked([], { targets });
    const refused = deliveryTally();
    refused.add(T0, { component: MAILER, version: "", alias: "", type: "order placed", outcome: "rejected" });
    await events.count(refused.take(), "router");
    expect((await health(MAILER)).versions.map(({ version }) => version)).toEqual(["1"]);
    const { of } = await looked([{ tried: 4, failed: 1, version: "", alias: "gone" }], { targets });
    expect(await of("")).toMatchObject({ counts: { firsts: 4, failed: 1 }, aliases: ["gone"], customersAffected: 1 });
  });
});
