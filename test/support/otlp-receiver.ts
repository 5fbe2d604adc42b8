import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

type Value = { stringValue?: string; intValue?: number | string; doubleValue?: number; boolValue?: boolean };
type Attributes = { key: string; value: Value }[];

/** A span as OTLP's JSON has it (opentelemetry-proto, trace.proto), with its attributes as an object. */
export type ReceivedSpan = {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  links: { traceId: string; spanId: string }[];
  events: { name: string; attributes: Record<string, unknown> }[];
  status: { code?: number; message?: string };
  attributes: Record<string, unknown>;
};

type ReceivedMetric = {
  name: string;
  points: { attributes: Record<string, unknown>; asDouble?: number; asInt?: string }[];
};

/** A collector that takes spans and metrics by OTLP over HTTP, in JSON. */
export async function otlpReceiver() {
  const spans: ReceivedSpan[] = [];
  const metrics: ReceivedMetric[] = [];
  const resources: Record<string, unknown>[] = [];
  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = JSON.parse(Buffer.concat(chunks).toString());
      for (const { resource, scopeSpans = [] } of body.resourceSpans ?? []) {
        resources.push(objectOf(resource.attributes));
        for (const scope of scopeSpans) spans.push(...scope.spans.map(spanOf));
      }
      for (const { scopeMetrics = [] } of body.resourceMetrics ?? []) {
        for (const scope of scopeMetrics) metrics.push(...scope.metrics.map(metricOf));
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    })().catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  return { endpoint, spans, metrics, resources };
}

/** Has OpenTelemetry's packages told where to send, for as long as the test runs. */
export function tellTelemetry(endpoint: string): void {
  const before = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint;
  onTestFinished(() => {
    if (before === undefined) delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
    else process.env.OTEL_EXPORTER_OTLP_ENDPOINT = before;
  });
}

type SentSpan = Omit<ReceivedSpan, "attributes" | "events"> & {
  attributes: Attributes;
  events: { name: string; attributes: Attributes }[];
};

function spanOf({ attributes, events, ...span }: SentSpan): ReceivedSpan {
  const told = events.map((event) => ({ name: event.name, attributes: objectOf(event.attributes) }));
  return { ...span, attributes: objectOf(attributes), events: told };
}

type Points = { dataPoints: { attributes: Attributes; asDouble?: number; asInt?: string }[] };

function metricOf({ name, sum, gauge, histogram }: { name: string; sum?: Points; gauge?: Points; histogram?: Points }) {
  const { dataPoints = [] } = sum ?? gauge ?? histogram ?? {};
  return { name, points: dataPoints.map((point) => ({ ...point, attributes: objectOf(point.attributes) })) };
}

function objectOf(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
