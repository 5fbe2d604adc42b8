import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { aComponent, aPin } from "../support/builders.ts";
import { aCli, aRoutedCli } from "../support/cli-process.ts";
import { aMessage, failed } from "../support/router.ts";
import { temporaryFolder } from "../support/tmp.ts";

const RC = ["--component", "release-coordinator"];
const component = "release-coordinator";

/** A state in which an event of acme failed on beta at revision 4, and acme has been put back at revision 5. */
async function aRoutedEvent() {
  const cli = await aRoutedCli();
  await cli.edit([{ kind: "apply source", source: { source: "shop", customer: "detail.who" } }]);
  await cli.edit([{ kind: "pin", level: "customer", id: "acme", component, pin: aPin() }]);
  const about = { id: "e-1", idempotencyKey: "order-7", detail: { who: "acme" }, metadata: { alias: "experimental" } };
  await cli.withState(async ({ routingTable, events }) => {
    const ports = withCounter({
      routing: routingCache(routingTable),
      events,
      target: async () => failed,
      now: () => new Date(),
      random: () => 0.5,
      newId: randomUUID,
      delay: async () => {},
      report: () => {},
      onError: () => {},
    });
    await routeBatch(ports, [aMessage({ ...about, sentAt: new Date() })]);
  });
  await cli.edit([
    { kind: "unpin", level: "customer", id: "acme", component },
    { kind: "apply source", source: { source: "shop" } },
  ]);
  return cli;
}

describe("turnout explain --event", () => {
  it("says what was decided then, by which rules and rows, and what it would be now", async () => {
    const { json, turnout } = await aRoutedEvent();
    const [explained] = await json(["explain", "--event", "order-7"]);
    expect(explained).toMatchObject({
      event_id: "e-1",
      alias: "beta",
      because: "customer pin",
      status: "failed",
      routing_revision: 4,
      agrees: true,
      at_decision: {
        alias: "beta",
        rule: "customer acme pinned by ada: trying it",
        customer_id: "acme",
        routing_revision: 4,
        passed_over: [
          { rule: "alias in the event", why: "an event can't choose its alias: 'experimental' ignored" },
          { rule: "replay destination", why: "no replay destination" },
          { rule: "user pin", why: "the event has no user" },
          { rule: "project pin", why: "the event has no project" },
        ],
      },
      now: { alias: "stable", because: "default alias", customer_id: null, routing_revision: 6 },
    });
    const rows = JSON.stringify(explained?.at_decision).match(/"key":"[^"]*"/g);
    expect(rows).toEqual(['"key":"component#release-coordinator"', '"key":"customer#acme"', '"key":"source#shop"']);
    const text = await turnout(["explain", "--event", "e-1", "--since", "1h"]);
    expect(text.stdout).toMatch(/^event e-1, shop 'order placed', .*\nrelease-coordinator beta, failed\n/);
    expect(text.stdout).toContain(
      "  now          stable, default alias: default of release-coordinator  (revision 6)\n",
    );
  });

  it("finds an event by the beginning of its key, and refuses one that isn't there or comes with a subject", async () => {
    const { json, turnout } = await aRoutedEvent();
    const [event] = await json(["event", "show", "e-1"]);
    const [byKey, byDeliveredKey, unknown, both] = await Promise.all([
      json(["explain", "--event", String(event?.event_key).slice(0, 8)]),
      json(["explain", "--event", `${event?.event_key}#live`]),
      turnout(["explain", "--event", "nope"]),
      turnout(["explain", "--event", "e-1", "--customer", "acme"]),
    ]);
    expect(byKey).toHaveLength(1);
    expect(byDeliveredKey).toEqual(byKey);
    expect([unknown.code, both.code]).toEqual([3, 2]);
    expect(unknown.stderr).toContain("Look further back with --since 1d");
  });
});

describe("turnout event show", () => {
  it("prints the event as it was published, and every attempt of each delivery", async () => {
    const { json, turnout } = await aRoutedEvent();
    const [event] = await json(["event", "show", "e-1"]);
    expect(event).toMatchObject({
      event_id: "e-1",
      publisher_key: "order-7",
      customer_id: "acme",
      event: { id: "e-1", detail: { who: "acme" } },
      deliveries: [
        {
          component,
          status: "failed",
          failures: 1,
          attempts: [{ attempt: 1, outcome: "failed", error: "it broke", error_type: "Broken", duration_ms: 5 }],
        },
      ],
    });
    const text = await turnout(["event", "show", "order-7"]);
    expect(text.stdout).toContain("release-coordinator beta, failed after 1 attempt\n");
    expect(text.stdout).toMatch(/ {2}attempts {5}1 {2}20.*Z {2}failed in 5 ms: Broken: it broke\n/);
  });
});

describe("turnout explain --at", () => {
  it("says where an event would have gone at a revision, and at a time", async () => {
    const cli = aCli();
    const at = (minute: string) => new Date(`2026-11-20T10:${minute}:00.000Z`);
    await cli.edit([{ kind: "apply component", component: aComponent() }], at("00"));
    await cli.edit(
      [{ kind: "pin", level: "plan", id: "paid", component, pin: aPin({ until: "2026-11-20T10:30:00.000Z" }) }],
      at("10"),
    );
    await cli.edit([{ kind: "pin", level: "plan", id: "paid", component, pin: aPin({ alias: "stable" }) }], at("40"));
    const points = ["1", "2", "3", "2026-11-20T10:09:59", "2026-11-20T10:10Z", "2026-11-20T10:30Z", "2026-12-01"];
    const found = await Promise.all(
      points.map((point) => cli.json(["explain", ...RC, "--plan", "paid", "--at", point])),
    );
    expect(found.flat().map((each) => `${each.routing_revision} ${each.alias}: ${each.because}`)).toEqual([
      "1 stable: default alias",
      "2 beta: plan pin",
      "3 stable: plan pin",
      "1 stable: default alias",
      "2 beta: plan pin",
      "2 stable: default alias",
      "3 stable: plan pin",
    ]);
  });

  it("names the version that was behind the alias then", async () => {
    const { turnout, json } = await aRoutedCli();
    const publish = async (code: string) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, "index.mjs"), `export async function handler() { return ${code}; }\n`);
      const published = await turnout([
        "publish-version",
        component,
        folder,
        "--alias",
        "stable",
        "--reason",
        "x",
        "--yes",
      ]);
      expect(published.code).toBe(0);
    };
    await publish("1");
    const [first] = (await json(["history"])).slice(-1);
    await publish("2");
    const [then, now] = await Promise.all([
      json(["explain", ...RC, "--at", String(first?.revision)]),
      json(["explain", ...RC]),
    ]);
    expect([then, now]).toMatchObject([[{ component_version: "1" }], [{ component_version: "2", at: null }]]);
    const text = await turnout(["explain", ...RC, "--at", String(first?.revision)]);
    expect(text.stdout).toMatch(/^release-coordinator stable, version 1, as of 20\S+Z\n/);
  });

  it.each([
    ["a revision that isn't there", "4", 3, "There is no revision 4; the newest is 2."],
    ["revision 0", "0", 2, "--at: revisions begin at 1"],
    [
      "a time before the first change",
      "2020-01-01",
      3,
      "There was no routing at 2020-01-01T00:00:00.000Z: it began at ",
    ],
    ["a time that is none", "yesterday", 2, "--at: expected a time such as"],
  ])("refuses %s", async (_, point, code, message) => {
    const { turnout } = await aRoutedCli();
    const refused = await turnout(["explain", ...RC, "--at", point]);
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(message);
  });
});
