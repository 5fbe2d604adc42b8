import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { onTestFinished } from "vitest";
import { stubServer } from "./stub-server.ts";

type Configuration = { [field: string]: unknown; Version: string; CodeSha256: string; RevisionId: string };
type StubAlias = {
  Name: string;
  AliasArn: string;
  FunctionVersion: string;
  RevisionId: string;
  Description: string;
  RoutingConfig?: { AdditionalVersionWeights: Record<string, number> };
};
type StubFunction = {
  latest: Configuration;
  versions: Configuration[];
  aliases: Map<string, StubAlias>;
  outcomes: Map<string, Fields>;
  next: number;
};
type Asked = { operation: string; functionName: string; name: string; query: URLSearchParams; body: Fields };
type Fields = Record<string, unknown>;
type Answer = { status: number; body?: unknown; errorType?: string; message?: string };

export type LambdaControlStub = Awaited<ReturnType<typeof lambdaControlStub>>;

const PREFIX = "arn:aws:lambda:eu-west-1:123456789012:function:";

export function functionArn(name: string): string {
  return PREFIX + name;
}

/**
 * A server that speaks the protocol of Lambda's control plane, and takes asynchronous invocations: revisions of aliases
 * and of functions, versions that are made only of what has changed, pages of two, errors as Lambda names them.
 */
