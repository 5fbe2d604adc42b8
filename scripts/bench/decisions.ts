import { murmur3 } from "../../shared/domain/hash.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { decideRoute } from "../../shared/domain/routing/decide-route.ts";
import type { SubjectRow, SubjectRows } from "../../shared/domain/routing/subject-rows.ts";
import type { Subject, SubjectLevel } from "../../shared/domain/subject.ts";

const CUSTOMERS = 100_000;
/** Turns of each, one after the other, and decisions of a turn: what else the machine does meanwhile hits all of them. */
const TURNS = 60;
const DECISIONS = 5_000;

/** Decisions per second on one core, with 100,000 pinned customers, against a plain Map and hash. */
export function benchDecisions(): { name: string; perSecond: number }[] {
  const component = Component.parse({
    name: "release-coordinator",
    pattern: { source: ["github.com"] },
    aliases: { stable: {}, beta: {}, experimental: {} },
    rollout: { alias: "experimental", basisPoints: 500, by: "customer", salt: "bench" },
  });
  const rows = new Map<string, SubjectRow>();
  const plain = new Map<string, string>();
  const subjects: Subject[] = [];
  for (let n = 0; n < CUSTOMERS; n++) {
    const customer = `customer-${n}`;
    const pin = { alias: n % 2 === 0 ? "beta" : "stable", who: "bench", why: "bench", at: "2026-11-20T10:00:00.000Z" };
    rows.set(customer, { pins: { [component.name]: pin }, cohorts: [] });
    plain.set(customer, pin.alias);
    subjects.push({ project: `project-${n}`, customer, plan: "paid" });
  }
  const now = new Date();
  // As the router's cache has them: by level, then id.
  const levels = new Map<SubjectLevel, Map<string, SubjectRow>>([
    ["customer", rows],
    ["project", new Map()],
  ]);
  const rowOf: SubjectRows = (level, id) => levels.get(level)?.get(id);
  const at = (n: number): Subject => subjects[n % CUSTOMERS] ?? {};
  return measure({
    "plain Map and murmur3": (n) => {
      const customer = at(n).customer ?? "";
      murmur3(`bench:${customer}`);
      return plain.get(customer);
    },
    "decideRoute, trace off": (n) => decideRoute({ component, subject: at(n), rowOf, now, trace: false }),
    "decideRoute, trace on": (n) => decideRoute({ component, subject: at(n), rowOf, now }),
  });
}

/** By processor time: a process that others keep waiting is no slower. */
function measure(runs: Record<string, (n: number) => unknown>): { name: string; perSecond: number }[] {
  let kept: unknown;
  const all = Object.entries(runs).map(([name, run]) => ({ name, run, microseconds: 0 }));
  for (const { run } of all) for (let n = 0; n < CUSTOMERS; n++) kept = run(n);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [index, one] of all.entries()) {
      // Each about other subjects: those that the one before has looked up are in the processor's cache.
      const first = turn * DECISIONS + Math.floor((index * CUSTOMERS) / all.length);
      const before = process.cpuUsage();
      for (let n = 0; n < DECISIONS; n++) kept = one.run(first + n);
      const { user, system } = process.cpuUsage(before);
      one.microseconds += user + system;
    }
  }
  if (kept === undefined) throw new Error("nothing was decided");
  return all.map(({ name, microseconds }) => ({ name, perSecond: (TURNS * DECISIONS * 1e6) / microseconds }));
}
