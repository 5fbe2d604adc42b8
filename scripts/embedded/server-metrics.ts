import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import type { CountedDelivery } from "../../shared/domain/health/delivery-tally.ts";
import { VERSION_LABELS, versionCounts } from "./version-counts.ts";

/** What is looked at when somebody asks, and not counted as it happens. */
export type MetricLooks = {
  /** Of each queue, by its name. */
  queues: () => Promise<Record<string, { visible: number; inFlight: number; oldestAgeMs: number }>>;
  /** Of each version; what can't be counted any more is `dropped`. */
  health: () => Promise<{ versions: VersionLook[]; dropped: number }>;
  /** Aliases whose version is left alone, as nearly everything fails there. */
  openBreakers: () => { component: string; alias: string }[];
  hosts: () => number;
  routingRevision: () => Promise<number>;
  /** Spans that OpenTelemetry was not told of, since the start; left out where nobody wants any. */
  telemetryDropped?: () => number;
};

export type VersionLook = { component: string; version: string; unresolved: number; unhealthy: boolean };

/** Bounds of the histograms, in seconds: those of Prometheus, and what a version may take at most. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

/**
 * What Prometheus is told of the server, in its own format. Labels are components, versions, aliases and queues: never
 * customers or whatever else comes with events, of which there may be any number.
 */
export async function serverMetrics(looks: MetricLooks) {
  const { queues, health, openBreakers, hosts, routingRevision, telemetryDropped } = looks;
  // Its own time to load isn't the start's.
  const { Counter, Gauge, Histogram, Registry } = await import("@prometheus-io/client");
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: ["component", "component_version"], buckets: SECONDS, registers });

  const deliveries = counter("turnout_deliveries_total", "Deliveries by what became of an attempt.", [
    ...VERSION_LABELS,
    "outcome",
  ]);
  const unmatched = counter("turnout_unmatched_events_total", "Events that no component listens to.", []);
  const unreadable = counter(
    "turnout_unreadable_events_total",
    "Events that were rejected, as they can't be read.",
    [],
  );
  const fallbackCounter = counter("turnout_fallbacks_total", "Deliveries that went to a fallback alias.", [
    "component",
  ]);
  const firsts = counter("turnout_first_attempts_total", "First attempts of live deliveries.", VERSION_LABELS);
  const failed = counter("turnout_first_attempts_failed_total", "First attempts of them that failed.", VERSION_LABELS);
  const durations = histogram("turnout_attempt_duration_seconds", "How long versions took.");
  const latencies = histogram(
    "turnout_delivery_latency_seconds",
    "From an event's arrival until its delivery was done.",
  );
  const waiting = gauge("turnout_queue_messages", "Messages of a queue.", ["queue", "state"]);
  const oldest = gauge("turnout_queue_oldest_message_age_seconds", "Age of a queue's oldest message.", ["queue"]);
  const unresolved = gauge(
    "turnout_unresolved_deliveries",
    "Deliveries of the last hour that are dead, and were not made good since.",
    ["component", "component_version"],
  );
  const unhealthy = gauge("turnout_version_unhealthy", "1 where turnout health says so, over the last hour.", [
    "component",
    "component_version",
  ]);
  const dropped = gauge("turnout_counts_dropped", "Deliveries of the last hour that could not be counted.");
  const breakers = gauge(
    "turnout_circuit_breaker_open",
    "1 where a version is left alone, as nearly all fails there.",
    ["component", "alias"],
  );
  const processes = gauge("turnout_hosts", "Processes that versions run in.");
  const revision = gauge("turnout_routing_revision", "The latest change of the routing.");

  const untold =
    telemetryDropped && counter("turnout_telemetry_dropped_total", "Spans that the collector was not told of.", []);
  let untoldBefore = 0;

  const counts = versionCounts();
  function tellCounts(): void {
    for (const { labels, outcomes, fallbacks, firsts: attempts, failed: failures } of counts.take()) {
      for (const [outcome, count] of outcomes) deliveries.inc({ ...labels, outcome }, count);
      if (fallbacks > 0) fallbackCounter.inc({ component: labels.component }, fallbacks);
      if (attempts === 0) continue;
      firsts.inc(labels, attempts);
      failed.inc(labels, failures);
    }
  }

  async function look(): Promise<void> {
    const [ofQueues, { versions, dropped: lost }, head] = await Promise.all([queues(), health(), routingRevision()]);
    for (const [queue, { visible, inFlight, oldestAgeMs }] of Object.entries(ofQueues)) {
      waiting.set({ queue, state: "visible" }, visible);
      waiting.set({ queue, state: "in_flight" }, inFlight);
      oldest.set({ queue }, oldestAgeMs / 1_000);
    }
    // Those that are gone are told no more.
    for (const each of [unresolved, unhealthy, breakers]) each.reset();
    for (const { component, version, ...looked } of versions) {
      unresolved.set({ component, component_version: version }, looked.unresolved);
      unhealthy.set({ component, component_version: version }, looked.unhealthy ? 1 : 0);
    }
    for (const open of openBreakers()) breakers.set(open, 1);
    dropped.set(lost);
    const lostSpans = telemetryDropped?.() ?? 0;
    untold?.inc(lostSpans - untoldBefore);
    untoldBefore = lostSpans;
    processes.set(hosts());
    revision.set(head);
  }

  return {
    reported(delivery: DeliveryReport): void {
      const { component, decision, outcome, executedVersion: version = "", durationMs, record, at, replay } = delivery;
      if (component === undefined) return void (outcome === "unmatched" ? unmatched : unreadable).inc();
      const counted = counts.of(component, version, decision?.alias ?? "");
      counted.outcomes.set(outcome, (counted.outcomes.get(outcome) ?? 0) + 1);
      if (decision?.fallback) counted.fallbacks += 1;
      if (durationMs !== undefined) durations.observe({ component, component_version: version }, durationMs / 1_000);
      if (outcome !== "done" || replay !== undefined) return;
      const latencyMs = Math.max(0, at.getTime() - record.t0.getTime());
      latencies.observe({ component, component_version: version }, latencyMs / 1_000);
    },
    counted({ component, version, alias, attempt }: CountedDelivery): void {
      if (attempt?.kind !== "first") return;
      const counted = counts.of(component, version, alias);
      counted.firsts += 1;
      if (attempt.error !== undefined) counted.failed += 1;
    },
    contentType: registry.contentType,
    async text(): Promise<string> {
      await look();
      tellCounts();
      return registry.metrics();
    },
  };
}