export async function lambdaControlStub() {
  const functions = new Map<string, StubFunction>();
  const counts: Record<string, number> = {};
  const faults = new Map<string, Answer[]>();
  const invocations: { functionName: string; type: string | undefined; payload: unknown }[] = [];
  const losing = new Set<string>();
  let quota = { ConcurrentExecutions: 1_000, UnreservedConcurrentExecutions: 1_000 };
  const running = new Map<string, (payload: unknown) => Promise<unknown>>();
  let before: ((operation: string) => void) | undefined;

  /** Uploads code; the function is made if there is none. */
  function upload(name: string, code: string, settings: Fields = {}, hash = sha256(code)): void {
    const earlier = functions.get(name);
    const latest: Configuration = {
      ...(earlier?.latest ?? {
        FunctionName: name,
        FunctionArn: functionArn(name),
        Runtime: "nodejs24.x",
        Timeout: 30,
      }),
      ...settings,
      Version: "$LATEST",
      CodeSha256: hash,
      LastModified: "2026-11-20T10:00:00.000+0000",
      Description: "",
      RevisionId: randomUUID(),
      State: "Active",
      LastUpdateStatus: "Successful",
    };
    if (earlier === undefined)
      functions.set(name, { latest, versions: [], aliases: new Map(), outcomes: new Map(), next: 1 });
    else earlier.latest = latest;
  }

  function publish(of: StubFunction, { CodeSha256, RevisionId, Description }: Fields): Answer {
    const { latest, versions } = of;
    if (CodeSha256 !== undefined && CodeSha256 !== latest.CodeSha256) {
      const message = `CodeSHA256 (${CodeSha256}) is different from current CodeSHA256 in $LATEST (${latest.CodeSha256}). Please try again with the CodeSHA256 in $LATEST.`;
      return { status: 400, errorType: "InvalidParameterValueException", message };
    }
    if (RevisionId !== undefined && RevisionId !== latest.RevisionId) return preconditionFailed;
    const newest = versions.at(-1);
    if (newest !== undefined && sameBuild(newest, latest)) return { status: 201, body: newest };
    const Version = String(of.next);
    of.next += 1;
    const FunctionArn = `${latest.FunctionArn}:${Version}`;
    const published = { ...latest, Version, FunctionArn, RevisionId: randomUUID(), Description: Description ?? "" };
    versions.push(published);
    return { status: 201, body: published };
  }

  function deleteFunction(of: StubFunction, name: string, version: string | null): Answer {
    if (version === null) functions.delete(name);
    else if ([...of.aliases.values()].some((alias) => pointsAt(alias, version))) {
      const message = `Version ${version} has one or more aliases that reference it.`;
      return { status: 409, errorType: "ResourceConflictException", message };
    } else if (!hasVersion(of, version)) return notFound(`Function not found: ${functionArn(name)}:${version}`);
    else of.versions = of.versions.filter((one) => one.Version !== version);
    return { status: 204 };
  }

  function saveAlias(of: StubFunction, { operation, functionName, name, body }: Asked): Answer {
    const Name = operation === "CreateAlias" ? String(body.Name) : name;
    const earlier = of.aliases.get(Name);
    const AliasArn = `${functionArn(functionName)}:${Name}`;
    if (operation === "CreateAlias" && earlier !== undefined) {
      return { status: 409, errorType: "ResourceConflictException", message: `Alias already exists: ${AliasArn}` };
    }
    if (operation === "UpdateAlias" && earlier === undefined) return notFound(`Cannot find alias arn: ${AliasArn}`);
    const FunctionVersion = String(body.FunctionVersion ?? earlier?.FunctionVersion);
    if (!hasVersion(of, FunctionVersion)) {
      return notFound(`Function not found: ${functionArn(functionName)}:${FunctionVersion}`);
    }
    if (body.RevisionId !== undefined && body.RevisionId !== earlier?.RevisionId) return preconditionFailed;
    const made = { Name, AliasArn, FunctionVersion, RevisionId: randomUUID(), Description: "" };
    of.aliases.set(Name, { ...earlier, ...made });
    return { status: operation === "CreateAlias" ? 201 : 200, body: of.aliases.get(Name) };
  }

  function answer(asked: Asked): Answer {
    const { operation, functionName, name, query, body } = asked;
    if (operation === "GetAccountSettings") return ok({ AccountLimit: quota });
    const of = functions.get(functionName);
    if (of === undefined) return notFound(`Function not found: ${functionArn(functionName)}`);
    switch (operation) {
      case "GetFunctionConfiguration": {
        const asked = query.get("Qualifier") ?? "$LATEST";
        const qualifier = of.aliases.get(asked)?.FunctionVersion ?? asked;
        const found = [of.latest, ...of.versions].find(({ Version }) => Version === qualifier);
        return found === undefined
          ? notFound(`Function not found: ${functionArn(functionName)}:${qualifier}`)
          : ok(found);
      }
      case "GetFunctionEventInvokeConfig": {
        const config = of.outcomes.get(query.get("Qualifier") ?? "");
        return config === undefined ? notFound("The function doesn't have an EventInvokeConfig") : ok(config);
      }
      case "ListVersionsByFunction":
        return ok(paged("Versions", [of.latest, ...of.versions], query));
      case "PublishVersion":
        return publish(of, body);
      case "DeleteFunction":
        return deleteFunction(of, functionName, query.get("Qualifier"));
      case "ListAliases":
        return ok(paged("Aliases", [...of.aliases.values()], query));
      case "GetAlias": {
        const alias = of.aliases.get(name);
        return alias === undefined
          ? notFound(`Cannot find alias arn: ${functionArn(functionName)}:${name}`)
          : ok(alias);
      }
      case "CreateAlias":
      case "UpdateAlias":
        return saveAlias(of, asked);
      default:
        return { status: 404, errorType: "UnknownOperationException", message: operation };
    }
  }

  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const text = await textOf(request);
      const asked = askedOf(request, text);
      counts[asked.operation] = (counts[asked.operation] ?? 0) + 1;
      before?.(asked.operation);
      let answered = faults.get(asked.operation)?.shift() ?? faults.get("*")?.shift();
      const run = asked.operation === "Invoke" ? running.get(asked.functionName) : undefined;
      if (answered === undefined && run !== undefined) answered = ok(await run(asked.body));
      if (answered === undefined && asked.operation === "Invoke") {
        const type = request.headers["x-amz-invocation-type"]?.toString();
        invocations.push({ functionName: asked.functionName, type, payload: asked.body });
        const alias = functions.get(asked.functionName)?.aliases.get(asked.query.get("Qualifier") ?? "");
        if (alias !== undefined) response.setHeader("x-amz-executed-version", alias.FunctionVersion);
        answered = type === "Event" ? { status: 202 } : { status: 200, body: null };
      }
      const { status, body, errorType, message } = answered ?? answer(asked);
      if (losing.delete(asked.operation)) return void response.destroy();
      response.writeHead(status, {
        "content-type": "application/json",
        ...(errorType === undefined ? {} : { "x-amzn-errortype": errorType }),
      });
      const content = errorType === undefined ? body : { Type: "User", message: message ?? "injected" };
      response.end(content === undefined ? "" : JSON.stringify(content));
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  return {
    endpoint,
    counts,
    invocations,
    upload,
    /** The account's concurrent executions, and those that no function has for itself. */
    setQuota(ConcurrentExecutions: number, UnreservedConcurrentExecutions = ConcurrentExecutions): void {
      quota = { ConcurrentExecutions, UnreservedConcurrentExecutions };
    },
    /** Calls this when the function is invoked; others only note it. */
    run(name: string, handler: (payload: unknown) => Promise<unknown>): void {
      upload(name, name);
      running.set(name, handler);
    },
    /** Uploads and publishes, as others' tools do. Returns the version. */
    release(name: string, code: string): string {
      upload(name, code);
      const of = functionNamed(name);
      publish(of, {});
      return of.versions.at(-1)?.Version ?? "";
    },
    /** Points an alias at a version behind Turnout's back, or shares it out. */
    point(name: string, alias: string, version: string, weights?: Record<string, number>): void {
      const AliasArn = `${functionArn(name)}:${alias}`;
      const made = { Name: alias, AliasArn, FunctionVersion: version, RevisionId: randomUUID(), Description: "" };
      const shared = weights === undefined ? {} : { RoutingConfig: { AdditionalVersionWeights: weights } };
      functionNamed(name).aliases.set(alias, { ...made, ...shared });
    },
    /** Configures asynchronous invocations of an alias. */
    configure: (name: string, alias: string, config: Fields) => void functionNamed(name).outcomes.set(alias, config),
    aliasesOf: (name: string) =>
      Object.fromEntries([...functionNamed(name).aliases.values()].map((alias) => [alias.Name, alias.FunctionVersion])),
    versionsOf: (name: string) => functionNamed(name).versions.map(({ Version }) => Version),
    has: (name: string) => functions.has(name),
    /** The next requests of an operation (`*`: of any) get these answers instead. */
    fail(operation: string, ...answers: Answer[]): void {
      faults.set(operation, [...(faults.get(operation) ?? []), ...answers]);
    },
    /** The next answer to this operation is lost, after it was served. */
    loseAnswer: (operation: string) => void losing.add(operation),
    /** Calls this before every answer. */
    onRequest(call: (operation: string) => void): void {
      before = call;
    },
  };

  function functionNamed(name: string): StubFunction {
    const of = functions.get(name);
    if (of === undefined) throw new Error(`the stub has no function ${name}`);
    return of;
  }
}

