import { createHmac } from "node:crypto";
import { once } from "node:events";
import type { IncomingHttpHeaders, RequestListener, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createConnection, createServer as createTcpServer, type NetConnectOpts, Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type HttpAddress, TargetAddress } from "../../../shared/domain/routing/target-address.ts";
import { httpTarget } from "../../../shared/targets/http/http-target.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { stubServer } from "../../support/stub-server.ts";
import { tlsIdentities } from "../../support/tls-identities.ts";
import { aPayload, aSend } from "./http-sends.ts";

type Taken = { url: string | undefined; method: string | undefined; headers: IncomingHttpHeaders; body: string };

/** A server that answers so, and what it took. */
async function aServer(answer: (response: ServerResponse, taken: Taken) => void = (response) => response.end()) {
  const taken: Taken[] = [];
  const sockets = new Set<unknown>();
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { url, method, headers } = request;
    sockets.add(request.socket);
    const one = { url, method, headers, body: Buffer.concat(chunks).toString() };
    taken.push(one);
    answer(response, one);
  };
  return { url: `${await stubServer(listener)}/events?x=1`, taken, connections: () => sockets.size };
}

function aTarget(secrets: Record<string, string | Error> = {}, ca?: string) {
  const target = httpTarget({
    ...(ca === undefined ? {} : { ca }),
    now: () => new Date(),
    graceMs: 100,
    async secretText(name) {
      const text = secrets[name] ?? new Error("nobody has it");
      if (typeof text === "string") return text;
      throw text;
    },
  });
  onTestFinished(() => target.close());
  return target;
}

async function sendTo(
  answer: Parameters<typeof aServer>[0],
  address: Partial<HttpAddress> = {},
  about: Partial<Send> = {},
) {
  const server = await aServer(answer);
  const result = await aTarget().send(aSend({ url: server.url, ...address }, about));
  return { result, ...server };
}

const status =
  (code: number, headers: Record<string, string> = {}, body = "") =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end(body);

