import type { Agent, IncomingHttpHeaders, IncomingMessage, request } from "node:http";

/** What of the SDK's request handler is kept to. */
export type HandlerConfig = {
  httpAgent?: Agent;
  httpsAgent?: Agent;
  /** Milliseconds; 0 or none for as long as it takes. */
  connectionTimeout?: number;
  /** Milliseconds until the whole answer is there, where its passing is an error. */
  requestTimeout?: number;
  throwOnRequestTimeout?: boolean;
};

export type Destination = { protocol: string; host: string; port?: number | undefined; method: string; path: string };

export type HttpAnswer = { statusCode: number; headers: IncomingHttpHeaders; body: Buffer };

/** Codes of errors that the SDK's handler calls timeouts. */
const TIMEOUTS = new Set<unknown>(["ECONNRESET", "EPIPE", "ETIMEDOUT"]);

type Request = typeof request;
const requests = new Map<string, Request>();

/** Not imported: that would load all that `node:http` has. */
function requestBy(protocol: string): Request {
  const request =
    requests.get(protocol) ?? process.getBuiltinModule(protocol === "https:" ? "node:https" : "node:http").request;
  requests.set(protocol, request);
  return request;
}

/**
 * One request and its whole answer, over the connections of the SDK's handler. The handler itself sets up to four timers,
 * promises for bodies that are streams, and hands out an answer that still has to be read: 10 us for each request.
 *
 * Errors are named as the handler names them, with the status in `$metadata` where an answer broke off.
 *
 * @param headers names and values in turns, complete but for `content-length`
 */
export function exchange(
  config: HandlerConfig,
  to: Destination,
  headers: readonly string[],
  body: string,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const agent = to.protocol === "https:" ? config.httpsAgent : config.httpAgent;
  const bytes = Buffer.byteLength(body);
  const { connectionTimeout = 0, requestTimeout = 0, throwOnRequestTimeout } = config;

  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal));
    let timer: NodeJS.Timeout | undefined;
    const request = requestBy(to.protocol)({
      ...to,
      agent,
      headers: [...headers, "content-length", String(bytes)],
    });
    const settled = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (error: Error) => {
      settled();
      reject(error);
      request.destroy();
    };
    const onAbort = () => fail(aborted(signal));
    signal?.addEventListener("abort", onAbort);
    if (throwOnRequestTimeout && requestTimeout > 0) {
      timer = setTimeout(() => fail(timeout(`no answer within ${requestTimeout} ms`)), requestTimeout);
    }
    if (connectionTimeout > 0) {
      request.once("socket", (socket) => watchConnecting(socket, connectionTimeout, fail));
    }
    request.on("error", (error: Error) => fail(named(error)));
    request.on("response", (response) => {
      const { statusCode = 0 } = response;
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => fail(Object.assign(error, { $metadata: { httpStatusCode: statusCode } })));
      response.on("end", () => {
        settled();
        const [whole] = chunks;
        const body = chunks.length === 1 && whole !== undefined ? whole : Buffer.concat(chunks);
        resolve({ statusCode, headers: response.headers, body });
      });
    });
    // The same bytes, for ASCII, but quicker.
    request.end(body, bytes === body.length ? "latin1" : "utf8");
  });
}

function watchConnecting(socket: IncomingMessage["socket"], ms: number, fail: (error: Error) => void): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => fail(timeout(`no connection within ${ms} ms`)), ms);
  socket.once("connect", () => clearTimeout(timer));
  socket.once("close", () => clearTimeout(timer));
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { name: "TimeoutError", code: "ETIMEDOUT" });
}

function named(error: Error): Error {
  return "code" in error && TIMEOUTS.has(error.code) ? Object.assign(error, { name: "TimeoutError" }) : error;
}

function aborted(signal: AbortSignal | undefined): Error {
  return Object.assign(new Error("Request aborted", { cause: signal?.reason }), { name: "AbortError" });
}
