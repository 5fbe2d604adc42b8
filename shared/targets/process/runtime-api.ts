import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { MAX_RESPONSE_BYTES, responseTooLarge } from "../worker/response-size.ts";
import type { Failure } from "../worker/worker-thread.ts";
import { reportedError } from "./reported-error.ts";

/** An event for the process, as `next` hands it over. */
export type RuntimeEvent = {
  requestId: string;
  payload: Uint8Array;
  /** When its time is over, in ms since the epoch. */
  deadlineMs: number;
  functionArn: string;
  /** Told when the process gets it. */
  given(): void;
};

export type RuntimeAnswer = { ok: true } | { ok: false; error: Failure };

/** What the process says, and what Turnout answers. */
export type RuntimeCalls = {
  /** It asks for its next event. Says why it can't have one. */
  next(): string | undefined;
  /** It answers an event. False where it hasn't got that one, or has answered it. */
  answer(requestId: string, answer: RuntimeAnswer): boolean;
  /** It can't begin. */
  failInit(error: Failure): void;
  /** It asked for what isn't there. */
  refused(problem: string): void;
};

export type RuntimeApi = {
  /** For `AWS_LAMBDA_RUNTIME_API`. */
  address: string;
  /** Answers the waiting `next`, or the one that comes. */
  give(event: RuntimeEvent): void;
  close(): void;
};

/** Version of the interface, as it stands in its paths. */
const RUNTIME = "/2018-06-01/runtime/";

/** Most bytes of an error that are kept: its type, message and stack. */
const MAX_ERROR_BYTES = 262_144;

const STATUS_OK = { status: "OK" };

/**
 * Lambda's Runtime API for one process: `next`, `response`, `error`, `init/error`, on a port of its own on the loopback
 * interface. Extensions and telemetry are refused.
 * @throws when no port can be had
 */
export async function serveRuntimeApi(calls: RuntimeCalls): Promise<RuntimeApi> {
  let asking: ServerResponse | undefined;
  let waiting: RuntimeEvent | undefined;

  function deliver(): void {
    if (asking === undefined || waiting === undefined) return;
    const { payload, requestId, deadlineMs, functionArn, given } = waiting;
    const response = asking;
    asking = waiting = undefined;
    given();
    response.writeHead(200, {
      "Content-Type": "application/json",
      "Content-Length": payload.length,
      "Lambda-Runtime-Aws-Request-Id": requestId,
      "Lambda-Runtime-Deadline-Ms": String(deadlineMs),
      "Lambda-Runtime-Invoked-Function-Arn": functionArn,
    });
    response.end(payload);
  }

  function takeNext(response: ServerResponse): void {
    const problem = asking === undefined ? calls.next() : "an event is being waited for already";
    if (problem !== undefined) {
      refuse(response, 403, "InvalidStateTransition", problem);
      return;
    }
    asking = response;
    response.on("close", () => {
      if (asking === response) asking = undefined;
    });
    deliver();
  }

  async function takeResponse(requestId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await countBytes(request);
    // Of an answer that was written while it was made; sent after its body.
    const { "lambda-runtime-function-error-type": type, "lambda-runtime-function-error-body": body } = request.trailers;
    const error = type === undefined ? undefined : reportedError(Buffer.from(body ?? "", "base64").toString(), type);
    const tooLarge = bytes > MAX_RESPONSE_BYTES ? responseTooLarge(bytes) : undefined;
    const problem = tooLarge ?? error;
    if (!calls.answer(requestId, problem === undefined ? { ok: true } : { ok: false, error: problem })) {
      refuse(response, 400, "InvalidRequestID", "Invalid request ID");
    } else if (tooLarge === undefined) answer(response, 202, STATUS_OK);
    else refuse(response, 413, tooLarge.type, tooLarge.message);
  }

  async function takeError(requestId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const error = await errorOf(request);
    if (calls.answer(requestId, { ok: false, error })) answer(response, 202, STATUS_OK);
    else refuse(response, 400, "InvalidRequestID", "Invalid request ID");
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const path = url.startsWith(RUNTIME) ? url.slice(RUNTIME.length) : undefined;
    const [, requestId = "", what] = /^invocation\/([^/]+)\/(response|error)$/.exec(path ?? "") ?? [];
    if (method === "GET" && path === "invocation/next") takeNext(response);
    else if (method === "POST" && what === "response") await takeResponse(requestId, request, response);
    else if (method === "POST" && what === "error") await takeError(requestId, request, response);
    else if (method === "POST" && path === "init/error") {
      const error = await errorOf(request);
      answer(response, 202, STATUS_OK);
      calls.failInit(error);
    } else {
      calls.refused(`${method} ${url} was refused: ${NOT_HERE}`);
      refuse(response, path === undefined ? 403 : 404, "NotSupported", NOT_HERE);
    }
  }

  const server = createServer((request, response) => {
    route(request, response).catch(() => {
      // The connection broke in the middle of a body: nobody is left to be answered.
      request.destroy();
    });
  });
  // A process may be busy for as long as its event may take, and must find its connection open then.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    give(event) {
      waiting = event;
      deliver();
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const NOT_HERE = "Turnout has Lambda's Runtime API, and neither extensions nor telemetry";

/** What an event is answered with is of no use to anybody here: only its size is looked at. */
async function countBytes(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  return bytes;
}

async function errorOf(request: IncomingMessage): Promise<Failure> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_ERROR_BYTES) chunks.push(chunk);
  }
  const type = request.headers["lambda-runtime-function-error-type"];
  return reportedError(Buffer.concat(chunks).toString(), typeof type === "string" ? type : undefined);
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  answer(response, status, { errorType, errorMessage });
}

function answer(response: ServerResponse, status: number, body: object): void {
  const json = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(json) });
  response.end(json);
}
