import { Agent } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { exchange, type HandlerConfig } from "../../shared/aws/sdk-exchange.ts";
import { stubServer } from "../support/stub-server.ts";

type Handler = Parameters<typeof stubServer>[0];

/** Sends a text to a server that answers so. */
async function sendTo(handler: Handler, about: HandlerConfig = {}, signal?: AbortSignal) {
  const { protocol, hostname: host, port } = new URL(await stubServer(handler));
  const httpAgent = about.httpAgent ?? new Agent({ keepAlive: true });
  onTestFinished(() => httpAgent.destroy());
  const to = { protocol, host, port: Number(port), method: "POST", path: "/" };
  return exchange({ ...about, httpAgent }, to, ["host", "any"], "é: two bytes", signal);
}

/** As if there were a name server that never answers. */
const unresolved = () => new Agent({ keepAlive: true, host: "nowhere", lookup: () => {} });

describe("an exchange over the connections of the SDK", () => {
  it("reads an answer whole that comes in pieces", async () => {
    const { statusCode, headers, body } = await sendTo((_, response) => {
      response.writeHead(201, { "x-kind": "pieces" });
      response.write("one, ", () => setImmediate(() => response.end("two")));
    });
    expect([statusCode, headers["x-kind"], body.toString()]).toEqual([201, "pieces", "one, two"]);
  });

  it("says how many bytes a text has that isn't ASCII", async () => {
    const { body } = await sendTo(async (request, response) => {
      const [text] = await Array.fromAsync(request as AsyncIterable<Buffer>);
      response.end(`${request.headers["content-length"]} ${text}`);
    });
    expect(body.toString()).toBe("13 é: two bytes");
  });

  it("fails when an answer isn't there in full in time", async () => {
    const about = { requestTimeout: 100, throwOnRequestTimeout: true };
    const sent = sendTo((_, response) => void response.writeHead(200).write("half"), about);
    const error = { name: "TimeoutError", code: "ETIMEDOUT", message: "no answer within 100 ms" };
    await expect(sent).rejects.toMatchObject(error);
  });

  it("fails when there is no connection in time", async () => {
    const httpAgent = unresolved();
    const to = { protocol: "http:", host: "nowhere", method: "POST", path: "/" };
    const sent = exchange({ httpAgent, connectionTimeout: 50 }, to, [], "", undefined);
    const error = { name: "TimeoutError", code: "ETIMEDOUT", message: "no connection within 50 ms" };
    await expect(sent).rejects.toMatchObject(error);
  });

  it("waits no longer once it is told to, even for a connection", async () => {
    const controller = new AbortController();
    const to = { protocol: "http:", host: "nowhere", method: "POST", path: "/" };
    const sent = exchange({ httpAgent: unresolved() }, to, [], "", controller.signal);
    controller.abort("enough");
    await expect(sent).rejects.toMatchObject({ name: "AbortError", cause: "enough" });
  });

  it("keeps an answered request's connection for the next, and no timer that would end it", async () => {
    const httpAgent = new Agent({ keepAlive: true });
    const ports = new Set<number | undefined>();
    const server = await stubServer((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    const { protocol, hostname: host, port } = new URL(server);
    const to = { protocol, host, port: Number(port), method: "POST", path: "/" };
    const about = { httpAgent, connectionTimeout: 1_000, requestTimeout: 1_000, throwOnRequestTimeout: true };
    onTestFinished(() => httpAgent.destroy());
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    for (let n = 0; n < 20; n++) await exchange(about, to, ["host", "any"], "", undefined);
    expect(ports.size).toBe(1);
    expect(timers() - before).toBeLessThan(20);
  });
});
