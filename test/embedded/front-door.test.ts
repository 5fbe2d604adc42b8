import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { PUT_EVENTS } from "../../scripts/embedded/put-events.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { openFrontDoor, rawExchange } from "../support/front-door.ts";

const putEventsHead = `POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: ${PUT_EVENTS}\r\nContent-Type: application/x-amz-json-1.1\r\n`;
const oneEntry = '{"Entries":[{"Source":"s","DetailType":"t","Detail":"{}"}]}';

describe("a body", () => {
  test("may come in chunks, even one byte at a time", async () => {
    const door = await openFrontDoor();
    const chunks = [...oneEntry].map((character) => `1\r\n${character}\r\n`).join("");
    const head = `${putEventsHead}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await rawExchange(door, `${head}${chunks}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(door.bodies()).toHaveLength(1);
  });

  test("is refused by its announced length, before any of it is sent", async () => {
    const door = await openFrontDoor();
    const answer = await rawExchange(door, `${putEventsHead}Content-Length: 2097153\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*RequestEntityTooLargeException/s);
    expect(answer).toMatch(/connection: close/i);
  });

  test("is refused by its announced length without being asked for", async () => {
    const door = await openFrontDoor();
    const answer = await rawExchange(door, `${putEventsHead}Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).not.toContain("100 Continue");
  });

  test("is asked for where the client waits for that", async () => {
    const door = await openFrontDoor();
    const outgoing = request(door.url, {
      method: "POST",
      headers: { expect: "100-continue", "content-type": "application/x-amz-json-1.1", "x-amz-target": PUT_EVENTS },
    });
    outgoing.flushHeaders();
    await once(outgoing, "continue");
    const [[response]] = await Promise.all([once(outgoing, "response"), outgoing.end(oneEntry)]);
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  test("isn't asked for by a route that there isn't", async () => {
    const door = await openFrontDoor();
    const head = "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    expect(await rawExchange(door, head)).toMatch(/^HTTP\/1\.1 404 /);
  });

  test("a body in chunks is refused as soon as it is too long, though it never ends", async () => {
    const door = await openFrontDoor();
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    const head = `${putEventsHead}Transfer-Encoding: chunked\r\n\r\n`;
    expect(await rawExchange(door, head + chunk.repeat(40))).toMatch(/^HTTP\/1\.1 413 /);
    expect(door.sends).toEqual([]);
  });

  test("refuses compression", async () => {
    const door = await openFrontDoor();
    const answer = await rawExchange(door, `${putEventsHead}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc`);
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
  });

  test("cut off by its client stores nothing and leaves the server running", async () => {
    const door = await openFrontDoor();
    const socket = connect(door.port, "127.0.0.1");
    await once(socket, "connect");
    await new Promise((resolve) => socket.write(`${putEventsHead}Content-Length: 999\r\n\r\n{"Entries":`, resolve));
    socket.destroy();
    await once(socket, "close");
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
    expect(door.sends).toEqual([]);
  });
});

describe("health", () => {
  test("is told as JSON", async () => {
    const door = await openFrontDoor({ health: async () => ({ status: "ok", queued: 3 }) });
    const response = await fetch(`${door.url}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok", queued: 3 });
  });

  test("fails with 503, the reason and what to do", async () => {
    const error = new TurnoutError("failed", "The disk is full.", {
      remedies: ["free some space", { operation: "restore backup" }],
    });
    const door = await openFrontDoor({ health: () => Promise.reject(error) });
    expect(await (await fetch(`${door.url}/healthz`)).json()).toEqual({
      error: "The disk is full.",
      remedies: ["free some space", "restore a backup with 'turnout restore FILE --replace'"],
    });
  });

  test("fails with 503 and the reason where nobody knows better", async () => {
    const door = await openFrontDoor({ health: () => Promise.reject(new Error("database is locked")) });
    const response = await fetch(`${door.url}/healthz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ error: "database is locked" });
  });
});

describe("anything else", () => {
  test.each([
    ["GET", "/", 405, /Publish with POST \//],
    ["POST", "/healthz", 405, /GET \/healthz/],
    ["POST", "/other", 404, /Publish with POST \//],
    ["POST", "/", 415, /Publish with POST \//],
  ])("refuses %s %s with %i and says what to do", async (method, path, status, error) => {
    const door = await openFrontDoor();
    const response = await fetch(door.url + path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.stringMatching(error) });
  });

  test.each(["/", "/events", "/other"])("refuses GET %s and names the console, where there is one", async (path) => {
    const door = await openFrontDoor({ console: () => Promise.reject(new Error("nobody asks for it here")) });
    const response = await fetch(door.url + path, { headers: { accept: "text/html" } });
    expect(response.status).toBe(path === "/other" ? 404 : 405);
    expect(await response.json()).toEqual({
      error: expect.stringMatching(/Publish with POST \/.* The console is at \/console\.$/),
    });
    const without = await openFrontDoor();
    expect(await (await fetch(without.url + path)).text()).not.toContain("console");
  });

  test.each(["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example"])(
    "refuses requests for host %s",
    async (host) => {
      const door = await openFrontDoor();
      const answer = await rawExchange(door, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    },
  );

  test.each(["127.0.0.1", "LOCALHOST:4600", "[::1]", "[::1]:4600"])("answers requests for host %s", async (host) => {
    const door = await openFrontDoor();
    const text = `GET /healthz?x=1 HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    expect(await rawExchange(door, text)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("starting and stopping", () => {
  test("fails on a port in use by naming it and the setting", async () => {
    const { port } = await openFrontDoor();
    const second = openFrontDoor({ port });
    await expect(second).rejects.toThrow(TurnoutError);
    await expect(second).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use by another process. Set TURNOUT_PORT to a free one`,
    );
  });

  test("stopping lets a running request finish and takes no new ones", async () => {
    const sending = Promise.withResolvers<void>();
    const stored = Promise.withResolvers<string[]>();
    const send = () => {
      sending.resolve();
      return stored.promise;
    };
    const door = await openFrontDoor({ queue: { send } });
    const running = fetch(door.url, {
      method: "POST",
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": PUT_EVENTS },
      body: oneEntry,
    });
    await sending.promise;
    const stopped = door.stop();
    await expect(fetch(`${door.url}/healthz`)).rejects.toThrow();
    stored.resolve(["message-1"]);
    expect((await running).status).toBe(200);
    await stopped;
  });

  test("a connection is kept for more than the minute that a publisher may say nothing for", async () => {
    const door = await openFrontDoor();
    const { headers } = await fetch(`${door.url}/healthz`);
    expect(headers.get("keep-alive")).toBe("timeout=75");
  });

  test("stopping isn't held up by connections that are idle or send half a request", async () => {
    const door = await openFrontDoor();
    await (await fetch(`${door.url}/healthz`)).json();
    const half = connect(door.port, "127.0.0.1").on("error", () => {});
    await new Promise((resolve) => half.write(`${putEventsHead}Content-Length: 100\r\n\r\n{`, resolve));
    await door.stop(0);
  });
});

describe("a request that a web page may have made", () => {
  const health = (headers: string) => `GET /healthz HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;

  test.each([
    ["of another origin", (port: number) => `Host: 127.0.0.1:${port}\r\nOrigin: https://evil.example\r\n`],
    ["of another port of this machine", (port: number) => `Host: localhost:${port}\r\nOrigin: http://localhost:1\r\n`],
    ["of no origin that can be told", (port: number) => `Host: 127.0.0.1:${port}\r\nOrigin: null\r\n`],
    [
      "that the browser says is cross-site",
      (port: number) => `Host: 127.0.0.1:${port}\r\nSec-Fetch-Site: cross-site\r\n`,
    ],
    [
      "that the browser says is same-site",
      (port: number) => `Host: 127.0.0.1:${port}\r\nSec-Fetch-Site: same-site\r\n`,
    ],
    ["whose name was pointed at this machine", (port: number) => `Host: evil.example:${port}\r\n`],
    ["without a host", () => ""],
  ])("%s is refused", async (_what, headers) => {
    const door = await openFrontDoor();
    expect(await rawExchange(door, health(headers(door.port)))).toMatch(/^HTTP\/1\.1 40[03] /);
    const publish = `${putEventsHead.replace("Host: localhost\r\n", headers(door.port))}Content-Length: ${oneEntry.length}\r\nConnection: close\r\n\r\n`;
    expect(await rawExchange(door, publish + oneEntry)).toMatch(/^HTTP\/1\.1 40[03] /);
    expect(door.sends).toEqual([]);
  });

  test.each([
    ["that isn't a page's", (port: number) => `Host: 127.0.0.1:${port}\r\n`],
    [
      "of this server's own page",
      (port: number) =>
        `Host: 127.0.0.1:${port}\r\nOrigin: http://127.0.0.1:${port}\r\nSec-Fetch-Site: same-origin\r\n`,
    ],
    ["that somebody typed into a browser", (port: number) => `Host: localhost:${port}\r\nSec-Fetch-Site: none\r\n`],
  ])("%s is answered", async (_what, headers) => {
    const door = await openFrontDoor();
    expect(await rawExchange(door, health(headers(door.port)))).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("600 connections", () => {
  /** Opens them, and answers how many the server has closed so far. */
  async function open(port: number, text: string): Promise<() => number> {
    let closed = 0;
    const sockets = Array.from({ length: 600 }, () => connect(port, "127.0.0.1"));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (const socket of sockets) socket.on("error", () => {}).on("close", () => closed++);
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    for (const socket of sockets) socket.write(text);
    return () => closed;
  }

  test.each([
    ["that say nothing", ""],
    ["that begin a request and stop", "POST / HTTP/1.1\r\nHost: localhost\r\nX-"],
    ["that begin a body and stop", `${putEventsHead}Content-Length: 1000\r\n\r\n{"Entries":[`],
  ])("%s don't shut a publisher out", async (_what, text) => {
    const door = await openFrontDoor();
    const closed = await open(door.port, text);
    await expect.poll(closed).toBeGreaterThanOrEqual(88);
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": PUT_EVENTS };
    const answer = await fetch(door.url, { method: "POST", headers, body: oneEntry });
    expect(await answer.json()).toMatchObject({ FailedEntryCount: 0 });
    expect(closed()).toBeLessThan(120);
  });

  test("600 connections whose answers are being made are kept, and a new one is closed", async () => {
    const held = Promise.withResolvers<void>();
    const door = await openFrontDoor({ health: () => held.promise.then(() => ({ status: "ok" })) });
    const closed = await open(door.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await expect.poll(closed).toBeGreaterThanOrEqual(88);
    held.resolve();
    expect(closed()).toBeLessThan(120);
  });
});
