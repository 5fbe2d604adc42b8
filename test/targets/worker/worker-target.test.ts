import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { deliveryRemedy } from "../../../shared/domain/deliveries/delivery-remedy.ts";
import { type AboutSend, aWorkerTarget, type Code } from "./versions-in-folders.ts";

describe("an event that a worker is sent", () => {
  it("reaches the handler, with a context as on Lambda", async () => {
    const { publish, send, told } = aWorkerTarget();
    publish("7", "export const handler = async (event, context) => tell(JSON.stringify([event, context]));");
    const event = { id: "e-1", detail: { text: "ü€😀", n: 1.5 } };
    const result = await send({ event, alias: "stable", requestId: "r-1", worker: { memoryMb: 256 } });
    expect(result).toEqual({ outcome: "done", executedVersion: "7", durationMs: expect.any(Number) });
    expect(JSON.parse(told()[0] ?? "")).toEqual([
      event,
      {
        callbackWaitsForEmptyEventLoop: false,
        functionName: "example-consumer",
        functionVersion: "7",
        invokedFunctionArn: "arn:aws:lambda:local:000000000000:function:example-consumer:stable",
        memoryLimitInMB: "256",
        awsRequestId: "r-1",
        logGroupName: "/turnout/example-consumer",
        logStreamName: "7",
      },
    ]);
  });

  it("can be asked how much time is left", async () => {
    const { publish, send, told } = aWorkerTarget();
    publish("1", "export const handler = async (_, context) => tell(String(context.getRemainingTimeInMillis()));");
    await send({ timeoutMs: 5_000 });
    expect(told()).toEqual([expect.stringMatching(/^\d{1,4}$/)]);
    expect(Number(told()[0])).toBeLessThan(5_000);
  });

  it("is seen with the component's environment and little else", async () => {
    const { publish, send, told } = aWorkerTarget();
    publish("7", "export const handler = async () => tell(JSON.stringify(process.env));");
    await send({
      worker: { environment: { COLOUR: "blue", AWS_LAMBDA_FUNCTION_NAME: "mine", AWS_REGION: "eu-west-1" } },
    });
    const { PATH, TZ, ...seen } = JSON.parse(told()[0] ?? "");
    expect([PATH, TZ]).toEqual([process.env.PATH, process.env.TZ]);
    expect(seen).toEqual({
      TOLD: expect.any(String),
      NODE_COMPILE_CACHE: expect.any(String),
      COLOUR: "blue",
      AWS_REGION: "eu-west-1",
      AWS_LAMBDA_FUNCTION_NAME: "example-consumer",
      AWS_LAMBDA_FUNCTION_VERSION: "7",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
    });
  });

  it("leaves the host's environment, flags and arguments alone", async () => {
    const { publish, send, told } = aWorkerTarget();
    publish(
      "1",
      `export const handler = async () => {
        process.env.LEAKED = "yes";
        tell(JSON.stringify([process.execArgv, process.argv.slice(2), process.env.AWS_REGION]));
      };`,
    );
    await send();
    expect(told()).toEqual(['[[],[],"local"]']);
    expect(process.env.LEAKED).toBeUndefined();
  });

  it.each<[string, Code, string?]>([
    ["a plain function", "export function handler() { return 1; }"],
    ["TypeScript", { "index.ts": "export const handler = async (event: { id: string }): Promise<void> => {};" }],
    [
      "TypeScript that imports",
      { "index.mts": 'export * from "./a.ts"', "a.ts": "export const handler = (): number => 1" },
    ],
    ["CommonJS", { "index.cjs": "module['exports'] = { ['hand' + 'ler']: async () => 1 };" }],
    ["CommonJS without a package.json", { "index.js": "exports.handler = async () => require('node:fs') && 1;" }],
    ["a module in a folder", { "src/app/main.mjs": "export const go = async () => 1;" }, "src/app/main.go"],
    [
      "a nested export",
      { "index.mjs": "export const api = { v1: { handler: async () => 1 } };" },
      "index.api.v1.handler",
    ],
  ])("is handled by %s", async (_, code, handler = "index.handler") => {
    const { publish, send } = aWorkerTarget();
    publish("1", code, { handler });
    expect(await send()).toMatchObject({ outcome: "done", executedVersion: "1" });
  });
});

