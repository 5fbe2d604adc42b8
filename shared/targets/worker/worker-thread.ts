import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import { requestIdOfTag } from "../../domain/deliveries/request-id.ts";
import { filesOfHandler, readHandler } from "../../domain/text/handler.ts";
import { MAX_RESPONSE_BYTES, responseTooLarge } from "./response-size.ts";
import { noteEnded, type ThreadProgress } from "./thread-progress.ts";
import { followingTurn, type ThreadTurn } from "./thread-turn.ts";
import { tagOutput } from "./worker-output.ts";

/** What a worker runs. */
export type WorkerCode = { component: string; version: string; folder: string; handler: string; memoryMb: number };

/** A worker's `workerData`. The port is its own way to the host, which the code that it loads doesn't get to see. */
export type WorkerData = { code?: WorkerCode; port?: MessagePort; turn?: ThreadTurn; progress?: ThreadProgress };

/** One event for the handler, numbered in the order that they are given. */
export type Invocation = [payloadBytes: number, requestId: string, alias: string, timeoutMs: number, number: number];

/** Events that are given together, and their payloads one after the other. Sent only to a worker that is loaded. */
export type Invocations = [payloads: Uint8Array, Invocation[]];

/** Asks an idle worker to end by itself: unlike one that is terminated, it gets rid of what it has written. */
export type Stop = "stop";

/** `text`: the whole story, for the log. */
export type Failure = DeliveryError & { text?: string };

export type Reply =
  | ["loaded"]
  | ["unloadable", Failure]
  /** There is progress: that of an event which is done is told in no message of its own. */
  | ["progress"]
  | ["failed", requestId: string, durationMs: number, Failure]
  /** The thread is ending; the request is the one that it was running. */
  | ["ending", requestId: string | undefined, Failure];

/** Most characters of an error's message that leave the worker; the ledger keeps fewer still. */
const MAX_MESSAGE = 300;

/** Most characters of an error's stack, causes and properties in the log. */
const MAX_TEXT = 8_000;

/** How long a failure waits for what was printed: a disk that is slow must not make it a timeout. */
const MOST_WAITED_MS = 50;

/** As they are before the version's own code can put others in their place. */
const { parse, stringify } = JSON;
const { compareExchange } = Atomics;

type Handle = (event: unknown, context: object) => unknown;

function takeData(data: WorkerData | null): Required<WorkerData> {
  const { code, port, turn, progress } = data ?? {};
  if (parentPort === null || !code || !port || !turn || !progress) {
    throw new Error("worker-thread.ts runs in a worker thread of a host only");
  }
  delete data?.port;
  delete data?.code;
  delete data?.turn;
  delete data?.progress;
  return { code, port, turn, progress };
}

const { code, port, turn, progress } = takeData(workerData);
const answer = (reply: Reply) => port.postMessage(reply);

/** An event that it was given; its payload isn't read yet. */
type Waiting = { payloads: Buffer; from: number; invocation: Invocation };

/** What came of an event: nothing more where it is done. */
type Outcome = { durationMs: number; failure: Failure | undefined };

let current: string | undefined;
let ending: Failure | undefined;
/** What runs, and what waits for it. */
const line: Waiting[] = [];
/** Of what runs, once it is through. */
let outcome: Outcome | undefined;
/** Turns of the event loop that have been asked for. */
let turns = 0;
/** Whether there is progress that the host hasn't been told of. */
let untold = false;

function end(failure: Failure): never {
  ending ??= failure;
  process.exit(1);
}

process.on("uncaughtException", (error) => end(failureOf(error)));
process.on("unhandledRejection", (reason) => {
  const { type, message, text } = failureOf(reason);
  end(failed("Runtime.UnhandledPromiseRejection", `${type}: ${message}`, text));
});
process.on("exit", (exitCode) => answer(["ending", current, ending ?? exitFailure(exitCode)]));
for (const stream of [process.stdout, process.stderr]) tagOutput(stream, () => current);

const loaded = await load(code);
if (typeof loaded === "function") {
  port.on("message", (message: Invocations | Stop) => {
    if (message === "stop") process.exit(0);
    take(message);
  });
  answer(["loaded"]);
} else answer(["unloadable", loaded]);

function take([payloads, invocations]: Invocations): void {
  const isIdle = line.length === 0;
  const bytes = Buffer.from(payloads.buffer);
  let from = 0;
  for (const invocation of invocations) {
    line.push({ payloads: bytes, from, invocation });
    from += invocation[0];
  }
  if (isIdle) beginNext();
  // Most events take one turn: those that come together get theirs in one go.
  for (let count = 0; count < invocations.length; count++) takeTurn();
}

/** Begins with the first that wasn't taken back. */
function beginNext(): void {
  for (let [first] = line; first !== undefined; line.shift(), [first] = line) {
    const [, , , , number] = first.invocation;
    if (compareExchange(turn, 0, number, followingTurn(number)) === number) return void invoke(first);
  }
  tellProgress();
}

async function invoke({ payloads, from, invocation }: Waiting): Promise<void> {
  const [bytes, requestId, alias, timeoutMs] = invocation;
  current = requestId;
  const start = performance.now();
  const duration = () => performance.now() - start;
  try {
    const remainingMs = () => Math.max(0, Math.floor(timeoutMs - duration()));
    const event: unknown = parse(payloads.toString("utf8", from, from + bytes));
    const response = await (loaded as Handle)(event, contextOf(requestId, alias, remainingMs));
    const failure = problemOf(response);
    outcome = { durationMs: duration(), failure };
  } catch (error) {
    outcome = { durationMs: duration(), failure: failureOf(error) };
  }
  if (turns === 0) takeTurn();
}

