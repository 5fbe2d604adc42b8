import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer, type Agent as TlsAgent } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { jsonRequest } from "../../shared/aws/json-request.ts";
import { keptConnections } from "../../shared/aws/kept-connections.ts";
import { exchange } from "../../shared/aws/sdk-exchange.ts";
import { awsDependencies } from "../../shared/aws-dependencies.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { awsSettings } from "../../shared/settings.ts";
import { aComponent } from "../support/builders.ts";
import { aLambdaSend } from "../support/lambda-send.ts";
import { lambdaStub } from "../support/lambda-stub.ts";
import { aMessage, aRouter } from "../support/router.ts";
import { type Ending, type ServerThread, serverThread } from "../support/server-thread.ts";
import { tlsIdentities } from "../support/tls-identities.ts";

const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:release-coordinator";

/** With services of AWS at that endpoint, in an environment of Lambda's. */
function dependenciesAt(endpoint: string) {
  const environment = {
    TURNOUT_ROUTING_TABLE: "routing",
    TURNOUT_EVENT_TABLE: "events",
    TURNOUT_BODY_BUCKET: "bodies",
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "turnout",
    AWS_SECRET_ACCESS_KEY: "turnout",
    AWS_ENDPOINT_URL: endpoint,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const dependencies = awsDependencies(awsSettings(process.env));
  onTestFinished(() => dependencies.close());
  return dependencies;
}

function setClock() {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return { passes: (ms: number) => void vi.setSystemTime(Date.now() + ms) };
}

/** As Lambda freezes an environment for ten minutes: no turn of the event loop, while the clock goes on. */
function freezer({ endConnections }: ServerThread) {
  const clock = setClock();
  return (how: Ending) => {
    endConnections(how);
    clock.passes(600_000);
  };
}

describe.each<Ending>(["FIN", "RST", "silence"])("after a freeze in which connections have ended by %s,", (how) => {
  it("an invocation is delivered by its first attempt", async () => {
    const server = await serverThread();
    const freeze = freezer(server);
    const { target } = dependenciesAt(server.endpoint);
    // The SDK's first request, and then a quick one.
    for (let n = 0; n < 2; n++)
      expect(await target(aLambdaSend(functionArn, "beta"))).toMatchObject({ outcome: "done" });
    freeze(how);
    expect(await target(aLambdaSend(functionArn, "beta"))).toMatchObject({ outcome: "done", executedVersion: "7" });
    const [first, second, third, ...others] = await server.ports();
    expect([second === first, third === first, others]).toEqual([true, false, []]);
  });

  it("an event whose component is tried once is done, and nothing counts as failed", async () => {
    const server = await serverThread();
    const freeze = freezer(server);
    const { target } = dependenciesAt(server.endpoint);
    const aliases = { stable: { target: { kind: "lambda" as const, functionArn } } };
    const router = await aRouter({ components: [aComponent({ aliases, retry: { maxAttempts: 1 } })], target });
    const ports = { ...router.ports, now: () => new Date() };
    const route = (id: string) => routeBatch(ports, [aMessage({ id, messageId: id, sentAt: new Date() })]);
    for (const id of ["one", "two"]) expect(await route(id)).toEqual([]);
    freeze(how);
    expect(await route("three")).toEqual([]);
    const ends = (await router.ledger()).map(({ status, attempt }) => [status, attempt]);
    expect(ends).toEqual(Array.from({ length: 3 }, () => ["done", 1]));
    expect(new Set((await router.counts()).map(([, , , outcome]) => outcome))).toEqual(new Set(["done"]));
    expect(await server.ports()).toHaveLength(3);
  });

  it("a table is asked without waiting for a second try", async () => {
    const server = await serverThread();
    const freeze = freezer(server);
    const backoff = vi.spyOn(Math, "random");
    onTestFinished(() => backoff.mockRestore());
    const { routingTable } = dependenciesAt(server.endpoint);
    for (let n = 0; n < 3; n++) {
      expect(await routingTable.head()).toBe(0);
      freeze(how);
    }
    expect(backoff).not.toHaveBeenCalled();
  });

  it("a service that no client of the SDK is there for is asked by its first request", async () => {
    const server = await serverThread();
    const freeze = freezer(server);
    const credentials = async () => ({ accessKeyId: "turnout", secretAccessKey: "turnout" });
    const about = { credentials, endpoint: server.endpoint, partition: "aws", region: "eu-west-1" };
    const ask = jsonRequest({ name: "sqs", target: "AmazonSQS", version: "1.0" }, about);
    const send = () => ask("SendMessageBatch", {}, AbortSignal.timeout(60_000));
    for (let n = 0; n < 3; n++) expect(await send()).toEqual({});
    freeze(how);
    expect(await send()).toEqual({});
    expect(await server.ports()).toHaveLength(4);
  });
});

it("an invocation whose connection breaks while it runs has failed, and is not sent again", async () => {
  const { endpoint, invocations } = await lambdaStub(() => (invocations.length < 3 ? { executedVersion: "7" } : "cut"));
  const { target } = dependenciesAt(endpoint);
  for (let n = 0; n < 2; n++) expect(await target(aLambdaSend(functionArn, "beta"))).toMatchObject({ outcome: "done" });
  expect(await target(aLambdaSend(functionArn, "beta"))).toMatchObject({
    outcome: "failed",
    error: { type: "ECONNRESET" },
  });
  expect(invocations).toHaveLength(3);
});

describe.each(["http:", "https:"])("connections by %s that were kept", (protocol) => {
  /** Requests to a server that answers once as many are there as are sent together. Tells their connections' ports. */
  async function aServer() {
    const { passes } = setClock();
    const waiting: (() => void)[] = [];
    let together = 1;
    const answer: RequestListener = (request, response) => {
      waiting.push(() => response.end(String(request.socket.remotePort)));
      if (waiting.length === together) for (const one of waiting.splice(0)) one();
    };
    const { localhost } = tlsIdentities;
    const server = protocol === "http:" ? createServer(answer) : createTlsServer(localhost, answer);
    server.keepAliveTimeout = 0;
    await once(server.listen(0, "localhost"), "listening");
    const agents = keptConnections();
    const agent = protocol === "http:" ? agents.httpAgent : agents.httpsAgent;
    Object.assign((agent as TlsAgent).options, { ca: localhost.cert });
    onTestFinished(() => {
      agent.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const to = { protocol, host: "localhost", port, method: "POST", path: "/" };
    const ask = async () => String((await exchange(agents, to, ["host", "localhost"], "", undefined)).body);
    const asks = (count: number) => {
      together = count;
      return Promise.all(Array.from({ length: count }, ask));
    };
    const idle = () => Object.values(agent.freeSockets).flat().length;
    return { passes, asks, idle };
  }

  it("are used again until they were idle for 10 s", async () => {
    const { asks, passes } = await aServer();
    const first = await asks(1);
    for (let n = 0; n < 3; n++) {
      passes(9_999);
      expect(await asks(1)).toEqual(first);
    }
    passes(10_000);
    expect(await asks(1)).not.toEqual(first);
  });

  it("are closed one by one, those that another was preferred to", async () => {
    const { asks, passes, idle } = await aServer();
    const all = await asks(3);
    passes(6_000);
    const [last] = await asks(1);
    passes(6_000);
    expect(idle()).toBe(3);
    expect(await asks(1)).toEqual([last]);
    expect(idle()).toBe(1);
    const both = await asks(2);
    expect(both).toContain(last);
    expect(all).toEqual(expect.not.arrayContaining(both));
  });
});