describe("an invocation fails", () => {
  const throwing = "export const handler = async ({ run }) => { if (run) return (0, eval)(run)(); };";
  const limit = 6_291_556;

  // One host for all of them: it is as the one before has left it.
  const finishing: (() => Promise<void> | void)[] = [];
  const shared = aWorkerTarget({}, (then) => finishing.unshift(then));
  afterAll(async () => {
    for (const finish of finishing) await finish();
  });
  shared.publish("1", throwing);

  it.each<[string, run: string, type: string, message: string | RegExp, about?: AboutSend]>([
    ["when the handler throws", "() => { throw new TypeError('no'); }", "TypeError", "no"],
    ["when it rejects", "async () => { throw Object.assign(new Error('no'), { name: 'Mine' }); }", "Mine", "no"],
    ["when it throws text", "() => { throw 'no'; }", "string", "'no'"],
    ["when it throws nothing", "() => { throw undefined; }", "undefined", "undefined"],
    [
      "when it throws what can't be read",
      "() => { throw { get name() { throw new Error('again'); } }; }",
      "Error",
      /can't be read/,
    ],
    ["when the code calls process.exit", "() => process.exit(3)", "Runtime.ExitError", /exit code 3$/],
    ["when it calls it without an error", "() => process.exit()", "Runtime.ExitError", /exit code 0$/],
    [
      "when nobody handles a rejection",
      "() => { Promise.reject(new RangeError('lost')); return 'fine'; }",
      "Runtime.UnhandledPromiseRejection",
      "RangeError: lost",
    ],
    [
      "when a timer throws",
      "() => new Promise(() => setTimeout(() => { throw new RangeError('late'); }, 1))",
      "RangeError",
      "late",
    ],
    [
      "at its time limit",
      "() => new Promise(() => {})",
      "Sandbox.Timedout",
      "Task timed out after 0.10 seconds",
      { timeoutMs: 100 },
    ],
    [
      "at its time limit in an endless loop",
      "() => { for (;;); }",
      "Sandbox.Timedout",
      /0\.10 seconds/,
      { timeoutMs: 100 },
    ],
    ["when a thread aborts", "() => process.abort()", "TypeError", /not supported in workers/],
    ["when the response can't be JSON", "() => 1n", "Runtime.MarshalError", /BigInt/],
    ["when the response is a circle", "() => { const a = {}; a.a = a; return a; }", "Runtime.MarshalError", /circular/],
    [
      "when the response is too large",
      `() => 'x'.repeat(${limit - 1})`,
      "Function.ResponseSizeTooLarge",
      `the response has ${limit + 1} bytes; at most ${limit} are allowed`,
    ],
    [
      "when its bytes are too many",
      "() => '€'.repeat(2_097_200)",
      "Function.ResponseSizeTooLarge",
      /has 6291602 bytes/,
    ],
    [
      "when it needs too much memory",
      "async () => { const kept = []; for (;;) kept.push(await new Array(10_000).fill(1)); }",
      "Runtime.OutOfMemory",
      /more memory was used than the 16 MB/,
      { worker: { memoryMb: 16 } },
    ],
    [
      "when a Map outgrows the memory",
      "async () => { const kept = new Map(); for (;;) kept.set(kept.size, await { n: kept.size }); }",
      "Runtime.OutOfMemory",
      /Give the component more/,
      { worker: { memoryMb: 16 } },
    ],
  ])("%s, and the next event finds a thread that works", async (_, run, type, message, about) => {
    const { send } = shared;
    const text = typeof message === "string" ? message : expect.stringMatching(message);
    expect(await send({ event: { run }, ...about })).toMatchObject({
      outcome: "failed",
      error: { type, message: text },
      executedVersion: "1",
      durationMs: expect.any(Number),
    });
    expect(await send({ worker: about?.worker ?? {} })).toMatchObject({ outcome: "done" });
  });

  it("never for a response of the largest size, or of none", async () => {
    const { publish, send } = aWorkerTarget();
    publish("1", throwing);
    for (const run of [`() => 'x'.repeat(${limit - 2})`, "() => undefined", "() => () => 1", "() => Symbol()"]) {
      expect(await send({ event: { run } })).toMatchObject({ outcome: "done" });
    }
  });

  it("an invocation fails with a message that is cut short, and told in full in the log", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish("1", throwing);
    const result = await send({
      event: { run: "() => { throw new Error('x'.repeat(1000), { cause: new Error('why') }); }" },
    });
    expect(result).toMatchObject({ error: { message: `${"x".repeat(299)}…` } });
    await target.close();
    expect(log("1")).toContain(`request-1 Error: ${"x".repeat(1000)}`);
    expect(log("1")).toMatch(/request-1 .*\[cause\]: Error: why/);
    expect(log("1")).not.toContain("worker-thread.ts");
  });
});

it("the log of an event that fails ends with what it threw, after all that it has printed", async () => {
  const { publish, send, target, log } = aWorkerTarget();
  const printing = "for (let n = 0; n < 5; n++) console.log('step', n); console.error('gives up');";
  publish("1", `export const handler = async () => { ${printing} throw new Error("no"); };`);
  for (let n = 0; n < 10; n++) expect(await send({})).toMatchObject({ outcome: "failed" });
  await target.close();
  const said = [...log("1").matchAll(/ (step \d|gives up|Error: no)$/gm)].map(([, text]) => text);
  expect(said).toHaveLength(70);
  for (let n = 0; n < 10; n++) expect(said.slice(n * 7, n * 7 + 7).at(-1)).toBe("Error: no");
});

