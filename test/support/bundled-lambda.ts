import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import type { BundledCode } from "./bundled-code.ts";
import type { Answered, Call } from "./bundled-function.ts";
import { type Asked, forwarder, textOf, tokenOf, type Watch } from "./bundled-wire.ts";
import { functionArn, type LambdaControlStub } from "./lambda-control-stub.ts";
import { stubServer } from "./stub-server.ts";

const RUNNER = new URL("./bundled-function.ts", import.meta.url);

/** Lambda's longest timeout. */
const TIMEOUT_MS = 900_000;

/** What a version of a component was called with. */
export type VersionCall = {
  functionName: string;
  qualifier: string | null;
  type: string | undefined;
  version: string;
  /** The event as the version got it, with Turnout's own field. */
  event: Delivered;
};

export type Delivered = {
  id: string;
  detail: Record<string, unknown>;
  turnout: {
    alias: string;
    because: string;
    idempotencyKey: string;
    generation: string;
    attempt: number;
    replay: string | null;
  };
};

/** Undefined: it went well. */
export type VersionAnswer = { errorType: string; errorMessage: string } | undefined;

export type AboutLambda = {
  code: BundledCode;
  control: LambdaControlStub;
  /** Environment variables of an entry's function, endpoints included. */
  variablesOf: (entry: string) => Record<string, string>;
  /** What a version does with an event. */
  run: (call: VersionCall) => VersionAnswer;
  /** Takes records for the destination of asynchronous invocations. */
  tell: (record: object) => Promise<unknown>;
  clockAheadMs: () => number;
  watch: Watch;
};

type Environment = { token: string; process: ChildProcess; logs: () => string };

/** Turnout's function of an entry file, as an environment `prod` has it. */
function functionOf(entry: string): string {
  return `prod-turnout-${entry}`;
}

/**
 * Lambda: runs Turnout's bundles, each invocation in an environment that has nothing else to do, and plays the versions of
 * components. Its endpoint takes invocations of both; the control plane behind it says which versions aliases point at.
 */