export const throttledAnswer: Answer = { status: 429, errorType: "TooManyRequestsException", message: "Rate exceeded" };

/** As IAM says it. */
export function deniedAnswer(action: string, resource: string): Answer {
  const message = `User: arn:aws:sts::123456789012:assumed-role/Viewer/ada is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
  return { status: 403, errorType: "AccessDeniedException", message };
}

/** The real client, which tries again as the environment's does, but without much waiting. */
export function lambdaControlClient(endpoint: string, region = "eu-west-1"): LambdaClient {
  const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
  const client = new LambdaClient({ endpoint, region, credentials, maxAttempts: 3 });
  onTestFinished(() => client.destroy());
  return client;
}

const preconditionFailed: Answer = {
  status: 412,
  errorType: "PreconditionFailedException",
  message: "The RevisionId provided does not match the latest RevisionId.",
};

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function notFound(message: string): Answer {
  return { status: 404, errorType: "ResourceNotFoundException", message };
}

function hasVersion(of: StubFunction, version: string): boolean {
  return of.versions.some(({ Version }) => Version === version);
}

function pointsAt({ FunctionVersion, RoutingConfig }: StubAlias, version: string): boolean {
  return FunctionVersion === version || version in (RoutingConfig?.AdditionalVersionWeights ?? {});
}

/** Whether nothing has changed that a version is made of. */
function sameBuild(a: Configuration, b: Configuration): boolean {
  const build = ({ CodeSha256, Runtime, Timeout, Environment, MemorySize }: Configuration) =>
    JSON.stringify({ CodeSha256, Runtime, Timeout, Environment, MemorySize });
  return build(a) === build(b);
}

function paged(field: string, all: readonly unknown[], query: URLSearchParams): object {
  const first = Number(query.get("Marker") ?? 0);
  const next = first + 2;
  return { [field]: all.slice(first, next), ...(next < all.length ? { NextMarker: String(next) } : {}) };
}

function askedOf({ method, url = "" }: IncomingMessage, text: string): Asked {
  const { pathname, searchParams: query } = new URL(url, "http://lambda");
  const [, , , arn = "", what, name = ""] = pathname.split("/").map(decodeURIComponent);
  const operations: Record<string, string> = {
    "GET versions": "ListVersionsByFunction",
    "POST versions": "PublishVersion",
    "GET aliases": name === "" ? "ListAliases" : "GetAlias",
    "POST aliases": "CreateAlias",
    "PUT aliases": "UpdateAlias",
    "GET configuration": "GetFunctionConfiguration",
    "GET event-invoke-config": "GetFunctionEventInvokeConfig",
    "POST invocations": "Invoke",
    "DELETE ": "DeleteFunction",
  };
  const isAccount = pathname.endsWith("/account-settings");
  const operation = isAccount
    ? "GetAccountSettings"
    : (operations[`${method} ${what ?? ""}`] ?? `${method} ${pathname}`);
  const body = text === "" ? {} : (JSON.parse(text) as Fields);
  return { operation, functionName: arn.replace(PREFIX, ""), name, query, body };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}
