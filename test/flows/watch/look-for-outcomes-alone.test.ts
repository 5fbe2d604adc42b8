import { describe, expect, it } from "vitest";
import type { DeliveryCount } from "../../../shared/domain/health/delivery-count.ts";
import type { GuardVerdict } from "../../../shared/domain/health/guard-verdict.ts";
import { newWatch, type Watch } from "../../../shared/domain/health/watch.ts";
import type { GuardPorts } from "../../../shared/flows/watch/guard-ports.ts";
import { lackingOf, lookForOutcomes } from "../../../shared/flows/watch/look-for-outcomes.ts";
import { aComponent } from "../../support/builders.ts";
import { type Delivered, smallLedger } from "../../support/small-ledger.ts";

const FROM = new Date("2026-11-20T10:00:00.000Z");
const NOW = new Date("2026-11-20T12:00:00.000Z");
const at = (minutes: number) => new Date(FROM.getTime() + minutes * 60_000);
const invocation = { kind: "async", maxEventAgeMs: 600_000 } as const;
const component = aComponent({ name: "mailer", invocation });
const targets = [
  { alias: "stable", version: "1" },
  { alias: "beta", version: "2" },
];

const taken = (count: number, about: Partial<DeliveryCount> = {}): Partial<DeliveryCount> => {
  return { at: at(10), outcomes: new Map([["accepted", count]]), ...about };
};

function aWatch(about: Partial<Watch>): Watch & { verdict: GuardVerdict } {
  const verdict: GuardVerdict = { says: "no verdict", metrics: [], more: null };
  return { ...newWatch({ component: "mailer", alias: "beta", version: "2" }, FROM, FROM), ...about, verdict };
}

/** What is counted again, if anything is. */
async function looked(
  counts: Partial<DeliveryCount>[],
  { about = {} as Partial<Watch>, deliveries = [] as Delivered[], of = component } = {},
) {
  const ledger = smallLedger(deliveries, counts);
  const ports = { events: ledger, routingTable: {}, random: () => 0 } as unknown as GuardPorts;
  const watch = aWatch(about);
  const found = await lookForOutcomes(ports, of, watch, targets, NOW);
  return { found, isCounted: found !== watch, ledger };
}

describe("what has no outcome is missing", () => {
  const patience = (about: Parameters<typeof aComponent>[0], aboveMs?: number) => {
    const slow = aboveMs === undefined ? {} : { slow: { aboveMs, at: FROM.toISOString() } };
    const { takenBefore, stableAlias } = lackingOf(aComponent({ fallbackAlias: "old", ...about }), slow as Watch, NOW);
    expect(stableAlias).toBe("old");
    return NOW.getTime() - takenBefore.getTime();
  };

  it.each([
    ["by its deadline", { timeoutMs: 30_000 }, undefined, 30_000],
    ["by that of what is worked on later", { timeoutMs: 30_000, invocation }, undefined, 630_000],
    ["after ten times what is slow for stable", { timeoutMs: 900_000 }, 20_000, 200_000],
    ["after a minute at least", { timeoutMs: 900_000 }, 20, 60_000],
    ["by its deadline, where that comes first", { timeoutMs: 30_000 }, 20_000, 30_000],
  ])("%s", (_, about, slow, ms) => {
    expect(patience(about, slow)).toBe(ms);
  });
});

describe("outcomes are looked for in the ledger", () => {
  it("where three and more are wanting of what was taken long ago", async () => {
    const cases: [Partial<DeliveryCount>[], boolean][] = [
      [[taken(3)], true],
      [[taken(2)], false],
      [[taken(1), taken(2)], true],
      [[taken(9, { firsts: 4, retries: 2 })], true],
      [[taken(9, { firsts: 4, retries: 3 })], false],
      [[taken(9), { at: at(11), firsts: 7 }], false],
      [[{ at: at(10) }], false],
      [[taken(9, { alias: "stable" })], false],
      [[taken(9, { version: "3" })], false],
      [[taken(9, { version: "" })], true],
      [[taken(9, { component: "invoice" })], false],
      [[taken(9, { at: at(-1) })], false],
      // 630 seconds ago is 11:49:30.
      [[taken(9, { at: at(108) })], true],
      [[taken(9, { at: at(109) })], false],
    ];
    for (const [counts, expected] of cases) expect((await looked(counts)).isCounted).toBe(expected);
  });

  it("up to the very minute after which they are missing", async () => {
    const of = { ...component, timeoutMs: 60_000, invocation: { kind: "async", maxEventAgeMs: 60_000 } as const };
    expect((await looked([taken(9, { at: at(117) })], { of })).isCounted).toBe(true);
    expect((await looked([taken(9, { at: at(118) })], { of })).isCounted).toBe(false);
  });

  it("of a component that works on them later alone", async () => {
    const sync = { ...component, invocation: { kind: "sync" } as const };
    const { isCounted, ledger } = await looked([taken(9)], { of: sync });
    expect([isCounted, ledger.asked.counts]).toEqual([false, []]);
  });

  it("once a minute", async () => {
    const since = async (ms: number) =>
      (await looked([taken(9)], { about: { recountedAt: new Date(NOW.getTime() - ms).toISOString() } })).isCounted;
    expect([await since(59_999), await since(60_000), await since(90_000)]).toEqual([false, true, true]);
  });

  it("and what is missing there is the version's and stable's, beside each other", async () => {
    const lost = { sent: at(10), outcome: "accepted" } as const;
    const { found } = await looked([taken(9)], {
      deliveries: [
        ...[lost, { ...lost, sent: at(10.5), customer: "globex" }, { sent: at(10) }],
        ...[
          { ...lost, alias: "stable" },
          { sent: at(10), alias: "stable", version: "1" },
        ],
      ],
    });
    expect(found.meters.missing).toMatchObject({ own: { tried: 3, failed: 2 }, stable: { tried: 2, failed: 1 } });
    expect(found).toMatchObject({ recountedAt: NOW.toISOString(), customers: ['["acme"]', '["globex"]'] });
    expect(found.before).toMatchObject({ tried: 0, at: NOW.toISOString() });
  });

  it("and what was before is asked for only where nobody has yet", async () => {
    const before = { tried: 5, failed: 0, durations: [], at: FROM.toISOString(), customers: 1 };
    const { found } = await looked([taken(9)], { about: { before } });
    expect(found.before).toBe(before);
    const none = await looked([taken(9)], { about: { before: { ...before, tried: 0 } } });
    expect(none.found.before?.at).toBe(NOW.toISOString());
  });
});