describe("code that can't be loaded fails the event", () => {
  it.each<[string, Code, type: string, message: RegExp, handler?: string]>([
    [
      "without its module",
      { "other.mjs": "" },
      "Runtime.ImportModuleError",
      /has none of index\.js, index\.mjs, .*publish it again/,
    ],
    ["when an import is missing", "import 'nowhere';", "Runtime.ImportModuleError", /nowhere/],
    ["when a require is missing", { "index.cjs": "require('nowhere')" }, "Runtime.ImportModuleError", /nowhere/],
    [
      "for a syntax error",
      "export const = 1;",
      "Runtime.UserCodeSyntaxError",
      /Unexpected token.*index\.mjs or what it imports/,
    ],
    ["for one in CommonJS", { "index.cjs": "const = 1;" }, "Runtime.UserCodeSyntaxError", /Unexpected token/],
    ["for one in TypeScript", { "index.ts": "const a: = 1;" }, "Runtime.UserCodeSyntaxError", /./],
    ["for TypeScript that has to be compiled", { "index.ts": "enum A { B }" }, "Runtime.UserCodeSyntaxError", /enum/],
    ["without the export", "export const other = 1;", "Runtime.HandlerNotFound", /index\.handler is not exported/],
    ["when it's no function", "export const handler = {};", "Runtime.HandlerNotFound", /not a function/],
    [
      "when it's nothing",
      "export const handler = null;",
      "Runtime.HandlerNotFound",
      /not exported/,
      "index.handler.deep",
    ],
    ["when it's no handler", "", "Runtime.MalformedHandlerName", /is not a handler/, "index"],
    [
      "when it takes a callback",
      "export const handler = (event, context, callback) => callback(null, 1);",
      "Runtime.CallbackHandlerDeprecated",
      /async function of \(event, context\)/,
    ],
    ["when the module throws", "throw new RangeError('no');", "RangeError", /^no$/],
    ["when the module ends the process", "process.exit(4);", "Runtime.ExitError", /exit code 4/],
    [
      "when the module waits for nothing",
      "await new Promise(() => {});",
      "Runtime.ExitError",
      /exit code 13: an await/,
    ],
    [
      "when the module rejects",
      "Promise.reject(new Error('no')); await until('x');",
      "Runtime.UnhandledPromiseRejection",
      /no/,
    ],
  ])("%s", async (_, code, type, message, handler = "index.handler") => {
    const { publish, send } = aWorkerTarget();
    publish("1", code, { handler });
    expect(await send()).toEqual({
      outcome: "failed",
      error: { type, message: expect.stringMatching(message) },
      executedVersion: "1",
      durationMs: 0,
    });
  });

  it("code that can't be loaded fails the event when the module takes too long", async () => {
    const { publish, send } = aWorkerTarget({ initTimeoutMs: 300 });
    publish("1", "setInterval(() => {}, 1e6); await new Promise(() => {});");
    const error = { type: "Sandbox.Timedout", message: "Init timed out after 0.30 seconds" };
    expect(await send()).toMatchObject({ outcome: "failed", error });
  });

  it("and every event that waited, but not the next one once it can", async () => {
    const { publish, send, open } = aWorkerTarget();
    publish("1", "if (!open('repaired')) throw new Error('not yet'); export const handler = async () => 1;");
    const worker = { concurrency: 2 };
    const results = await Promise.all(Array.from({ length: 5 }, () => send({ worker })));
    expect(results).toEqual(Array(5).fill(expect.objectContaining({ error: { type: "Error", message: "not yet" } })));
    open("repaired");
    expect(await send({ worker })).toMatchObject({ outcome: "done" });
  });

  it("code that can't be loaded fails the event also where its process doesn't start, and the log says why", async () => {
    const { publish, send, untilLogged } = aWorkerTarget();
    publish("1", "export const handler = async () => 1;");
    const worker = { environment: { NODE_OPTIONS: "--no-such-option" } };
    expect(await send({ worker })).toMatchObject({ outcome: "failed", error: { type: "Runtime.ExitError" } });
    await untilLogged("1", "--no-such-option");
  });

  it("code that can't be loaded fails the event when the code isn't what was published any more", async () => {
    const { publish, send, folder, digested, told } = aWorkerTarget();
    publish("1", "export const handler = async () => tell('ran');");
    await digested();
    appendFileSync(join(folder("1"), "index.mjs"), "// and one more line");
    expect(await send()).toMatchObject({ outcome: "failed", error: { type: "Runtime.CodeChanged" } });
    expect(told()).toEqual([]);
  });
});

describe("what has no version to run", () => {
  it("fails, and it is told that a version is to be published", async () => {
    const { send } = aWorkerTarget();
    const error = { type: "NoVersion", message: "there is no version behind alias 'beta' of example-consumer" };
    expect(await send({ alias: "beta" })).toEqual({ outcome: "failed", error, durationMs: 0 });
    const [component, alias] = ["example-consumer", "beta"];
    expect(deliveryRemedy({ component, alias, error })).toEqual({ operation: "publish version", component, alias });
  });

  it("fails when it can't be looked up, or the target is of another kind", async () => {
    const { send } = aWorkerTarget({
      resolve: () => {
        throw new Error("disk");
      },
    });
    expect(await send()).toMatchObject({ outcome: "failed", error: { type: "VersionLookupFailed", message: /disk/ } });
    const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:x";
    expect(await send({ address: { kind: "lambda", functionArn } })).toMatchObject({ error: { type: "WrongTarget" } });
  });
});
