import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { SendResult } from "../../shared/targets/target.ts";
import { aComponent } from "../support/builders.ts";
import { runHere } from "../support/cli-in-process.ts";
import { aRoutedCli } from "../support/cli-process.ts";

const broken = { type: "Broken", message: "it \u001b[31mbroke" };
const results: Record<string, SendResult> = {
  good: { outcome: "done", executedVersion: "7", durationMs: 5 },
  bad: { outcome: "failed", executedVersion: "8", durationMs: 5, error: broken },
};

/** A state in which these bodies have been routed; what a target answers stands in the event's `detail.result`. */
async function routed(bodies: readonly string[]) {
  const cli = await aRoutedCli();
  const component = aComponent({ pattern: { source: ["shop"] } });
  await cli.edit([{ kind: "apply component", component }]);
  await cli.withState(async ({ routingTable, events, queue }) => {
    const ports = withCounter({
      routing: routingCache(routingTable),
      events,
      target: async ({ payload }: { payload: string }) => results[JSON.parse(payload).detail.result] as SendResult,
      now: () => new Date(),
      random: () => 0.5,
      newId: randomUUID,
      delay: async () => {},
      report: () => {},
      onError: () => {},
    });
    for (const [index, body] of bodies.entries()) {
      const sentAt = new Date(Date.now() - bodies.length + index);
      await routeBatch(ports, [{ messageId: randomUUID(), receiptHandle: "", body, sentAt, receiveCount: 1 }]);
    }
    await queue.send(["{}"], new Date());
  });
  return cli;
}

const event = (id: string, source: string, detail: object) =>
  JSON.stringify({ id, source, "detail-type": "order placed", time: "2026-11-20T10:00:00Z", detail });

describe("turnout events", () => {
  it("lists every record with what became of it, the newest last", async () => {
    const { json, turnout } = await routed([
      event("e-1", "shop", { result: "good", metadata: { project: "acme/site", user: "u", idempotencyKey: "k" } }),
      event("e-2", "shop", { result: "bad", metadata: { customer: "globex" } }),
      event("e-3", "elsewhere", {}),
      event("e-4", "shop", { result: "good", metadata: { idempotencyKey: "k" } }),
      event("e-5", "shop", { result: "bad", metadata: { idempotencyKey: "k" } }),
      "unreadable \u001b[2J",
    ]);
    const all = await json(["events", "--since", "1h"]);
    expect(all.map(({ event_id, status }) => `${event_id} ${status}`)).toEqual([
      "e-1 done",
      "e-2 failed",
      "e-3 unmatched",
      "e-4 duplicate",
      "e-5 rejected",
      expect.stringMatching(/ rejected$/),
    ]);
    expect(all[0]).toEqual({
      event_id: "e-1",
      event_key: expect.stringMatching(/^[0-9a-f]{64}$/),
      publisher_key: "k",
      idempotency_key: expect.stringMatching(/^[0-9a-f]{64}#live$/),
      source: "shop",
      detail_type: "order placed",
      received_at: expect.stringMatching(/Z$/),
      project_id: "acme/site",
      customer_id: "acme",
      customer_plan: "paid",
      user_id: "u",
      component: "release-coordinator",
      alias: "stable",
      because: "default alias",
      component_version: "7",
      status: "done",
      attempt: 1,
      duration_ms: 5,
      routing_revision: 3,
      generation: "live",
      reopened_by: null,
      repaired_by: null,
      error: null,
      error_type: null,
    });
    expect(all[1]).toMatchObject({ component_version: "8", error: broken.message, error_type: "Broken" });
    const ids = async (...filter: string[]) => (await json(["events", ...filter])).map(({ event_id }) => event_id);
    const [customer, version, status, newest, window, table, unknown] = await Promise.all([
      ids("--customer", "acme", "--plan", "paid", "--alias", "stable"),
      ids("--executed-version", "8"),
      ids("--status", "rejected", "--component", "release-coordinator"),
      ids("--limit", "2"),
      ids("--from", "2026-01-01", "--to", "2026-01-02T00:00+01:00"),
      turnout(["events"]),
      turnout(["events", "--component", "nope"]),
    ]);
    expect([customer, version, status, newest, window]).toEqual([
      ["e-1"],
      ["e-2"],
      ["e-5"],
      ["e-5", expect.any(String)],
      [],
    ]);
    expect(table.stdout).toMatch(/^TIME +EVENT +SOURCE +TYPE +PROJECT .*\n(.*\n){6}$/);
    expect(table.stdout).toContain("Broken: it \\u001b[31mbroke\n");
    expect(table.stdout).not.toContain("\u001b");
    expect(table.stderr).toMatch(/^events from .*Z to .*Z\n1 event in the queue, to be routed when a server runs/);
    expect(unknown.code).toBe(3);
  });

  it.each([
    [["--since", "1h", "--from", "2026-01-01"], "name one of them"],
    [["--from", "2026-01-02", "--to", "2026-01-01"], "so it is empty"],
    [["--from", "2026-02-30"], "no such day"],
    [["--since", "yesterday"], "such as 15m"],
    [["--status", "gone"], "there is no 'gone'"],
    [["--limit", "0"], "from 1 up"],
  ])("refuses %s", async (args, message) => {
    const { home } = await aRoutedCli();
    const refused = await runHere(["events", ...args], home);
    expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
  });

  it("prints an event as JSON that publish takes in another installation, digit by digit", async () => {
    const detail = '{"result":"good","n":12345678901234567890,"x":1.0}';
    const text = `{"id":"e-1","source":"shop","detail-type":"order placed","time":"2026-11-20T10:00:00Z","detail":${detail}}`;
    const { turnout } = await routed([text, event("e-2", "shop", { result: "good" })]);
    const shown = await Promise.all(["e-1", "e-2"].map((id) => turnout(["event", "show", id, "--json"])));
    const lines = shown.map(({ stdout }) => stdout).join("");
    const elsewhere = await aRoutedCli();
    expect(await elsewhere.turnout(["publish"], lines)).toMatchObject({ code: 0, stdout: "e-1\ne-2\n" });
    const messages = await elsewhere.withState(({ queue }) => queue.receive(10, 1_000, new Date()));
    expect(messages[0]?.body).toContain(`"detail":${detail}`);
    const broken = await turnout(
      ["publish"],
      JSON.stringify({ event_key: "k", event: null, unavailable: "body lost" }),
    );
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining("event: body lost") });
  });
});