/** An event ends a turn after it is through: a rejection that nobody handles is told only after the promises that are due. */
function takeTurn(): void {
  turns++;
  setImmediate(() => {
    turns--;
    // What runs takes its time: who is done isn't to wait for it.
    if (outcome === undefined) tellProgress();
    else endFirst(outcome);
  });
}

function endFirst({ durationMs, failure }: Outcome): void {
  outcome = undefined;
  const [first] = line;
  if (first === undefined) return;
  const [, requestId, , , number] = first.invocation;
  const conclude = () => {
    current = undefined;
    line.shift();
    noteEnded(progress, number, failure === undefined ? durationMs : undefined);
    if (failure === undefined) untold = true;
    else answer(["failed", requestId, durationMs, failure]);
    beginNext();
  };
  if (failure === undefined) conclude();
  else afterOutput(conclude, performance.now() + MOST_WAITED_MS);
}

function tellProgress(): void {
  if (untold) answer(["progress"]);
  untold = false;
}

/** The log tells of a failure after what was printed before it: that goes to the host piece by piece, as it is taken. */
function afterOutput(conclude: () => void, until: number): void {
  const isWaiting = process.stdout.writableLength + process.stderr.writableLength > 0;
  if (isWaiting && performance.now() < until) setImmediate(() => afterOutput(conclude, until));
  else conclude();
}

/** As on Lambda; what there is only for callbacks is left out. */
function contextOf(origin: string, alias: string, getRemainingTimeInMillis: () => number): object {
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: code.component,
    functionVersion: code.version,
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${code.component}:${alias}`,
    memoryLimitInMB: String(code.memoryMb),
    awsRequestId: requestIdOfTag(origin),
    logGroupName: `/turnout/${code.component}`,
    logStreamName: code.version,
    getRemainingTimeInMillis,
  };
}

async function load({ folder, handler }: WorkerCode): Promise<Handle | Failure> {
  const parsed = readHandler(handler);
  if (!parsed.ok) return failed("Runtime.MalformedHandlerName", parsed.problem);
  const candidates = filesOfHandler(parsed.value);
  const file = candidates.map((candidate) => join(folder, candidate)).find((path) => existsSync(path));
  if (file === undefined) {
    return failed("Runtime.ImportModuleError", `${folder} has none of ${candidates.join(", ")}, publish it again`);
  }
  let found: unknown;
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(file).href);
    // A CommonJS module's named exports are only guessed; this is the object itself.
    found = parsed.value.path.reduce<unknown>(property, module["module.exports"] ?? module);
  } catch (error) {
    return loadFailure(error, file);
  }
  if (typeof found !== "function") {
    return failed(
      "Runtime.HandlerNotFound",
      `${handler} is ${found === undefined ? "not exported" : "not a function"}`,
    );
  }
  if (found.length < 3) return found as Handle;
  return failed(
    "Runtime.CallbackHandlerDeprecated",
    `${handler} takes a callback, which Lambda's Node.js 24 runtime no longer calls. ` +
      "Make it an async function of (event, context) and return what it passed to the callback.",
  );
}

function property(value: unknown, name: string): unknown {
  return value === undefined || value === null ? undefined : (value as Record<string, unknown>)[name];
}

/** The names that Lambda's runtime gives to what can go wrong while it imports a module. */
function loadFailure(error: unknown, file: string): Failure {
  const { type, message, text } = failureOf(error);
  // Node doesn't tell in which module of several.
  if (error instanceof SyntaxError) {
    return failed("Runtime.UserCodeSyntaxError", `${message} (in ${file} or what it imports)`, text);
  }
  const missing = error instanceof Error && "code" in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
  return failed(missing ? "Runtime.ImportModuleError" : type, message, text);
}

/** What keeps a response from being one. It is checked here, and never crosses to the main thread. */
function problemOf(response: unknown): Failure | undefined {
  let json: string | undefined;
  try {
    json = stringify(response);
  } catch (error) {
    return failed("Runtime.MarshalError", `the response can't be written as JSON: ${failureOf(error).message}`);
  }
  // No UTF-16 code unit takes more than 3 bytes; short responses needn't be counted.
  if (json === undefined || json.length * 3 <= MAX_RESPONSE_BYTES) return undefined;
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_RESPONSE_BYTES) return undefined;
  const { type, message } = responseTooLarge(bytes);
  return failed(type, message);
}

function exitFailure(exitCode: number): Failure {
  // Node's own code for this; nothing else is left that could go on.
  const why = exitCode === 13 ? ": an await at the top level of a module never ends" : "";
  return failed("Runtime.ExitError", `the code ended its process with exit code ${exitCode}${why}`);
}

/** Whatever was thrown. Reading it runs foreign code, which may throw again. */
function failureOf(error: unknown): Failure {
  try {
    const { name, message }: Record<string, unknown> = Object(error);
    const isError = typeof name === "string" && typeof message === "string";
    return failed(isError ? name : typeof error, isError ? message : inspect(error), ownFrames(inspect(error)));
  } catch {
    return failed("Error", "something was thrown that can't be read");
  }
}

function ownFrames(text: string): string {
  const foreign = (line: string) => line.includes(import.meta.url) || line.includes("node:internal/");
  return text
    .split("\n")
    .filter((line) => !foreign(line))
    .join("\n")
    .slice(0, MAX_TEXT);
}

function failed(type: string, message: string, text?: string): Failure {
  const cut = message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1).toWellFormed()}…`;
  return { type: type.slice(0, MAX_MESSAGE), message: cut, ...(text === undefined ? {} : { text }) };
}
