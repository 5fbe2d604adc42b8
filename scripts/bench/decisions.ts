import { murmur3 } from "../../shared/domain/hash.ts";
import { Component } from "../../shared/domain/routing/component.ts";
import { decideRoute } from "../../shared/domain/routing/decide-route.ts";
import type { SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import type { Subject, SubjectKey } from "../../shared/domain/subject.ts";

const CUSTOMERS = 100_000;
const ROUND_MS = 1_000;

/** Decisions per second on one core, with 100,000 pinned customers, against a plain Map and hash. */
export function benchDecisions(): { name: string; perSecond: number }[] {
  const component = Component.parse({
    name: "release-coordinator",
    pattern: { source: ["github.com"] },
    aliases: { stable: {}, beta: {}, experimental: {} },
    rollout: { alias: "experimental", basisPoints: 500, by: "customer", salt: "bench" },
  });
  const rows = new Map<SubjectKey, SubjectRow>();
  const plain = new Map<string, string>();
  const subjects: Subject[] = [];
  for (let n = 0; n < CUSTOMERS; n++) {
    const customer = `customer-${n}`;
    const pin = { alias: n % 2 === 0 ? "beta" : "stable", who: "bench", why: "bench", at: "2026-11-20T10:00:00.000Z" };
    rows.set(`customer#${customer}`, { pins: { [component.name]: pin }, cohorts: [] });
    plain.set(customer, pin.alias);
    subjects.push({ project: `project-${n}`, customer, plan: "paid" });
  }
  const now = new Date();
  const rowOf = (key: SubjectKey) => rows.get(key);
  const at = (n: number): Subject => subjects[n % CUSTOMERS] ?? {};
  return [
    measure("plain Map and murmur3", (n) => {
      const customer = at(n).customer ?? "";
      murmur3(`bench:${customer}`);
      return plain.get(customer);
    }),
    measure("decideRoute, trace off", (n) => decideRoute({ component, subject: at(n), rowOf, now, trace: false })),
    measure("decideRoute, trace on", (n) => decideRoute({ component, subject: at(n), rowOf, now })),
  ];
}

function measure(name: string, run: (n: number) => unknown): { name: string; perSecond: number } {
  let kept: unknown;
  for (let n = 0; n < CUSTOMERS; n++) kept = run(n);
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < ROUND_MS) {
    for (let n = 0; n < 10_000; n++) kept = run(count + n);
    count += 10_000;
  }
  const perSecond = (count / (performance.now() - start)) * 1_000;
  if (kept === undefined) throw new Error("nothing was decided");
  return { name, perSecond };
}
