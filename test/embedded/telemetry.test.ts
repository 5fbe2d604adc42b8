import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startRuntime } from "../../scripts/embedded/runtime.ts";
import { openTelemetry, wantsTelemetry } from "../../scripts/embedded/telemetry.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { aComponent } from "../support/builders.ts";
import { openFrontDoor } from "../support/front-door.ts";
import { otlpReceiver, tellTelemetry } from "../support/otlp-receiver.ts";
import { aRecord } from "../support/stored-events.ts";
import { stubServer } from "../support/stub-server.ts";
import { temporaryFolder } from "../support/tmp.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const JSON_TYPE = "application/json";
const BINARY = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "shop", "ce-type": "order placed" };

/** Fails at its first attempt, and answers what it was given. */
const CODE = `export const handler = async ({ turnout }) => {
  if (turnout.attempt === 1) throw new TypeError("not yet");
  console.log("got " + turnout.traceparent);
};`;

/** A server with one component, `mailer`, that runs this code. */
async function aServer() {
  const home = temporaryFolder();
  const runtime = await startRuntime({ settings: { home, port: 0 }, report: () => {}, onError: () => {} });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= runtime.close();
    return closed;
  };
  onTestFinished(close);
  const { state } = runtime;
  const folder = join(home, "code");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.mjs"), CODE);
  await state.catalog.publish({ component: "mailer", source: folder, now: new Date() });
  await state.catalog.moveAlias("mailer", "stable", "1", null);
  const component = aComponent({ name: "mailer", aliases: ["stable"], retry: { maxAttempts: 3, baseDelayMs: 1 } });
  const meta = { changeId: "1", who: "a test", why: "a test", command: "test", at: new Date() };
  await changeRoutes(state.routingTable, { ...meta, edit: { kind: "apply component", component } });
  const publish = (id: string, about: object = {}) =>
    fetch(runtime.url, {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify({ specversion: "1.0", id, source: "shop", type: "order placed", data: {}, ...about }),
    });
  return { ...runtime, home, publish, close };
}

describe("OpenTelemetry, of the embedded server", () => {
  it("is told of an event from its publishing to its delivery, in its publisher's trace", async () => {
    const { endpoint, spans, metrics, resources } = await otlpReceiver();
    tellTelemetry(endpoint);
    const server = await aServer();
    expect((await server.publish("order-1", { traceparent: PARENT })).status).toBe(202);
    const text = async () => (await fetch(`${server.url}/metrics`)).text();
    await expect.poll(text).toContain('outcome="done"');
    await server.close();
    // What the version was given is what was published, so that what it publishes goes on in this trace.
    expect(readFileSync(join(server.home, "logs", "mailer", "1.log"), "utf8")).toContain(` got ${PARENT}\n`);

    const [publish, route, failed, done] = ["publish", "route", "deliver mailer", "deliver mailer"].map((name, index) =>
      spans.filter((span) => span.name === name).at(index === 3 ? 1 : 0),
    );
    expect(spans).toHaveLength(4);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([PARENT.slice(3, 35)]));
    expect(publish).toMatchObject({ parentSpanId: PARENT.slice(36, 52), kind: 4 });
    expect(route?.parentSpanId).toBe(publish?.spanId);
    expect([failed?.parentSpanId, done?.parentSpanId]).toEqual([route?.spanId, route?.spanId]);
    expect(failed).toMatchObject({
      status: { code: 2, message: "TypeError" },
      attributes: { "cloudevents.event_type": "order placed", component_version: "1", outcome: "failed", attempt: 1 },
      events: [{ name: "exception", attributes: { "exception.message": "not yet" } }],
    });
    expect(done).toMatchObject({ kind: 5, attributes: { outcome: "done", attempt: 2 } });
    expect(resources[0]).toMatchObject({ "service.name": "turnout" });
    const counted = metrics.filter(({ name }) => name === "turnout.deliveries").at(-1)?.points;
    expect(counted?.map(({ attributes }) => attributes.outcome).sort()).toEqual(["done", "failed"]);
    expect(metrics.map(({ name }) => name)).toContain("turnout.queue.messages");
  });

  it("costs nothing but its spans where the collector takes none, and says how many were lost", async () => {
    // Takes connections, and answers nothing.
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    onTestFinished(() => void silent.close());
    const address = silent.address();
    tellTelemetry(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
    const looks = { queues: async () => ({}), hosts: () => 0 };
    const telemetry = await openTelemetry(looks);
    const record = aRecord();
    const told = 10_000;
    for (let attempt = 1; attempt <= told; attempt++) {
      telemetry.reported({ record, at: record.t0, component: "mailer", outcome: "done", attempt: 2, deliveryKey: "k" });
    }
    // Those that wait, and those that are on their way, at most.
    expect(telemetry.dropped()).toBeGreaterThanOrEqual(told - 2_048 - 512);
    await telemetry.close();
  });

  it.each([
    ["refuses", '{"partialSuccess":{"rejectedSpans":"7","errorMessage":"no"}}', 7],
    ["refuses as a number", '{"partialSuccess":{"rejectedSpans":3}}', 3],
    ["answers with what can't be read", "{{{", 0],
    ["says no number", '{"partialSuccess":{"rejectedSpans":"many"}}', 0],
  ])("counts the spans that a collector %s while it takes the others", async (_, answer, dropped) => {
    const endpoint = await stubServer((request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "application/json" }).end(request.url === "/v1/traces" ? answer : "{}");
    });
    tellTelemetry(endpoint);
    const telemetry = await openTelemetry({ queues: async () => ({}), hosts: () => 0 });
    const record = aRecord();
    telemetry.reported({ record, at: record.t0, component: "mailer", outcome: "done", attempt: 2, deliveryKey: "k" });
    await telemetry.close();
    expect(telemetry.dropped()).toBe(dropped);
  });

  it("takes a request's traceparent for CloudEvents that have none, if it is one", async () => {
    const other = PARENT.replace("0af7", "1bf8");
    const door = await openFrontDoor();
    const post = (contentType: string, body: object, header: string) => {
      const headers = { "content-type": contentType, traceparent: header, ...(contentType === JSON_TYPE && BINARY) };
      return fetch(door.url, { method: "POST", headers, body: JSON.stringify(body) });
    };
    const event = { specversion: "1.0", id: "1", source: "shop", type: "order placed", data: {} };
    await post("application/cloudevents+json", event, PARENT);
    await post("application/cloudevents+json", { ...event, traceparent: other }, PARENT);
    await post("application/cloudevents-batch+json", [event], PARENT);
    await post(JSON_TYPE, {}, PARENT);
    await post("application/cloudevents+json", event, "not one");
    const traces = door.bodies().map((body) => JSON.parse(body).detail.metadata?.traceparent);
    expect(traces).toEqual([PARENT, other, PARENT, PARENT, undefined]);
  });

  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_SDK_DISABLED: "TRUE" }, false],
  ])("is wanted with %j: %s", (environment, wanted) => {
    expect(wantsTelemetry(environment)).toBe(wanted);
  });
});