describe("an http target", () => {
  it("posts the event, byte for byte, with its key, and any good status is done", async () => {
    const { result, taken } = await sendTo(status(204));
    expect(result).toEqual({ outcome: "done", executedVersion: "unknown", durationMs: expect.any(Number) });
    expect(taken).toMatchObject([{ url: "/events?x=1", method: "POST", body: aPayload }]);
    expect(taken[0]?.headers).toMatchObject({ "content-type": "application/json", "idempotency-key": "key-1" });
    expect(taken[0]?.headers).not.toHaveProperty("webhook-signature");
  });

  it("tells the version that the server names", async () => {
    const { result } = await sendTo(status(200, { "turnout-version": "2026.11" }));
    expect(result).toMatchObject({ outcome: "done", executedVersion: "2026.11" });
    const { result: bad } = await sendTo(status(500, { "turnout-version": "2026.12" }));
    expect(bad).toMatchObject({ outcome: "failed", executedVersion: "2026.12" });
  });

  it("posts a CloudEvent in the binary mode", async () => {
    const { taken } = await sendTo(status(200), { format: "binary" });
    expect(taken[0]?.headers).toMatchObject({
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-id": "event-1",
      "ce-source": "shop.example",
      "ce-type": "order%20placed%20%22%C3%96l%22",
      "ce-subject": "order/7",
      "ce-time": "2026-11-20T10:00:00Z",
      "ce-idempotencykey": "key-1",
      "ce-customer": "acme",
      "ce-turnoutcomponent": "preview-server",
      "ce-turnoutalias": "stable",
      "ce-turnoutattempt": "1",
    });
    expect(taken[0]?.body).toBe('{"n":12345678901234567890,"text":"é💥"}');
  });

  it("posts a CloudEvent in the structured mode", async () => {
    const { taken } = await sendTo(status(200), { format: "structured" });
    expect(taken[0]?.headers["content-type"]).toBe("application/cloudevents+json");
    expect(taken[0]?.body).toContain('"data":{"n":12345678901234567890,"text":"é💥"}}');
    expect(JSON.parse(taken[0]?.body ?? "")).toMatchObject({
      specversion: "1.0",
      type: 'order placed "Öl"',
      turnoutgeneration: "live",
    });
  });

  it("signs by Standard Webhooks with every secret", async () => {
    const key = (letter: string) => Buffer.from(letter.repeat(32));
    const secret = (letter: string) => `whsec_${key(letter).toString("base64")}`;
    const server = await aServer();
    const target = aTarget({ TURNOUT_SECRET_NEW: secret("n"), TURNOUT_SECRET_OLD: `${secret("o")} ${secret("p")}\n` });
    const secrets = ["TURNOUT_SECRET_NEW", "TURNOUT_SECRET_OLD"];
    expect(await target.send(aSend({ url: server.url, secrets }))).toMatchObject({ outcome: "done" });
    const { headers, body = "" } = server.taken[0] ?? {};
    expect(headers?.["webhook-id"]).toBe("key-1");
    expect(Math.abs(Number(headers?.["webhook-timestamp"]) - Date.now() / 1_000)).toBeLessThan(60);
    const signed = `key-1.${headers?.["webhook-timestamp"]}.${body}`;
    const signatures = ["n", "o", "p"].map((letter) =>
      createHmac("sha256", key(letter)).update(signed).digest("base64"),
    );
    expect(headers?.["webhook-signature"]).toBe(signatures.map((each) => `v1,${each}`).join(" "));
  });

  it.each([
    [undefined, "the secret TURNOUT_SECRET_X can't be had: nobody has it"],
    ["hunter2", "the secret TURNOUT_SECRET_X can't be had: it isn't written as whsec_ and base64"],
    ["whsec_aHVudGVyMg==", "the secret TURNOUT_SECRET_X can't be had: it has 7 bytes, and not 24 to 64"],
    [" ", "the secret TURNOUT_SECRET_X can't be had: it is empty"],
  ])("sends nothing unsigned, where the secret is %j, and doesn't tell it", async (text, message) => {
    const server = await aServer();
    const target = aTarget(text === undefined ? {} : { TURNOUT_SECRET_X: text });
    const result = await target.send(aSend({ url: server.url, secrets: ["TURNOUT_SECRET_X"] }));
    expect(result).toMatchObject({ outcome: "failed", error: { message } });
    expect(server.taken).toEqual([]);
  });

  it.each([400, 401, 404, 409, 410, 422, 413])("takes %i as final", async (code) => {
    const { result } = await sendTo(status(code, {}, "no such\n  order"));
    const error = { type: `Http.${code}`, message: `the server answered ${code}: no such order` };
    expect(result).toEqual({ outcome: "failed", error, durationMs: expect.any(Number), isFinal: true });
  });

  it.each([408, 425, 500, 502, 503, 504])("takes %i as a failure that may pass", async (code) => {
    const { result } = await sendTo(status(code));
    expect(result).toEqual({
      outcome: "failed",
      error: { type: `Http.${code}`, message: `the server answered ${code}` },
      durationMs: expect.any(Number),
    });
  });

  it("takes 429 as no room, and with Retry-After also 503, until then", async () => {
    expect((await sendTo(status(429))).result).toEqual({
      outcome: "throttled",
      error: { type: "Http.429", message: "the server answered 429" },
    });
    for (const code of [429, 503]) {
      const { result } = await sendTo(status(code, { "retry-after": "120" }));
      const retryAt = result.outcome === "throttled" ? result.retryAt : undefined;
      expect(Math.abs(Number(retryAt) - Date.now() - 120_000)).toBeLessThan(60_000);
    }
  });

  it.each([301, 302, 307, 308])("follows no redirect: %i is final", async (code) => {
    const other = await aServer();
    const { result } = await sendTo(status(code, { location: other.url }));
    expect(result).toMatchObject({ outcome: "failed", isFinal: true, error: { type: `Http.${code}` } });
    expect(other.taken).toEqual([]);
  });

  it("uses its connections again", async () => {
    const server = await aServer((response) => void response.end("x".repeat(10_000)));
    const { send } = aTarget();
    for (let n = 0; n < 5; n++) expect(await send(aSend({ url: server.url }))).toMatchObject({ outcome: "done" });
    expect(server.connections()).toBe(1);
  });

  describe("over a connection that was kept and is cut as the next request comes,", () => {
    /** Sends twice to a server that cuts so long after the second request. The clock stands still otherwise. */
    async function sendTwice(cutAfterMs: number) {
      vi.useFakeTimers({ toFake: ["Date"] });
      onTestFinished(() => void vi.useRealTimers());
      const server = await aServer((response, { headers }) => {
        if (headers["idempotency-key"] !== "cut" || server.connections() > 1) return void response.end();
        vi.setSystemTime(Date.now() + cutAfterMs);
        response.destroy();
      });
      const { send } = aTarget();
      expect(await send(aSend({ url: server.url }))).toMatchObject({ outcome: "done" });
      const result = await send({ ...aSend({ url: server.url }), idempotencyKey: "cut" });
      return { result, requests: server.taken.length };
    }

    it("sends again at once: it had been closed meanwhile", async () => {
      expect(await sendTwice(999)).toMatchObject({ result: { outcome: "done" }, requests: 3 });
    });

    it("has failed where the event may have run since, and leaves it to the next attempt", async () => {
      const cut = { outcome: "failed", error: { type: "ECONNRESET" } };
      expect(await sendTwice(1_000)).toMatchObject({ result: cut, requests: 2 });
    });
  });

  it("begins nothing whose lease would end before the answer", async () => {
    const { result, taken } = await sendTo(status(200), {}, { latestStart: new Date(0) });
    expect(result).toMatchObject({ outcome: "throttled", error: { type: "LeaseTooShort" } });
    expect(taken).toEqual([]);
  });

  it("gives what is under way its grace when it is closed, and puts it off then", async () => {
    const server = await aServer(() => {});
    const target = aTarget();
    const sent = target.send(aSend({ url: server.url }));
    await expect.poll(() => server.taken.length).toBe(1);
    await target.close();
    const off = { outcome: "throttled", error: { type: "ShuttingDown" } };
    expect(await sent).toMatchObject(off);
    expect(await target.send(aSend({ url: server.url }))).toMatchObject(off);
  });
});

