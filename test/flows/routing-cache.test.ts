import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Component } from "../../shared/domain/routing/component.ts";
import type { LaptopLease } from "../../shared/domain/routing/laptop-lease.ts";
import type { Revision, Row, RowKey } from "../../shared/domain/routing/routing-change.ts";
import type { SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import { type RoutingCache, type RoutingView, routingCache } from "../../shared/flows/routing-cache.ts";
import { aComponent, aPin, aSubjectRow } from "../support/builders.ts";
import { memoryRoutingTable, type Rows } from "../support/memory-routing-table.ts";
import { eventually, portCalls, surrounded } from "../support/port-calls.ts";

const reads = ["head", "changesAfter", "rows", "components"] as const;

function aCache(first: Rows = {}, maxRows?: number) {
  const memory = memoryRoutingTable(first);
  const calls = portCalls();
  return { ...memory, calls, cache: routingCache(surrounded(memory.table, reads, calls.around), { maxRows }) };
}

/** What a batch found: the view's revision, and the rows under the keys it asked for. */
type Seen = { revision: Revision; components: Component[]; rows: Map<RowKey, Row | undefined> };

function look(view: RoutingView, keys: readonly RowKey[]): Seen {
  const rows = new Map(keys.map((key) => [key, view.rowOf(key) as Row | undefined]));
  return { revision: view.revision, components: view.listeners.map(({ component }) => component), rows };
}

const see = (cache: RoutingCache, ...keys: RowKey[]) => cache.decideOn((view) => look(view, keys));

/** A row that says at which change it was written. */
const marked = (mark: string): SubjectRow => aSubjectRow({ cohorts: [mark] });
const markOf = (seen: Seen, key: RowKey) => (seen.rows.get(key) as SubjectRow | undefined)?.cohorts[0];

describe("a routing cache", () => {
  it("reads the head and nothing else for a batch that finds everything cached", async () => {
    const { cache, calls } = aCache({ "customer#acme": marked("first"), "component#mailer": aComponent() });
    await cache.refresh();
    await see(cache, "customer#acme", "project#none");
    calls.since();

    await cache.refresh();
    await see(cache, "customer#acme", "project#none");

    expect(calls.made).toEqual(["head"]);
  });

  it("loads all rows that a decision misses with one read, and runs the decision again on them", async () => {
    const { cache, calls } = aCache({
      "project#site": aSubjectRow({ customer: "acme" }),
      "customer#acme": marked("a"),
    });
    await cache.refresh();
    const customer = await cache.decideOn((view) => {
      const project = view.rowOf("project#site");
      view.rowOf("source#shop");
      return project === undefined ? undefined : view.rowOf(`customer#${project.customer}`);
    });
    expect(customer).toEqual(marked("a"));
    expect(calls.made.filter((call) => call === "rows")).toHaveLength(2);
  });

  it("looks for the rows of users only once one of them has a row", async () => {
    const { cache, calls, put } = aCache({ "component#mailer": aComponent() });
    await cache.refresh();
    await see(cache, "user#ada", "user#grace");
    expect(calls.made.filter((call) => call === "rows")).toEqual([]);

    put({ "user#ada": marked("new") });
    await cache.refresh();
    expect(markOf(await see(cache, "user#ada", "user#grace"), "user#ada")).toBe("new");
    expect(calls.made.filter((call) => call === "rows")).toHaveLength(1);

    const later = aCache({ "user#ada": marked("first") });
    await later.cache.refresh();
    expect(markOf(await see(later.cache, "user#ada"), "user#ada")).toBe("first");
  });

  it("obeys a change from the next refresh on, and only reads the rows again that it names", async () => {
    const { cache, calls, put } = aCache({ "customer#acme": marked("old"), "customer#bolt": marked("old") });
    await cache.refresh();
    await see(cache, "customer#acme", "customer#bolt");
    put({ "customer#acme": marked("new") });
    calls.since();

    expect(markOf(await see(cache, "customer#acme"), "customer#acme")).toBe("old");
    await cache.refresh();
    expect(markOf(await see(cache, "customer#acme", "customer#bolt"), "customer#acme")).toBe("new");
    expect(calls.made).toEqual(["head", "changesAfter", "rows"]);
    expect(markOf(await see(cache, "customer#bolt"), "customer#bolt")).toBe("old");
  });

  it("throws a fill away that a change overtook", async () => {
    const { cache, calls, put } = aCache({ "customer#acme": marked("old") });
    await cache.refresh();
    await see(cache);
    const answer = calls.hold("rows", "after");
    const slow = see(cache, "customer#acme");
    await eventually(answer.reached);
    put({ "customer#acme": marked("new") });
    await cache.refresh();
    answer.release();

    const seen = await slow;
    expect([seen.revision, markOf(seen, "customer#acme")]).toEqual([2, "new"]);
    expect(calls.made.filter((call) => call === "rows")).toHaveLength(2);
  });

  it("takes a fill that is ahead of it only together with the changes up to there", async () => {
    const { cache, calls, put } = aCache({ "customer#acme": marked("old"), "customer#bolt": marked("old") });
    await cache.refresh();
    await see(cache, "customer#acme");
    put({ "customer#acme": marked("new"), "customer#bolt": marked("new") });
    calls.since();

    const seen = await see(cache, "customer#acme", "customer#bolt");

    expect([markOf(seen, "customer#acme"), markOf(seen, "customer#bolt")]).toEqual(["new", "new"]);
    expect(calls.made).toEqual(["rows", "changesAfter", "rows"]);
  });

  it("never sees half of a pin's move from the project to its customer", async () => {
    const pinned = aSubjectRow({ pins: { mailer: aPin() } });
    const { cache, calls, put } = aCache({ "project#site": { ...pinned, customer: "acme" } });
    await cache.refresh();
    await see(cache, "project#site");
    const question = calls.hold("rows", "before");
    const slow = see(cache, "project#site", "customer#acme");
    await eventually(question.reached);
    put({ "project#site": aSubjectRow({ customer: "acme" }), "customer#acme": pinned });
    question.release();

    const { rows } = await slow;
    const pins = [...rows.values()].filter((row) => "mailer" in ((row as SubjectRow | undefined)?.pins ?? {}));
    expect(pins).toEqual([pinned]);
  });

  it("reads the components again when a change names one, and only then", async () => {
    const { cache, calls, put } = aCache({ "component#mailer": aComponent({ name: "mailer" }) });
    await cache.refresh();
    await see(cache);
    put({ "customer#acme": marked("new") });
    await cache.refresh();
    await see(cache);
    expect(calls.since().filter((call) => call === "components")).toHaveLength(1);

    put({ "component#invoice": aComponent({ name: "invoice" }) });
    await cache.refresh();
    const seen = await see(cache);
    expect(seen.components.map(({ name }) => name).sort()).toEqual(["invoice", "mailer"]);
    expect(calls.made).toEqual(["head", "changesAfter", "components"]);
  });

  it("applies changes once and in order when refreshes run at the same time", async () => {
    const { cache, calls, put } = aCache({ "customer#acme": marked("0") });
    await cache.refresh();
    await see(cache, "customer#acme");
    calls.since();
    const first = calls.hold("changesAfter", "after");
    put({ "customer#acme": marked("1") });
    const early = cache.refresh();
    await eventually(first.reached);
    put({ "customer#acme": marked("2") });
    const late = [cache.refresh(), cache.refresh()];
    await eventually(() => calls.made.length === 4);
    first.release();
    await Promise.all([early, ...late]);

    const seen = await see(cache, "customer#acme");
    expect([seen.revision, markOf(seen, "customer#acme")]).toEqual([3, "2"]);
    expect(calls.made.filter((call) => call === "changesAfter")).toHaveLength(2);
  });

  it.each([
    { behind: 200, asked: ["head", "changesAfter", "rows"] },
    { behind: 201, asked: ["head", "components", "rows"] },
  ])("reads $asked after falling $behind changes behind", async ({ behind, asked }) => {
    const { cache, calls, put } = aCache({ "customer#acme": marked("old"), "customer#bolt": marked("old") });
    await cache.refresh();
    await see(cache, "customer#acme", "customer#bolt");
    calls.since();
    for (let change = 1; change <= behind; change++) put({ "customer#acme": marked(`${change}`) });

    await cache.refresh();
    const seen = await see(cache, "customer#acme", "customer#bolt");

    expect(seen.revision).toBe(behind + 1);
    expect([...seen.rows.values()]).toEqual([marked(`${behind}`), marked("old")]);
    expect(calls.made).toEqual(asked);
  });

  it("forgets the rows that were used longest ago, absent ones like others", async () => {
    const { cache, calls } = aCache({ "customer#a": marked("a") }, 3);
    await cache.refresh();
    await see(cache, "customer#a");
    await see(cache, "customer#none");
    await see(cache, "project#none");
    await see(cache, "customer#a");
    await see(cache, "plan#none");
    calls.since();

    await see(cache, "customer#a", "project#none", "plan#none");
    expect(calls.made).toEqual([]);
    await see(cache, "customer#none");
    expect(calls.made).toEqual(["rows"]);
  });

  it("decides a batch that needs more rows than it may remember", async () => {
    const { cache } = aCache({ "customer#a": marked("a"), "customer#b": marked("b"), "customer#c": marked("c") }, 1);
    await cache.refresh();
    const seen = await see(cache, "customer#a", "customer#b", "customer#c");
    expect([...seen.rows.values()]).toEqual([marked("a"), marked("b"), marked("c")]);
  });

  it.each([
    { call: "head", when: "before" },
    { call: "head", when: "after" },
    { call: "changesAfter", when: "before" },
    { call: "changesAfter", when: "after" },
    { call: "rows", when: "before" },
    { call: "rows", when: "after" },
    { call: "components", when: "before" },
    { call: "components", when: "after" },
  ] as const)("fails when $call fails $when it was done, and is right again with the next call", async (fault) => {
    const old = { "customer#acme": marked("old"), "component#mailer": aComponent({ name: "mailer", timeoutMs: 1 }) };
    const { cache, calls, put } = aCache(old);
    await cache.refresh();
    await see(cache, "customer#acme");
    put({ "customer#acme": marked("new"), "component#mailer": aComponent({ name: "mailer", timeoutMs: 2 }) });
    calls.fail(fault.call, fault.when);
    const batch = async () => {
      await cache.refresh();
      return see(cache, "customer#acme");
    };

    await expect(batch()).rejects.toThrow(`${fault.call} failed`);
    const seen = await batch();
    expect([markOf(seen, "customer#acme"), seen.components[0]?.timeoutMs]).toEqual(["new", 2]);
  });

  it.each([
    { log: "a gap", lost: 3 },
    { log: "an early end", lost: 4 },
  ])("fails on a change log with $log, and is right again when it is whole", async ({ lost }) => {
    const { table, put } = memoryRoutingTable({ "customer#acme": marked("0") });
    const missing = new Set<Revision>();
    const cache = routingCache({
      ...table,
      changesAfter: async (...range) => (await table.changesAfter(...range)).filter((at) => !missing.has(at.revision)),
    });
    await cache.refresh();
    await see(cache, "customer#acme");
    for (const mark of ["1", "2", "3"]) put({ "customer#acme": marked(mark) });
    missing.add(lost);
    await expect(cache.refresh()).rejects.toThrow("change log");

    missing.clear();
    await cache.refresh();
    const seen = await see(cache, "customer#acme");
    expect([seen.revision, markOf(seen, "customer#acme")]).toEqual([4, "3"]);
  });

  it("gives up on a table that changes every time it is read", async () => {
    const { table, put } = memoryRoutingTable({ "customer#acme": marked("0") });
    const cache = routingCache({
      ...table,
      async rows(keys) {
        const snapshot = await table.rows(keys);
        put({ "customer#acme": marked("again") });
        await cache.refresh();
        return snapshot;
      },
    });
    await cache.refresh();
    await expect(see(cache, "customer#acme")).rejects.toThrow("changed 50 times in a row");
  });

  it("reads the leases of laptops once for each batch that asks for one, and tells each alias its own", async () => {
    const { table } = memoryRoutingTable({ "component#mailer": aComponent({ name: "mailer" }) });
    const lease = (component: string, alias: string): LaptopLease => {
      return { component, alias, session: "s", owner: "ada", until: "2026-11-20T10:00:00.000Z", lock: 1 };
    };
    const leases = [lease("mailer", "ada"), lease("mailer", "bob"), lease("invoice", "bob")];
    let reads = 0;
    const cache = routingCache(table, {
      readLeases: async () => {
        reads += 1;
        return leases;
      },
    });
    await cache.refresh();
    const told = (component: string, alias: string) =>
      cache.decideOn(({ leaseOf }) => [leaseOf?.(component, alias), leaseOf?.("mailer", "ada")]);
    expect(await told("mailer", "bob")).toEqual([leases[1], leases[0]]);
    expect(reads).toBe(1);
    expect(await told("invoice", "bob")).toEqual([leases[2], leases[0]]);
    expect((await told("invoice", "ada"))[0]).toBeUndefined();
    expect(reads).toBe(3);
    await cache.decideOn(() => undefined);
    expect(reads).toBe(3);
    const without = routingCache(table);
    await without.refresh();
    expect(await without.decideOn((view) => "leaseOf" in view)).toBe(false);
  });

  it("fails on a component whose pattern can't be read, and goes on once it is put right", async () => {
    const { cache, put } = aCache({ "component#mailer": aComponent({ name: "mailer", pattern: { source: "shop" } }) });
    await cache.refresh();
    await expect(see(cache)).rejects.toThrow("component 'mailer' has a bad pattern");
    put({ "component#mailer": aComponent({ name: "mailer" }) });
    await cache.refresh();
    expect((await see(cache)).components).toHaveLength(1);
  });
});

describe("in every interleaving of batches, changes and failures, a routing cache", () => {
  const keys = ["project#site", "project#shop", "customer#acme", "customer#bolt", "source#shop", "plan#paid"] as const;
  const componentKeys = ["component#invoice", "component#mailer"] as const;
  const rowWritten = (key: RowKey, mark: number): Row => {
    if (key.startsWith("component#")) return aComponent({ name: key.slice("component#".length), timeoutMs: mark });
    if (key.startsWith("source#")) return { source: "shop", customer: `detail.mark${mark}` };
    return aSubjectRow({ cohorts: [`mark-${mark}`], ...(key === "project#site" ? { customer: "acme" } : {}) });
  };

  const change = fc.record({
    keys: fc.subarray([...keys, ...componentKeys], { minLength: 1, maxLength: 3 }),
    removes: fc.boolean(),
    // More than 200 at once: the cache has to start afresh.
    times: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(201) }),
  });
  const scenario = fc.record({
    scheduler: fc.scheduler(),
    /** Per batch and turn, the keys that it looks at. */
    batches: fc.array(fc.array(fc.subarray([...keys]), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
    changes: fc.array(change, { maxLength: 8 }),
    /** The moments, counted over all calls, at which a call fails before or after it was done. */
    failures: fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 4 }),
    maxRows: fc.integer({ min: 1, max: 8 }),
  });

  it("shows each batch the rows of one revision, none older than the changes answered before it began", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ scheduler, batches, changes, failures, maxRows }) => {
        const first = Object.fromEntries([...keys, ...componentKeys].map((key) => [key, rowWritten(key, 1)]));
        const { table, states, put } = memoryRoutingTable(first);
        let moments = 0;
        const moment = async (label: string) => {
          const fails = failures.includes(moments++);
          await scheduler.schedule(Promise.resolve(), label);
          if (fails) throw new InjectedFault();
        };
        const held = surrounded(table, reads, async (call, work) => {
          await moment(`${call} asked`);
          const value = await work();
          await moment(`${call} answered`);
          return value;
        });
        const cache = routingCache(held, { maxRows });
        let answered: Revision = 1;

        const operator = async () => {
          for (const { keys: touched, removes, times } of changes) {
            await scheduler.schedule(Promise.resolve(), "commit asked");
            let revision = 0;
            for (let time = 0; time < times; time++) {
              const written = (key: RowKey) => (removes ? null : rowWritten(key, states.length));
              revision = put(Object.fromEntries(touched.map((key) => [key, written(key)])));
            }
            await scheduler.schedule(Promise.resolve(), "commit answered");
            answered = revision;
          }
        };
        const batch = async (turns: (typeof keys)[number][][]) => {
          for (const wanted of turns) {
            const floor = answered;
            try {
              await cache.refresh();
              check(await see(cache, ...wanted), floor, wanted);
            } catch (error) {
              if (!(error instanceof InjectedFault)) throw error;
            }
          }
        };
        const check = (seen: Seen, floor: Revision, wanted: RowKey[]) => {
          expect(seen.revision).toBeGreaterThanOrEqual(floor);
          const state = states[seen.revision];
          expect(seen.rows).toEqual(new Map(wanted.map((key) => [key, state?.get(key)])));
          const components = componentKeys.map((key) => state?.get(key)).filter((row) => row !== undefined);
          expect(new Set(seen.components)).toEqual(new Set(components));
        };
        await scheduler.waitFor(Promise.all([operator(), ...batches.map(batch)]));

        // Nothing that happened has left it wrong.
        failures.splice(0);
        const last = (async () => {
          await cache.refresh();
          return see(cache, ...keys);
        })();
        check(await scheduler.waitFor(last), states.length - 1, [...keys]);
      }),
      { numRuns: 500 },
    );
  });
});

class InjectedFault extends Error {}
