import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as startHttp } from "node:http";
import { Agent as HttpsAgent, request as startHttps } from "node:https";
import { isIP, type Socket } from "node:net";
import { AddressRefused, addressProblem, checkedLookup } from "./checked-lookup.ts";

/** How long name, connection and TLS may take together. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Connections at once to one server; what is beyond that waits for one. */
const MAX_CONNECTIONS = 128;

/** Connections that are kept for later, and for how long: less than most servers keep theirs. */
const MAX_IDLE_CONNECTIONS = 32;
const IDLE_MS = 4_000;

/**
 * Within what time after its request a connection that was kept says that it was over: a way there and back. What ends
 * later may have run the event, and to send it again is an attempt, which is counted.
 */
const OVER_WITHIN_MS = 1_000;

/** How much of an answer is read so that its connection can be used again; what is longer costs the connection. */
const MAX_RESPONSE_BYTES = 1_048_576;

/** The beginning of an answer that says what went wrong. */
const MAX_TOLD_BYTES = 1_024;

export type HttpExchange = {
  url: URL;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
  allowsPrivate: boolean;
};

export type HttpAnswer = { status: number; headers: IncomingMessage["headers"]; told: string };

/** Posts a body and waits for the status; redirects are answers like others. @throws Error whose `code` or name says why */
export type HttpPost = (exchange: HttpExchange) => Promise<HttpAnswer>;

/** As an agent makes a connection. */
export type Connect = HttpAgent["createConnection"];

export type HttpClientOptions = {
  /** Authorities beside the usual ones. */
  ca?: string;
  /** Makes each connection in the place of Node. */
  connect?: Connect;
};

/** A client with connections that are kept. */
export function httpClient({ ca, connect }: HttpClientOptions = {}): { post: HttpPost; close(): void } {
  const agents = new Map<string, HttpAgent>();

  function agentFor({ protocol }: URL, allowsPrivate: boolean, reuses: boolean): HttpAgent {
    const key = `${protocol} ${allowsPrivate} ${reuses}`;
    const known = agents.get(key);
    if (known !== undefined) return known;
    const options = {
      keepAlive: reuses,
      maxSockets: MAX_CONNECTIONS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      timeout: IDLE_MS,
      lookup: checkedLookup(allowsPrivate),
      ...(ca === undefined ? {} : { ca }),
    };
    const agent = protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
    if (connect !== undefined) agent.createConnection = connect;
    agents.set(key, agent);
    return agent;
  }

  async function post(exchange: HttpExchange): Promise<HttpAnswer> {
    const { url, allowsPrivate } = exchange;
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    // No name is looked up for what is an address already.
    const problem = isIP(host) === 0 ? undefined : addressProblem(host, allowsPrivate);
    if (problem !== undefined) throw new AddressRefused(problem);
    const first = await once(exchange, agentFor(url, allowsPrivate, true));
    if (first !== "connection was over") return first;
    // It had been kept, and the server closed it just then, or while Lambda had frozen the router.
    const second = await once(exchange, agentFor(url, allowsPrivate, false));
    if (second !== "connection was over") return second;
    throw Object.assign(new Error("the connection was closed before an answer came"), { code: "ECONNRESET" });
  }

  return {
    post,
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function once(
  { url, headers, body, signal }: HttpExchange,
  agent: HttpAgent,
): Promise<HttpAnswer | "connection was over"> {
  return new Promise((resolve, reject) => {
    const isSecure = url.protocol === "https:";
    const options: RequestOptions = {
      method: "POST",
      agent,
      signal,
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
    };
    const request = isSecure ? startHttps(url, options) : startHttp(url, options);
    let writtenAt = 0;
    request.on("socket", (socket) => {
      writtenAt = Date.now();
      limitConnecting(socket, isSecure, (error) => request.destroy(error));
    });
    let answered = false;
    request.on("error", (error) => {
      // What comes of the connection later doesn't change the status.
      if (answered) return;
      const code = "code" in error ? error.code : undefined;
      const isEarly = Date.now() - writtenAt < OVER_WITHIN_MS;
      if (request.reusedSocket && isEarly && (code === "ECONNRESET" || code === "EPIPE"))
        resolve("connection was over");
      else reject(signal.aborted ? signal.reason : error);
    });
    request.on("response", (response) => {
      answered = true;
      void answerOf(response, signal).then(resolve, reject);
    });
    request.end(body);
  });
}

function limitConnecting(socket: Socket, isSecure: boolean, end: (error: Error) => void): void {
  if (!socket.connecting) return;
  const late = setTimeout(() => {
    const message = `no connection within ${CONNECT_TIMEOUT_MS} ms`;
    end(Object.assign(new Error(message), { code: "ConnectTimeout" }));
  }, CONNECT_TIMEOUT_MS);
  socket.once(isSecure ? "secureConnect" : "connect", () => clearTimeout(late));
  socket.once("close", () => clearTimeout(late));
}

/** A good status is all that is waited for; of a bad one the beginning of what it says. */
async function answerOf(response: IncomingMessage, signal: AbortSignal): Promise<HttpAnswer> {
  const { statusCode: status = 0, headers } = response;
  const told: Buffer[] = [];
  let bytes = 0;
  const isOver = new Promise<void>((resolve) => {
    response.on("data", (chunk: Buffer) => {
      if (bytes < MAX_TOLD_BYTES) told.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_TOLD_BYTES) resolve();
      if (bytes > MAX_RESPONSE_BYTES) response.destroy();
    });
    response.on("error", () => resolve());
    response.on("close", () => resolve());
    signal.addEventListener("abort", () => resolve());
  });
  if (status < 200 || status > 299) await isOver;
  return { status, headers, told: Buffer.concat(told).subarray(0, MAX_TOLD_BYTES).toString() };
}
