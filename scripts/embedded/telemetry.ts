import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { SpanContext } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import {
  deliverySpans,
  type FinishedSpan,
  publishSpan,
  type SpanPlace,
} from "../../shared/domain/deliveries/delivery-spans.ts";
import { readJson } from "../../shared/domain/text/schema.ts";
import type { Arrival } from "./arrival.ts";
import type { MetricLooks } from "./server-metrics.ts";

/** Spans that wait to be sent. Beyond these none is made: a collector that is down must not cost memory, or time. */
const MOST_WAITING = 2_048;

/** Events whose publishing has been told, as far back as that is remembered. */
const MOST_PUBLISHED = 10_000;

/** What isn't sent by then when the server ends is lost. */
const LAST_WORDS_MS = 3_000;

export type Telemetry = {
  published(arrival: Arrival, start: Date, end: Date): void;
  reported(delivery: DeliveryReport): void;
  /** Spans that were not made, as too many were waiting, or not taken by the collector. */
  dropped(): number;
  close(): Promise<void>;
};

/** Whether anybody is to be told, by OpenTelemetry's own variables. */
export function wantsTelemetry({ OTEL_SDK_DISABLED, OTEL_EXPORTER_OTLP_ENDPOINT }: NodeJS.ProcessEnv): boolean {
  return (OTEL_EXPORTER_OTLP_ENDPOINT ?? "") !== "" && OTEL_SDK_DISABLED?.toLowerCase() !== "true";
}

/**
 * Sends spans and metrics to a collector by OTLP over HTTP, as OpenTelemetry's variables say where: its packages read them.
 * Loaded only where somebody wants it.
 */
export async function openTelemetry(looks: Pick<MetricLooks, "queues" | "hosts">): Promise<Telemetry> {
  const version = ownVersion();
  const [api, trace, metrics, resources, { OTLPTraceExporter }, { OTLPMetricExporter }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/exporter-metrics-otlp-http"),
  ]);
  const detected = resources.detectResources({ detectors: [resources.envDetector] });
  const named = resources.resourceFromAttributes({ "service.name": "turnout", "service.version": version });
  const resource = resources.defaultResource().merge(named).merge(detected);

  let ended = 0;
  let handedOver = 0;
  let dropped = 0;
  const exporter = new OTLPTraceExporter();
  const counting: SpanExporter = {
    export(spans, done) {
      handedOver += spans.length;
      exporter.export(spans, (result) => {
        if (result.code !== 0) dropped += spans.length;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const ignore = () => {};
  // By this word alone the exporter tells of spans that a collector has refused while it took the others.
  const warn = (_: string, said?: unknown) => {
    dropped += refusedSpans(said);
  };
  const logger = { error: ignore, warn, info: ignore, debug: ignore, verbose: ignore };
  api.diag.setLogger(logger, { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });
  // A span's own id is given to it in the same turn as it is made.
  let next: SpanPlace = { traceId: "", spanId: "", sampled: true };
  const provider = new trace.TracerProvider({
    resource,
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    sampler: new trace.ParentBasedSampler({ root: new trace.AlwaysOnSampler() }),
    spanProcessors: [new trace.BatchSpanProcessor({ exporter: counting, maxQueueSize: MOST_WAITING })],
  });
  const tracer = provider.getTracer("turnout", version);
  const kinds = { producer: api.SpanKind.PRODUCER, internal: api.SpanKind.INTERNAL, consumer: api.SpanKind.CONSUMER };

  const contextOf = ({ traceId, spanId, sampled }: SpanPlace): SpanContext => ({
    traceId,
    spanId,
    traceFlags: sampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE,
    isRemote: true,
  });

  function tell({ name, kind, place, parent, links, start, end, attributes, error }: FinishedSpan): void {
    if (!place.sampled) return;
    if (ended - handedOver >= MOST_WAITING) {
      dropped += 1;
      return;
    }
    next = place;
    const above =
      parent === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, contextOf(parent));
    const options = {
      kind: kinds[kind],
      startTime: start,
      attributes,
      links: links.map((of) => ({ context: contextOf(of) })),
    };
    const span = tracer.startSpan(name, options, above);
    if (error !== undefined) {
      const { type, message, stack } = error;
      const exception = { "exception.type": type, "exception.message": message };
      span.addEvent("exception", { ...exception, ...(stack && { "exception.stacktrace": stack }) }, end);
      span.setStatus({ code: api.SpanStatusCode.ERROR, message: type });
    }
    span.end(end);
    ended += 1;
  }

  const reader = new metrics.PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() });
  const meters = new metrics.MeterProvider({ resource, readers: [reader] });
  const meter = meters.getMeter("turnout", version);
  const deliveries = meter.createCounter("turnout.deliveries", { description: "Attempts by what became of them" });
  const durations = meter.createHistogram("turnout.attempt.duration", {
    unit: "s",
    description: "How long versions took",
  });
  meter
    .createObservableGauge("turnout.hosts", { description: "Processes that versions run in" })
    .addCallback((result) => result.observe(looks.hosts()));
  const waiting = meter.createObservableGauge("turnout.queue.messages", { description: "Messages of a queue" });
  waiting.addCallback(async (result) => {
    for (const [queue, { visible, inFlight }] of Object.entries(await looks.queues())) {
      result.observe(visible, { queue, state: "visible" });
      result.observe(inFlight, { queue, state: "in_flight" });
    }
  });
  meter
    .createObservableCounter("turnout.telemetry.dropped", { description: "Spans that were not told" })
    .addCallback((result) => result.observe(dropped));

  const publishedHere = new Set<string>();
  return {
    published({ event: { id, source, "detail-type": detailType }, metadata }, start, end) {
      const traceparent = metadata instanceof Object && "traceparent" in metadata && metadata.traceparent;
      publishedHere.add(id);
      if (publishedHere.size > MOST_PUBLISHED) publishedHere.delete(publishedHere.values().next().value ?? "");
      const publisher = typeof traceparent === "string" ? { traceparent } : {};
      tell(publishSpan({ id, source, detailType, ...publisher }, start, end));
    },
    reported(delivery) {
      const { component, decision, outcome, executedVersion = "", durationMs } = delivery;
      for (const span of deliverySpans(delivery, publishedHere.has(delivery.record.id))) tell(span);
      if (component === undefined) return;
      const labels = { component, component_version: executedVersion, alias: decision?.alias ?? "" };
      deliveries.add(1, { ...labels, outcome });
      if (durationMs !== undefined) durations.record(durationMs / 1_000, labels);
    },
    dropped: () => dropped,
    async close() {
      const told = Promise.allSettled([provider.shutdown(), meters.shutdown()]);
      await Promise.race([told, delay(LAST_WORDS_MS, undefined, { ref: false })]);
    },
  };
}

/** Of a partial success, in JSON, where 64 bits are a text; it may be one of metrics. */
function refusedSpans(said: unknown): number {
  const json = readJson(typeof said === "string" ? said : "");
  const partial = json.ok ? json.value : undefined;
  const refused = partial instanceof Object && "rejectedSpans" in partial ? Number(partial.rejectedSpans) : 0;
  return Number.isSafeInteger(refused) ? refused : 0;
}

function ownVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
