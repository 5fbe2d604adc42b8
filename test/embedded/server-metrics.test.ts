import { describe, expect, it, onTestFinished } from "vitest";
import { startRuntime } from "../../scripts/embedded/runtime.ts";
import { type MetricLooks, serverMetrics } from "../../scripts/embedded/server-metrics.ts";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import { openFrontDoor } from "../support/front-door.ts";
import { aRecord } from "../support/stored-events.ts";
import { temporaryFolder } from "../support/tmp.ts";

const record = aRecord({ subject: { customer: "acme" } });
const later = (ms: number) => new Date(record.t0.getTime() + ms);
const decision = { alias: "beta", because: "customer pin", fallback: true } as const;
const done: DeliveryReport = {
  record,
  at: later(70),
  component: "mailer",
  decision,
  outcome: "done",
  attempt: 1,
  executedVersion: "23",
  durationMs: 12,
};

function someMetrics(looks: Partial<MetricLooks> = {}) {
  return serverMetrics({
    queues: async () => ({ live: { visible: 3, inFlight: 2, oldestAgeMs: 1_500 } }),
    health: async () => ({
      versions: [{ component: "mailer", version: "23", unresolved: 4, unhealthy: true }],
      dropped: 7,
    }),
    openBreakers: () => [{ component: "mailer", alias: "beta" }],
    hosts: () => 2,
    routingRevision: async () => 42,
    ...looks,
  });
}

/** The samples of a metric, without those of other names. */
async function samples(metrics: { text(): Promise<string> }, name: string): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
}

describe("a server's metrics", () => {
  it("count deliveries and time them, in base units", async () => {
    const metrics = await someMetrics();
    metrics.reported(done);
    metrics.reported({ ...done, outcome: "failed", error: { type: "Broken", message: "no" } });
    metrics.reported({ record, at: later(0), outcome: "unmatched" });
    metrics.reported({ record, at: later(0), outcome: "rejected" });
    const version = 'component="mailer",component_version="23"';
    expect(await samples(metrics, "turnout_deliveries_total")).toEqual([
      `turnout_deliveries_total{${version},alias="beta",outcome="done"} 1`,
      `turnout_deliveries_total{${version},alias="beta",outcome="failed"} 1`,
    ]);
    const text = await metrics.text();
    expect(text).toMatch(/turnout_attempt_duration_seconds_bucket\{le="0.01",.*\} 0\n/);
    expect(text).toMatch(/turnout_attempt_duration_seconds_bucket\{le="0.025",.*\} 2\n/);
    expect(text).toContain(`turnout_attempt_duration_seconds_sum{${version}} 0.024\n`);
    // Of what was done alone: a failed one is still under way.
    expect(text).toContain(`turnout_delivery_latency_seconds_sum{${version}} 0.07\n`);
    expect(text).toContain("turnout_unmatched_events_total 1\n");
    expect(text).toContain("turnout_unreadable_events_total 1\n");
    expect(text).toContain('turnout_fallbacks_total{component="mailer"} 2\n');
    expect(text).not.toContain("acme");
  });

  it("count first attempts as everything does that judges versions", async () => {
    const metrics = await someMetrics();
    const counted = { component: "mailer", version: "23", alias: "beta", type: "push", outcome: "failed" } as const;
    metrics.counted({ ...counted, attempt: { kind: "first", error: { type: "Broken", message: "no" } } });
    metrics.counted({ ...counted, outcome: "done", attempt: { kind: "first" } });
    metrics.counted({ ...counted, attempt: { kind: "retry" } });
    const labels = '{component="mailer",component_version="23",alias="beta"}';
    expect(await samples(metrics, "turnout_first_attempts")).toEqual([
      `turnout_first_attempts_total${labels} 2`,
      `turnout_first_attempts_failed_total${labels} 1`,
    ]);
  });

  it("say how queues, versions, breakers and hosts are, and no more of what is gone", async () => {
    const breakers = [{ component: "mailer", alias: "beta" }];
    const metrics = await someMetrics({ openBreakers: () => breakers.splice(0) });
    const text = await metrics.text();
    for (const line of [
      'turnout_queue_messages{queue="live",state="visible"} 3',
      'turnout_queue_messages{queue="live",state="in_flight"} 2',
      'turnout_queue_oldest_message_age_seconds{queue="live"} 1.5',
      'turnout_unresolved_deliveries{component="mailer",component_version="23"} 4',
      'turnout_version_unhealthy{component="mailer",component_version="23"} 1',
      'turnout_circuit_breaker_open{component="mailer",alias="beta"} 1',
      "turnout_counts_dropped 7",
      "turnout_hosts 2",
      "turnout_routing_revision 42",
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(await samples(metrics, "turnout_circuit_breaker_open{")).toEqual([]);
  });

  it("are told at /metrics, behind the front door's borders", async () => {
    const metrics = await someMetrics();
    const door = await openFrontDoor({
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    });
    const answer = await fetch(`${door.url}/metrics`);
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=/);
    expect(await answer.text()).toContain("# TYPE turnout_deliveries_total counter\n");
    expect((await fetch(`${door.url}/metrics`, { method: "POST" })).status).toBe(405);
    const foreign = await fetch(`${door.url}/metrics`, { headers: { origin: "https://evil.example" } });
    expect(foreign.status).toBe(403);
  });

  it("are those of the running server: what it was sent, and how its parts are", async () => {
    const settings = { home: temporaryFolder(), port: 0 };
    const runtime = await startRuntime({ settings, report: () => {}, onError: () => {} });
    onTestFinished(() => runtime.close());
    const cloudEvent = { specversion: "1.0", id: "1", source: "shop", type: "order placed", data: {} };
    const body = JSON.stringify(cloudEvent);
    await fetch(runtime.url, { method: "POST", headers: { "content-type": "application/cloudevents+json" }, body });
    const text = async () => (await fetch(`${runtime.url}/metrics`)).text();
    await expect.poll(text).toContain("turnout_unmatched_events_total 1\n");
    expect(await text()).toContain('turnout_queue_oldest_message_age_seconds{queue="dead-letters"} 0\n');
    expect(await text()).toContain("turnout_hosts 0\n");
  });

  it("that can't be had are an error of that request", async () => {
    const metrics = await someMetrics({ health: () => Promise.reject(new Error("the disk is full")) });
    const door = await openFrontDoor({
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    });
    expect((await fetch(`${door.url}/metrics`)).status).toBe(500);
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
  });
});
