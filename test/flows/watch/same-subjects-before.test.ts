import { describe, expect, it } from "vitest";
import { bucketOf } from "../../../shared/domain/health/duration-buckets.ts";
import { newWatch } from "../../../shared/domain/health/watch.ts";
import { sameSubjectBefore, sameSubjectsBefore } from "../../../shared/flows/watch/same-subjects-before.ts";
import { type Delivered, smallLedger } from "../../support/small-ledger.ts";

const CAME = new Date("2026-11-20T10:00:00.000Z");
const NOW = new Date("2026-11-20T10:30:00.000Z");
const at = (minutes: number) => new Date(CAME.getTime() + minutes * 60_000);
const watch = newWatch({ component: "mailer", alias: "beta", version: "2" }, CAME, CAME);

/** Counted an hour and more before the version came, of each component. */
const counted = [{ at: at(-600), component: "invoice", firsts: 5 }, { at: at(-300) }, { at: at(-240), firsts: 1 }];
const earlier = (about: Partial<Delivered> = {}): Delivered => ({ sent: at(-100), version: "1", ...about });

async function all(deliveries: Delivered[], { counts = counted as object[], more = [] as string[], about = {} } = {}) {
  const ledger = smallLedger(deliveries, counts);
  const found = await sameSubjectsBefore({ events: ledger, random: () => 0 }, { ...watch, ...about }, NOW, more);
  return { found, asked: ledger.asked };
}

const nothing = { tried: 0, failed: 0, durations: [], at: NOW.toISOString() };

describe("what was before with those who are on a version", () => {
  it("is what became of theirs on other versions, with how long it took", async () => {
    const { found } = await all([
      { sent: at(5) },
      earlier({ durationMs: 5 }),
      earlier({ durationMs: 5, outcome: "failed" }),
      earlier({ durationMs: 400, alias: "stable" }),
      earlier({ outcome: "dead", durationMs: 5, version: "" }),
      earlier({ outcome: "failed" }),
    ]);
    expect(found).toEqual({
      ...nothing,
      ...{ tried: 5, failed: 3, customers: 1 },
      durations: [
        [bucketOf(5), 3],
        [bucketOf(400), 1],
      ],
    });
  });

  it.each([
    ["on the version itself", { version: "2" }],
    ["of another component", { component: "invoice" }],
    ["from before anything of the component was counted", { sent: at(-241) }],
    ["from after it came", { sent: at(0) }],
  ])("isn't what was %s", async (_, about) => {
    const { found } = await all([{ sent: at(5) }, earlier(), earlier(about)]);
    expect(found).toEqual({ ...nothing, tried: 1, customers: 1 });
  });

  it("is of those who are on it by its alias, or are named besides", async () => {
    const on = (about: Partial<Delivered>) => ({ sent: at(5), ...about });
    const others = [
      on({ customer: "a", alias: "stable" }),
      on({ customer: "b", version: "1" }),
      on({ customer: "c", component: "invoice" }),
    ];
    const tried = ["a", "b", "c", "acme"].map((customer) => earlier({ customer }));
    const { found } = await all([...others, ...tried]);
    expect(found).toEqual({ ...nothing, customers: 0 });
    const unheard = on({ customer: "a", outcome: "outcome missing" });
    expect((await all([...others, ...tried, unheard])).found.customers).toBe(0);
    const named = await all([...others, ...tried], { more: ['["a"]'] });
    expect(named.found).toMatchObject({ tried: 1, customers: 1, others: { tried: 3, failed: 0 } });
  });

  it("is told apart from what had no outcome", async () => {
    const missing = { outcome: "outcome missing" as const };
    const { found } = await all([
      { sent: at(5) },
      earlier({ outcome: "failed" }),
      earlier(missing),
      earlier(missing),
      earlier({ ...missing, customer: "globex" }),
    ]);
    expect(found).toEqual({ ...nothing, tried: 1, failed: 1, missing: 2, customers: 1 });
  });

  it("is compared with what became of others' events of the same types, by the shares of these", async () => {
    const other = (type: string, outcome: "done" | "failed") => earlier({ customer: "globex", type, outcome });
    const { found } = await all([
      { sent: at(5) },
      ...[earlier(), earlier(), earlier(), earlier({ type: "paid" })],
      ...[other("order placed", "failed"), other("order placed", "done")],
      ...[other("paid", "failed"), other("paid", "done"), other("paid", "done"), other("paid", "done")],
      ...[other("never theirs", "failed")],
    ]);
    // Three in four at a half, one in four at a quarter.
    expect(found.others).toEqual({ tried: 6, failed: 6 * (0.75 * 0.5 + 0.25 * 0.25) });
  });

  it("is nothing where nothing was counted, and isn't read then, nor where nobody is on it", async () => {
    const { found, asked } = await all([{ sent: at(5) }, earlier()], { counts: [{ at: at(-241) }] });
    expect(found).toEqual({ ...nothing, customers: 1 });
    expect(asked.records.every(({ from }) => from >= CAME)).toBe(true);
    const nobody = await all([earlier()]);
    expect(nobody.found).toEqual({ ...nothing, customers: 0 });
    expect(nobody.asked.records.every(({ from }) => from >= CAME)).toBe(true);
  });

  it("is looked for from a week ago on by the hour, and in the last hour by the minute", async () => {
    const hours = { from: at(-7 * 24 * 60), to: at(-60), span: "hour" };
    expect((await all([{ sent: at(5) }])).asked.counts).toEqual([hours]);
    const { found, asked } = await all([{ sent: at(5) }, earlier({ sent: at(-20) })], {
      counts: [{ at: at(-30), firsts: 2 }],
    });
    expect(asked.counts).toEqual([hours, { from: at(-60), to: CAME, span: "minute" }]);
    expect(found.tried).toBe(1);
  });
});

describe("what was before with one customer", () => {
  async function one(deliveries: Delivered[], counts: object[] = counted) {
    const ledger = smallLedger(deliveries, counts);
    const found = await sameSubjectBefore({ events: ledger, random: () => 0 }, watch, "customer#acme", NOW);
    return { found, asked: ledger.asked };
  }

  it("is what became of theirs on other versions alone", async () => {
    const { found } = await one([
      earlier(),
      earlier({ sent: at(-50), outcome: "failed" }),
      earlier({ sent: at(-40), type: "paid" }),
      ...[earlier({ customer: "globex" }), earlier({ version: "2" }), earlier({ component: "invoice" })],
      ...[earlier({ sent: at(-241) }), { sent: at(5), version: "1" }],
      earlier({ outcome: "outcome missing" }),
    ]);
    expect(found).toEqual({ tried: 3, failed: 1 });
  });

  it("is nothing where nothing was counted before the version came", async () => {
    const { found, asked } = await one([earlier()], []);
    expect([found, asked.records]).toEqual([{ tried: 0, failed: 0 }, []]);
  });

  it("is told from three events of each of two hundred stretches", async () => {
    const { asked } = await one([]);
    expect(asked.records).toHaveLength(200);
    expect(new Set(asked.records.map(({ most }) => most))).toEqual(new Set([100]));
    const often = Array.from({ length: 400 }, (_, n) =>
      earlier({ sent: new Date(at(-240).getTime() + n), type: `${n}` }),
    );
    // All in one stretch, from which as many are taken as the others lack: as far as it is looked into.
    const { found } = await one(often);
    expect(found.tried).toBe(300);
  });
});
