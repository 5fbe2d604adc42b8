import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Component } from "../../shared/domain/routing/component.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";

export const COMPONENT = "release-coordinator";

/** The version that works, and the one that fails for everybody on it whose order has no token. */
const [GOOD, BAD] = ["1", "2"] as const;

const GOOD_CODE = "export const handler = async () => null;\n";
const BAD_CODE = `export const handler = async ({ detail }) => {
  if (detail.token === undefined) throw new TypeError("no token");
  return null;
};
`;

const SAID = { who: "ada", why: "faster rule", command: "set-up" };

/**
 * An installation on which a version has just been brought to a few: cohort `staff`, plan `free` and customer `acme` are on
 * beta, which went from 1 to 2.
 */
export async function setUpIncident(state: EmbeddedState, folder: string, now: Date): Promise<void> {
  for (const code of [GOOD_CODE, BAD_CODE]) await publish(state, join(folder, `v${code.length}`), code, now);
  let ids = 0;
  const newId = () => `set-up-${++ids}`;
  for (const edit of edits(now)) {
    await changeRoutes(state.routingTable, { edit, changeId: newId(), ...SAID, at: now });
  }
  const ports = { table: state.routingTable, events: state.events, catalog: state.catalog, newId };
  for (const [alias, from, to] of [
    ["stable", null, GOOD],
    ["beta", null, GOOD],
    ["beta", GOOD, BAD],
  ] as const) {
    await moveAlias(ports, { ...SAID, move: { component: COMPONENT, alias, from, to }, kind: "promote", at: now });
  }
}

async function publish(state: EmbeddedState, source: string, code: string, now: Date): Promise<void> {
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, "index.mjs"), code);
  await state.catalog.publish({ component: COMPONENT, source, now });
}

function edits(now: Date): RoutingEdit[] {
  const said = { who: "ada", why: "faster rule", at: now.toISOString() };
  const component = Component.parse({
    name: COMPONENT,
    pattern: { source: ["shop"] },
    aliases: { stable: {}, beta: {} },
    retry: { maxAttempts: 1 },
    cohortRoutes: [{ cohort: "staff", alias: "beta" }],
    guards: { beta: { mode: "watch", ...said } },
  });
  const pin = (level: "customer" | "plan", id: string): RoutingEdit => ({
    kind: "pin",
    level,
    id,
    component: COMPONENT,
    pin: { alias: "beta", ...said },
  });
  const customers = ["acme", "globex", "initech", "umbrella"];
  return [
    { kind: "create cohort", cohort: "staff", description: "whoever works here", who: "ada", at: said.at },
    ...customers.map(
      (customer): RoutingEdit => ({ kind: "set plan", customer, plan: customer === "umbrella" ? "free" : "pro" }),
    ),
    { kind: "apply component", component },
    pin("customer", "acme"),
    pin("plan", "free"),
  ];
}

/** Orders of these customers, published to a server; those of acme have no token. */
export async function publishOrders(url: string, count: number, customers = ["acme", "globex", "initech", "umbrella"]) {
  const Entries = Array.from({ length: count }, (_, n) => {
    const customer = customers[n % customers.length] ?? "acme";
    const metadata = { customer, project: `${customer}/shop` };
    const detail = { metadata, number: n, ...(customer !== "acme" && { token: "t" }) };
    return { Source: "shop", DetailType: "order placed", Detail: JSON.stringify(detail) };
  });
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" };
  for (let n = 0; n < Entries.length; n += 10) {
    const body = JSON.stringify({ Entries: Entries.slice(n, n + 10) });
    const answer = await fetch(url, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`the server answers ${answer.status}: ${await answer.text()}`);
  }
}