export async function bundledLambda(about: AboutLambda) {
  const { code, control, variablesOf, run, tell, clockAheadMs, watch } = about;
  const idle = new Map<string, Environment[]>();
  const busy = new Map<string, Environment>();
  const asynchronous = new Set<Promise<unknown>>();
  const calls: VersionCall[] = [];
  const late: string[] = [];
  const started: Environment[] = [];
  let invocations = 0;

  function start(entry: string): Environment {
    const token = `${entry}/${started.length + 1}`;
    const functionName = functionOf(entry);
    const env = {
      PATH: process.env.PATH,
      // They are started by the dozen.
      NODE_COMPILE_CACHE: code.compiled,
      AWS_LAMBDA_FUNCTION_NAME: functionName,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "1024",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "turnout",
      AWS_SECRET_ACCESS_KEY: "turnout",
      // Each environment has its own, by which a request's sender is known.
      AWS_SESSION_TOKEN: token,
      ...variablesOf(entry),
    };
    const file = code.entries.get(entry)?.file;
    if (file === undefined) throw new Error(`there is no bundle ${entry}`);
    const child = fork(RUNNER, [file], { env, execArgv: [], stdio: ["ignore", "pipe", "pipe", "ipc"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    let logs = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (logs += chunk));
    const environment = { token, process: child, logs: () => logs };
    started.push(environment);
    return environment;
  }

  /**
   * Runs an invocation and waits for its answer.
   * @throws the function's error, or that its process has ended
   */
  async function invoke(entry: string, event: unknown): Promise<unknown> {
    const environment = idle.get(entry)?.pop() ?? start(entry);
    const { process: child, token, logs } = environment;
    busy.set(token, environment);
    const id = ++invocations;
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const ended = () => reject(new Error(`${entry} ended before it answered:\n${logs()}`));
    const answered = (answer: Answered) => answer.id === id && resolve(answer);
    child.once("exit", ended).on("message", answered);
    const call: Call = {
      id,
      event,
      functionName: functionOf(entry),
      timeoutMs: TIMEOUT_MS,
      clockAheadMs: clockAheadMs(),
    };
    child.send(call, (error) => error && reject(error));
    try {
      const answer = await promise;
      idle.set(entry, [...(idle.get(entry) ?? []), environment]);
      if ("payload" in answer) return answer.payload;
      throw Object.assign(new Error(answer.error.errorMessage), { name: answer.error.errorType });
    } finally {
      busy.delete(token);
      child.off("exit", ended).off("message", answered);
    }
  }

  /** Lambda freezes an environment that has answered: what it has left behind may never be done. */
  function watched(asked: Asked, moment: "arrived" | "served"): ReturnType<Watch> {
    const { token, operation } = asked;
    const [entry = ""] = token.split("/");
    // One that was killed may have asked before.
    if (moment === "arrived" && idle.get(entry)?.some((one) => one.token === token))
      late.push(`${operation} of ${token}`);
    return watch(asked, moment);
  }

  /** A version's call, or undefined where the alias isn't there. */
  function callOf(functionName: string, qualifier: string | null, type: string | undefined, payload: string) {
    const version = control.has(functionName) ? control.aliasesOf(functionName)[qualifier ?? ""] : undefined;
    if (version === undefined) return undefined;
    const call: VersionCall = { functionName, qualifier, type, version, event: JSON.parse(payload) };
    calls.push(call);
    return call;
  }

  /** As Lambda tells a destination. */
  async function tellOutcome(call: VersionCall): Promise<void> {
    const error = run(call);
    await tell({
      version: "1.0",
      timestamp: new Date(Date.now() + clockAheadMs()).toISOString(),
      requestContext: {
        requestId: randomUUID(),
        functionArn: `${functionArn(call.functionName)}:${call.qualifier}`,
        condition: error === undefined ? "Success" : "RetriesExhausted",
        approximateInvokeCount: 1,
      },
      requestPayload: call.event,
      responseContext: {
        statusCode: 200,
        executedVersion: call.version,
        ...(error === undefined ? {} : { functionError: "Unhandled" }),
      },
      responsePayload: error ?? null,
    });
  }

  function later(work: Promise<unknown>): void {
    const noted = work.finally(() => asynchronous.delete(noted));
    noted.catch(() => {});
    asynchronous.add(noted);
  }

  const forward = forwarder(control.endpoint);
  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const body = await textOf(request);
      const url = new URL(request.url ?? "", "http://lambda");
      const [, , , arn = "", what = "", name] = url.pathname.split("/").map(decodeURIComponent);
      const operation = what === "invocations" ? "Invoke" : `${request.method} ${what}${name === undefined ? "" : "/"}`;
      const asked = { token: tokenOf(request), operation };
      if (watched(asked, "arrived") === "lost") return void response.destroy();
      if (operation !== "Invoke") {
        const answer = await forward(request, body);
        if (watched(asked, "served") === "lost") return void response.destroy();
        return answer.to(response);
      }
      const functionName = arn.split(":").at(-1) ?? "";
      const type = request.headers["x-amz-invocation-type"]?.toString();
      const entry = [...code.entries.keys()].find((known) => functionOf(known) === functionName);
      if (entry !== undefined && type === "Event") {
        later(invoke(entry, JSON.parse(body)));
        return void response.writeHead(202).end();
      }
      if (entry !== undefined) {
        const payload = await invoke(entry, JSON.parse(body));
        return void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(payload));
      }
      const call = callOf(functionName, url.searchParams.get("Qualifier"), type, body);
      if (call === undefined) return refuse(response, functionName);
      if (type === "Event") {
        later(tellOutcome(call));
        return void response.writeHead(202).end();
      }
      const error = run(call);
      if (watched(asked, "served") === "lost") return void response.destroy();
      response.writeHead(200, {
        "content-type": "application/json",
        "x-amz-executed-version": call.version,
        ...(error === undefined ? {} : { "x-amz-function-error": "Unhandled" }),
      });
      response.end(JSON.stringify(error ?? null));
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  return {
    endpoint,
    calls,
    invoke,
    watched,
    /** Requests of environments that had answered already. */
    late,
    /** Waits until what was called asynchronously has ended. @throws its errors */
    async settled(): Promise<void> {
      while (asynchronous.size > 0) await Promise.all(asynchronous);
    },
    /** Ends the environment's process in the middle of what it does. */
    async kill(token: string): Promise<void> {
      const child = busy.get(token)?.process;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
    /** What was logged by all environments there have been, but what they measured and told of each delivery. */
    logs: () => linesOf(started, (line) => !isMetric(line) && !isDelivery(line)).join("\n"),
    /** The line of each delivery. */
    deliveries: () => linesOf(started, isDelivery).map((line) => JSON.parse(line) as Record<string, unknown>),
    /** What they measured. */
    metrics: () => linesOf(started, isMetric).map((line) => JSON.parse(line) as Record<string, unknown>),
    /** Environments there have been of an entry. */
    startsOf: (entry: string) => started.filter(({ token }) => token.startsWith(`${entry}/`)).length,
  };
}

function linesOf(environments: readonly Environment[], isWanted: (line: string) => boolean): string[] {
  return environments.flatMap(({ logs }) => logs().split("\n")).filter((line) => line !== "" && isWanted(line));
}

function isMetric(line: string): boolean {
  return line.startsWith('{"_aws":');
}

function isDelivery(line: string): boolean {
  return line.startsWith('{"time":') && line.includes('"cloudevents.event_id":');
}

function refuse(response: ServerResponse, functionName: string): void {
  const headers = { "content-type": "application/json", "x-amzn-errortype": "ResourceNotFoundException" };
  const Message = `Function not found: ${functionArn(functionName)}`;
  response.writeHead(404, headers).end(JSON.stringify({ Type: "User", Message }));
}
