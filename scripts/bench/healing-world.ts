import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Component } from "../../shared/domain/routing/component.ts";
import { releaseSalt } from "../../shared/domain/routing/release.ts";
import { bucketOf } from "../../shared/domain/routing/rollout.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { deliveryCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import type { RouterPorts } from "../../shared/flows/deliver/router-ports.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { type Effects, effectCode, keyedEffects } from "./keyed-effects.ts";

export const COMPONENT = "release-coordinator";
const STABLE = "1";
export const BAD = "2";

export const CUSTOMERS = 60;
export const FIRST_STEP = "5%";
const FIRST_BASIS_POINTS = 500;
const MOVED_FIRST = 3;
const EACH_THIRD = 3;

/** What is known of before: so many minutes of so many events of each customer. */
export const HISTORY = { minutes: 180, each: 3 };

export type HealingWorld = {
  state: EmbeddedState;
  customers: readonly string[];
  /** What comes from then on is the load. */
  began: Date;
  effects: Effects;
};

/**
 * A server's state with three hours behind it, and a version that fails always for every third customer, which nobody has
 * yet.
 * @param failing how many of the three customers whom the first step takes it fails for
 */
export async function aHealingWorld(home: string, failing: number): Promise<HealingWorld> {
  const state = openEmbeddedState(home, { create: true });
  const effectsFile = join(home, "effects.db");
  const effects = keyedEffects(effectsFile);
  for (const [n, fails] of [false, true].entries()) {
    const source = join(home, `code-${n}`);
    mkdirSync(source);
    writeFileSync(join(source, "index.mjs"), codeOf(effectsFile, fails));
    await state.catalog.publish({ component: COMPONENT, source, now: new Date() });
  }
  for (const alias of ["stable", "beta"]) await state.catalog.moveAlias(COMPONENT, alias, STABLE, null);
  const component = Component.parse({
    name: COMPONENT,
    pattern: { source: ["bench"] },
    aliases: { stable: {}, beta: {} },
    retry: { maxAttempts: 2, baseDelayMs: 1_000 },
  });
  const said = { who: "bench", why: "bench", command: "bench", at: new Date() };
  const edit = { kind: "apply component", component } as const;
  await changeRoutes(state.routingTable, { edit, changeId: randomUUID(), ...said });
  const customers = customersNamedFor(failing, await state.routingTable.head());
  await live(state, customers);
  return { state, customers, began: new Date(), effects };
}

/** Whom it fails for is told by the number in a customer's name. */
function codeOf(effectsFile: string, fails: boolean): string {
  const failing = `if (Number(detail.metadata.customer.split("-").at(-1)) % ${EACH_THIRD} === 0) throw new TypeError("no token");`;
  return `${effectCode(effectsFile)}
export const handler = async ({ detail, turnout }) => {
  ${fails ? failing : ""}
  makeEffect(turnout.idempotencyKey, detail.n);
  return null;
};
`;
}

/** Names that are drawn by the next release so that its first step takes three, of whom so many are of the failing third. */
function customersNamedFor(failing: number, revision: number): string[] {
  const salt = releaseSalt(COMPONENT, revision);
  for (let attempt = 0; ; attempt++) {
    const customers = Array.from({ length: CUSTOMERS }, (_, n) => `customer-${attempt}-${n}`);
    const first = [...customers.keys()].filter((n) => bucketOf(customers[n] ?? "", salt) < FIRST_BASIS_POINTS);
    if (first.length === MOVED_FIRST && first.filter((n) => n % EACH_THIRD === 0).length === failing) return customers;
  }
}

/** The time before now, by a clock of its own: all of it goes well. */
async function live({ routingTable, events }: EmbeddedState, customers: readonly string[]): Promise<void> {
  const everyMs = 60_000 / HISTORY.each;
  const rounds = HISTORY.minutes * HISTORY.each;
  let now = new Date(Date.now() - rounds * everyMs);
  const shared = { now: () => now, newId: randomUUID, onError: raise, delay: async () => {} };
  const counter = deliveryCounter({ ...shared, events });
  const routing: RouterPorts = {
    ...shared,
    ...{ events, counter, routing: routingCache(routingTable), random: Math.random, report: () => {} },
    target: async () => ({ outcome: "done", executedVersion: STABLE, durationMs: 5 }),
  };
  for (let round = 0; round < rounds; round++) {
    const messages = customers.map((customer, n) => {
      const id = `before-${round}-${n}`;
      const detail = { metadata: { customer, idempotencyKey: id } };
      const event = { version: "0", id, source: "bench", "detail-type": "tick", time: now.toISOString(), detail };
      return { messageId: id, receiptHandle: id, body: JSON.stringify(event), sentAt: now, receiveCount: 1 };
    });
    await routeBatch(routing, messages);
    now = new Date(now.getTime() + everyMs);
  }
  await counter.flush();
}

function raise(error: unknown): never {
  throw error;
}

/** The n-th event of the live load. */
export function entryOf({ customers }: HealingWorld, n: number): object {
  const metadata = { customer: customers[n % customers.length], idempotencyKey: `key-${n}` };
  return { Source: "bench", DetailType: "tick", Detail: JSON.stringify({ metadata, n }) };
}