describe("a server that misbehaves costs its own event and nothing else: it", () => {
  it("never answers", async () => {
    const { result } = await sendTo(() => {}, {}, { timeoutMs: 100 });
    expect(result).toMatchObject({ outcome: "failed", error: { type: "Timeout" } });
  });

  it("answers an error slowly, a byte at a time", async () => {
    const slow = (response: ServerResponse) => void response.writeHead(500).write("x");
    const { result } = await sendTo(slow, {}, { timeoutMs: 100 });
    expect(result).toMatchObject({
      outcome: "failed",
      error: { type: "Http.500", message: "the server answered 500: x" },
    });
  });

  it("answers without end, well or badly", async () => {
    const flood = (code: number) => (response: ServerResponse) => {
      response.writeHead(code);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
        response.once("drain", more);
      };
      more();
    };
    const closed: Promise<unknown>[] = [];
    const watched = (code: number) => (response: ServerResponse) => {
      closed.push(once(response, "close"));
      flood(code)(response);
    };
    expect((await sendTo(watched(200))).result).toMatchObject({ outcome: "done" });
    expect((await sendTo(watched(500))).result).toMatchObject({ outcome: "failed", error: { type: "Http.500" } });
    // At the limit its connection is cut, though it would go on.
    await Promise.all(closed);
  });

  it.each([
    ["resets the connection", "", "ECONNRESET"],
    ["speaks another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "HPE_INVALID_CONSTANT"],
    ["sends headers without end", `HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}\r\n`, "HPE_HEADER_OVERFLOW"],
  ])("%s", async (_, said, type) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => (said === "" ? socket.resetAndDestroy() : socket.end(said)));
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const result = await aTarget().send(aSend({ url: `http://127.0.0.1:${port}/` }));
    expect(result).toMatchObject({ outcome: "failed", error: { type } });
  });

  it("isn't there, by its name or its port", async () => {
    const { send } = aTarget();
    const noName = await send(aSend({ url: "https://nowhere.invalid/" }));
    expect(noName).toMatchObject({ outcome: "failed", error: { type: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) } });
    const server = createTcpServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const noPort = await send(aSend({ url: `http://127.0.0.1:${port}/` }));
    expect(noPort).toMatchObject({ outcome: "failed", error: { type: "ECONNREFUSED" } });
  });
});

