import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { type Answer, errorSaid, json, type Route, writeHead } from "./answer.ts";
import { limitConnections } from "./connection-limit.ts";
import { isOfConsole } from "./console-route.ts";
import { type Door, routeOf } from "./front-door-routes.ts";
import { type BodyRead, readBody } from "./read-body.ts";

/** How long a client may take to send a request's head, and the whole request. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/**
 * How long a connection is kept that nothing comes by. Clients keep theirs for up to a minute, and one that is closed as
 * a request comes by it is an error to whoever sent that.
 */
const IDLE_TIMEOUT_MS = 75_000;
/** How long the rest of a refused body is thrown away before the connection closes. */
const LINGER_MS = 1_000;
/** Each may hold one request body, so this bounds the memory too. Beyond it, idle ones make room for new ones. */
const MAX_CONNECTIONS = 512;

export type FrontDoorOptions = Door & {
  /** 0: any free port. */
  port: number;
  /** The address to listen on. Default 127.0.0.1: nobody signs in here, so only this machine is let in. */
  host?: string;
};

export type FrontDoor = {
  port: number;
  url: string;
  /** Takes no more connections and waits for the running requests, at most `graceMs` (default 5,000). */
  stop(graceMs?: number): Promise<void>;
};

/**
 * Opens the HTTP server that publishers of the embedded mode talk to: EventBridge's PutEvents and CloudEvents on
 * `POST /`, and `GET /healthz`. An event is acknowledged once it is stored, with its claims or in the queue. Throws a
 * TurnoutError when the port can't be opened.
 */
export async function startFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const { port, host = "127.0.0.1" } = options;
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
  });
  const connections = limitConnections(server, MAX_CONNECTIONS);
  const localNames = new Set(["127.0.0.1", "localhost", "[::1]", nameInUrl(host)]);
  server.on("request", (request, response) => void serve(request, response, () => {}));
  server.on("checkContinue", (request, response) => void serve(request, response, () => response.writeContinue()));

  async function serve(request: IncomingMessage, response: ServerResponse, start: () => void): Promise<void> {
    connections.reading(request.socket);
    response.once("close", () => connections.idle(request.socket));
    // The console checks for itself who sends a request: links that lead to it are followed.
    const isForConsole = options.console !== undefined && isOfConsole(pathOf(request));
    const route = (isForConsole ? undefined : foreign(request, localNames)) ?? routeFor(request, options);
    if ("status" in route) return refuse(request, response, route);
    const body = await readBody(request, route.maxBodyBytes, start);
    if (!body.ok) return body.why === "aborted" ? undefined : refuse(request, response, bodyError(route, body.why));
    connections.answering(request.socket);
    const answer = await answerSafely(route, body.bytes);
    // A connection kept alive would hold up a server that is stopping until its client lets go.
    if (!server.listening) response.setHeader("connection", "close");
    writeHead(response, answer).end(answer.text);
  }

  await listen(server, port, host);
  const bound = (server.address() as AddressInfo).port;
  const stop = async (graceMs = 5_000) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Closing ends Node's own timeouts too: without a deadline, half a request could hold this up for good.
    const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(deadline);
  };
  return { port: bound, url: `http://${nameInUrl(host)}:${bound}`, stop };
}

function routeFor(request: IncomingMessage, door: Door): Route | Answer {
  const { method = "", url = "", headers } = request;
  return routeOf({ method, url, path: pathOf(request), headers, distinct: () => request.headersDistinct }, door);
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?")[0] ?? "";
}

async function answerSafely(route: Route, body: Buffer): Promise<Answer> {
  try {
    return await route.answer(body);
  } catch (error) {
    return route.error(500, "InternalException", errorSaid(error));
  }
}

/** Answers without having read the body, and closes the connection. */
function refuse(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  writeHead(response.setHeader("connection", "close"), answer).write(answer.text);
  // A socket closed with bytes unread is reset, and the reset can overtake the answer. So the client is given a
  // moment to read it, and what it still sends is thrown away.
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once("end", end).once("close", end).once("error", end).resume();
}

function bodyError(route: Route, why: Exclude<BodyRead, { ok: true }>["why"]): Answer {
  if (why === "encoded") return route.error(415, "UnsupportedMediaType", "Send the body without Content-Encoding.");
  return route.error(
    413,
    "RequestEntityTooLargeException",
    `The request's body is too large; it may have ${route.maxBodyBytes} bytes. Send fewer or smaller events.`,
  );
}

/** What a web page of somebody else may have sent from a browser on this machine is refused, whatever it asks for. */
function foreign({ headers }: IncomingMessage, localNames: ReadonlySet<string>): Answer | undefined {
  const { host, origin, "sec-fetch-site": site = "none" } = headers;
  if (!isLocal(host, localNames)) {
    const error = `Host '${host ?? ""}' isn't this machine. Use 127.0.0.1, localhost or [::1] in the URL.`;
    return json(403, { error });
  }
  // Browsers send both with what a page asks for, and a page can't change them. A port of this machine is same-site.
  const isOwn = origin === undefined || origin === `http://${host}`;
  if (isOwn && (site === "none" || site === "same-origin")) return undefined;
  return json(403, { error: "A web page of another origin may not publish here. Publish from a service." });
}

/** A web page can point its own host name at this machine (DNS rebinding); its requests carry that name. */
function isLocal(host: string | undefined, localNames: ReadonlySet<string>): boolean {
  return localNames.has((host ?? "").replace(/:\d*$/, "").toLowerCase());
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays: an error while accepting later on, e.g. no file handle left, costs that connection, not the process.
    server.on("error", (error) => reject(portError(error, port, host)));
    server.listen(port, host, resolve);
  });
}

function portError(error: NodeJS.ErrnoException, port: number, host: string): TurnoutError {
  const inUse = `Port ${port} on ${host} is in use by another process.`;
  const problem = error.code === "EADDRINUSE" ? inUse : `Port ${port} on ${host} can't be opened: ${error.message}.`;
  return new TurnoutError("failed", `${problem} Set TURNOUT_PORT to a free one, or to 0 for any.`, { cause: error });
}

function nameInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