describe("a network that is gone", () => {
  it.each(["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "ETIMEDOUT", "ECONNREFUSED", "EAI_AGAIN"])(
    "fails an event with %s, which is tried again, and serves the next one once it is back",
    async (code) => {
      const { url, taken } = await aServer();
      let isGone = true;
      const { send, close } = httpTarget({
        now: () => new Date(),
        secretText: async () => "",
        connect(options) {
          if (!isGone) return createConnection(options as NetConnectOpts);
          return new Socket().destroy(Object.assign(new Error(`connect ${code} 127.0.0.1`), { code }));
        },
      });
      onTestFinished(close);
      const message = expect.stringContaining(code);
      const result = await send(aSend({ url }));
      expect(result).toEqual({ outcome: "failed", error: { type: code, message }, durationMs: expect.any(Number) });
      expect(taken).toEqual([]);
      isGone = false;
      expect(await send(aSend({ url }))).toMatchObject({ outcome: "done" });
    },
  );

  it("with a request under way fails that event and no other", async () => {
    const server = await aServer((response, { headers }) => {
      if (headers["idempotency-key"] === "key-1") response.socket?.resetAndDestroy();
      else response.end();
    });
    const { send } = aTarget();
    const lost = await send(aSend({ url: server.url }));
    expect(lost).toEqual({
      outcome: "failed",
      error: { type: "ECONNRESET", message: expect.any(String) },
      durationMs: expect.any(Number),
    });
    expect(await send({ ...aSend({ url: server.url }), idempotencyKey: "key-2" })).toMatchObject({ outcome: "done" });
  });
});

describe("a machine without a port or a descriptor left", () => {
  it.each(["EADDRNOTAVAIL", "EMFILE", "ENOBUFS"])(
    "puts events off at %s, and sends them once it has one",
    async (code) => {
      const { url, taken } = await aServer();
      let isFree = false;
      const { send, close } = httpTarget({
        now: () => new Date(),
        secretText: async () => "",
        connect(options) {
          if (isFree) return createConnection(options as NetConnectOpts);
          return new Socket().destroy(Object.assign(new Error(`connect ${code} 127.0.0.1`), { code }));
        },
      });
      onTestFinished(close);
      const results = await Promise.all(Array.from({ length: 20 }, () => send(aSend({ url }))));
      const message = expect.stringMatching(
        /^connect E\w+ 127\.0\.0\.1: this machine has no port, descriptor or memory left/,
      );
      expect(results).toEqual(Array(20).fill({ outcome: "throttled", error: { type: code, message } }));
      expect(taken).toEqual([]);
      isFree = true;
      expect(await send(aSend({ url }))).toMatchObject({ outcome: "done" });
    },
  );
});

describe("what an http target connects to", () => {
  it.each([
    "http://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://2130706433:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
  ])("isn't this machine or a private network, as in %s, unless the component says so", async (url) => {
    const server = await aServer();
    const address = TargetAddress.parse({
      kind: "http",
      private: true,
      url: url.replace("PORT", new URL(server.url).port),
    });
    const { private: _, ...notPrivate } = address as HttpAddress;
    const result = await aTarget().send({ ...aSend({ url: server.url }), address: notPrivate });
    const error = { type: "AddressRefused", message: expect.stringMatching(/isn't an address of the public internet/) };
    expect(result).toMatchObject({ outcome: "failed", isFinal: true, error });
    expect(server.taken).toEqual([]);
  });

  it.each([
    ["whose certificate nobody vouches for", "localhost", undefined, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["that proves to be another", "elsewhere.example", "elsewhere.example", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ] as const)("is no server %s", async (_, identity, trusted, type) => {
    const server = await aTlsServer(identity);
    const target = aTarget({}, trusted && tlsIdentities[trusted].cert);
    const result = await target.send(aSend({ url: server.url }));
    expect(result).toMatchObject({ outcome: "failed", error: { type } });
    expect(server.taken()).toBe(0);
  });

  it("is a server that proves who it is", async () => {
    const server = await aTlsServer("localhost");
    const target = aTarget({}, tlsIdentities.localhost.cert);
    for (let n = 0; n < 2; n++)
      expect(await target.send(aSend({ url: server.url }))).toMatchObject({ outcome: "done" });
    expect(server.taken()).toBe(2);
  });

  it("is no server without TLS where TLS is asked for", async () => {
    const { url } = await aServer();
    const result = await aTarget().send(aSend({ url: url.replace("http:", "https:") }));
    expect(result).toMatchObject({
      outcome: "failed",
      error: { type: expect.stringMatching(/^(EPROTO|ERR_SSL_.*)$/) },
    });
  });
});

async function aTlsServer(identity: keyof typeof tlsIdentities) {
  let taken = 0;
  const server = createTlsServer(tlsIdentities[identity], (_, response) => {
    taken += 1;
    response.end();
  }).listen(0, "localhost");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return { url: `https://localhost:${port}/`, taken: () => taken };
}
