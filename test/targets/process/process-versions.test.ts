import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { hostsOf } from "../../support/host-processes.ts";
import { aWorkerTarget, eventually } from "../worker/versions-in-folders.ts";
import { aProgram, aWildProgram, entered } from "./runtime-client.ts";

const cleanUps: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

/** One version for many tests: what it does with an event stands in the event. */
const shared = aWorkerTarget({}, (cleanUp) => void cleanUps.push(cleanUp));
const RUN =
  "return await new (async () => {}).constructor('event', 'headers', 'tools', event.run)(event, headers, tools);";
const TOOLS = "const tools = { tell, until, post, next, idOf, forever, spawn, writeSync };";
shared.publish("1", aProgram(RUN, TOOLS), entered);

/** Has the version run this; `tools` has what it may use. */
const run = (code: string, about: Parameters<typeof shared.send>[0] = {}) =>
  shared.send({
    worker: { memoryMb: 256 },
    ...about,
    event: { run: `const { tell, until, post, next, idOf, forever, spawn } = tools; ${code}` },
  });

const timedOut = (seconds: string) => ({
  type: "Sandbox.Timedout",
  message: `Task timed out after ${seconds} seconds`,
});

describe("a command", () => {
  it("gets the event, its deadline and its ARN, and answers", async () => {
    const { publish, send, told } = aWorkerTarget();
    const say = `
      const left = Number(headers.get("lambda-runtime-deadline-ms")) - Date.now();
      tell(JSON.stringify([event, idOf(headers), left > 0 && left <= 20_000,
        headers.get("lambda-runtime-invoked-function-arn")]));`;
    publish("1", aProgram(say), entered);
    const of = { attempt: 2, eventId: "event 7/x#" };
    const result = await send({ event: { n: 7, é: "💥" }, requestId: "request-7", timeoutMs: 20_000, of });
    expect(result).toEqual({ outcome: "done", executedVersion: "1", durationMs: expect.any(Number) });
    const arn = "arn:aws:lambda:local:000000000000:function:example-consumer:stable";
    expect(told().map((line) => JSON.parse(line))).toEqual([[{ n: 7, é: "💥" }, "request-7", true, arn]]);
  });

  it("sees the component's environment and Lambda's, and nothing of the server's", async () => {
    const { publish, send, told, folder } = aWorkerTarget();
    vi.stubEnv("SERVER_SECRET", "no");
    onTestFinished(() => void vi.unstubAllEnvs());
    publish("1", aProgram("tell(JSON.stringify([process.env, process.cwd()]));"), entered);
    await send({ worker: { environment: { OWN: "yes", AWS_REGION: "eu-west-1" }, memoryMb: 200 } });
    const [environment, cwd] = JSON.parse(told()[0] ?? "");
    expect(cwd).toBe(folder("1"));
    expect(environment).toEqual({
      PATH: process.env.PATH,
      ...(process.env.TZ === undefined ? {} : { TZ: process.env.TZ }),
      TOLD: expect.any(String),
      NODE_COMPILE_CACHE: expect.any(String),
      OWN: "yes",
      AWS_REGION: "eu-west-1",
      AWS_LAMBDA_FUNCTION_NAME: "example-consumer",
      AWS_LAMBDA_FUNCTION_VERSION: "1",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "200",
      AWS_LAMBDA_RUNTIME_API: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: "/turnout/example-consumer",
      AWS_LAMBDA_LOG_STREAM_NAME: "1",
      LAMBDA_TASK_ROOT: folder("1"),
      PYTHONDONTWRITEBYTECODE: "1",
      PWD: folder("1"),
    });
  });

  it("runs as many processes as it may have events at once", async () => {
    const { publish, send, told, untilTold, open } = aWorkerTarget();
    publish("1", aProgram("tell(own); await until('gate');", "const own = Math.random();"), entered);
    const sends = [1, 2, 3].map(() => send({ worker: { concurrency: 2 } }));
    await untilTold(2);
    open("gate");
    expect(await Promise.all(sends)).toMatchObject([{ outcome: "done" }, { outcome: "done" }, { outcome: "done" }]);
    expect(new Set(told()).size).toBe(2);
  });

  it("that isn't there fails its events", async () => {
    const { publish, send } = aWorkerTarget();
    publish("1", { "version.json": '{"command":["./nowhere"]}' }, entered);
    const error = { type: "Runtime.InvalidEntrypoint", message: expect.stringMatching(/nowhere isn't there/) };
    expect(await send()).toMatchObject({ outcome: "failed", executedVersion: "1", error });
  });

  it.each([
    ["exits at once", "process.exit(3);", "Runtime.ExitError", "the process ended with exit code 3"],
    ["exits at once without a word", "process.exit(0);", "Runtime.ExitError", "the process ended with exit code 0"],
    ["kills itself", "process.kill(process.pid, 'SIGKILL');", "Runtime.ExitError", "the process ended by SIGKILL"],
    [
      "says that it can't begin",
      `await post("/init/error", JSON.stringify({ errorType: "NoDatabase", errorMessage: "there is none" }));`,
      "NoDatabase",
      "there is none",
    ],
    ["says that it can't begin, and not why", `await post("/init/error", "{");`, "Runtime.Unknown", "{"],
    [
      "never asks for an event",
      "await forever();",
      "Sandbox.Timedout",
      "Init timed out after 0.70 seconds: the process asked for no event",
      700,
    ],
  ])("that %s fails its events", async (_, top, type, message, initTimeoutMs = 300_000) => {
    const { publish, send } = aWorkerTarget({ initTimeoutMs });
    publish("1", aProgram("", top), entered);
    expect(await send()).toMatchObject({ outcome: "failed", executedVersion: "1", error: { type, message } });
  });
});

it("A process for which there is no port or descriptor left isn't started: its events are put off, and run once there is", async () => {
  const before = new Set(hostsOf(process.pid));
  const { publish, send } = aWorkerTarget();
  publish("1", aProgram("if (event.bad) process.exit(7);"), entered);
  expect(await send({ event: { bad: true } })).toMatchObject({ outcome: "failed" });
  const [host = 0] = hostsOf(process.pid).filter((pid) => !before.has(pid));
  const limit = (files: number) => execFileSync("prlimit", ["--pid", `${host}`, `--nofile=${files}:`]);
  limit(1);
  const error = { type: "Host.StartFailed", message: expect.stringContaining("EMFILE") };
  // For longer than it takes until the host next looks at its memory, which it can't either.
  const until = performance.now() + 200;
  while (performance.now() < until) expect(await send()).toEqual({ outcome: "throttled", error });
  limit(1_024);
  expect(await send()).toMatchObject({ outcome: "done" });
});

describe("what a process says", () => {
  it("fails the event in its own words, which the log has whole", async () => {
    const result = await run("throw new RangeError('too far');", { requestId: "request-range" });
    expect(result).toMatchObject({ outcome: "failed", error: { type: "RangeError", message: "too far" } });
    await shared.untilLogged("1", "request-range RangeError: too far");
    await shared.untilLogged("1", "request-range     at handle");
  });

  it("is the event's failure as far as it can be read", async () => {
    const post = (body: string, headers = "") =>
      run(`await post("/invocation/" + idOf(headers) + "/error", ${JSON.stringify(body)}, {${headers}});`);
    const header = `"lambda-runtime-function-error-type": "Extension.Worse"`;
    expect(await post("no JSON", header)).toMatchObject({ error: { type: "Extension.Worse", message: "no JSON" } });
    const odd = '{"errorType":7,"errorMessage":null,"stackTrace":{}}';
    expect(await post(odd)).toMatchObject({ error: { type: "Runtime.Unknown", message: odd } });
    expect(await run("")).toMatchObject({ outcome: "done" });
  });

  it("twice counts once: the second answer is refused", async () => {
    const twice = `
      const path = "/invocation/" + idOf(headers);
      await post(path + "/response", "1");
      for (const what of ["/error", "/response"]) {
        const second = await post(path + what, "{}");
        tell(second.status + " " + (await second.text()));
      }`;
    const before = shared.told().length;
    expect(await run(twice, { timeoutMs: 60_000 })).toMatchObject({ outcome: "done" });
    const refused = '400 {"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}';
    expect(shared.told().slice(before)).toEqual([refused, refused]);
  });

  it("of an event that it hasn't got is refused", async () => {
    const other = `tell((await post("/invocation/request-of-another/response", "1")).status); throw new Error("own");`;
    expect(await run(other)).toMatchObject({ outcome: "failed", error: { message: "own" } });
    expect(shared.told().at(-1)).toBe("400");
  });

  it("is refused where it asks for a next event before it has answered", async () => {
    const early = `
      const { event: body } = await next().catch(() => ({}));
      tell(JSON.stringify(body)); return 1;`;
    expect(await run(early)).toMatchObject({ outcome: "done" });
    const error = { errorType: "InvalidStateTransition", errorMessage: "the last event isn't answered yet" };
    expect(JSON.parse(shared.told().at(-1) ?? "")).toEqual(error);
  });

  it("to what isn't the Runtime API is refused: there are no extensions", async () => {
    const register = `
      const extensions = "http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2020-01-01/extension/register";
      tell((await fetch(extensions, { method: "POST", body: "{}" })).status + " " + (await post("/nowhere")).status);`;
    expect(await run(register)).toMatchObject({ outcome: "done" });
    expect(shared.told().at(-1)).toBe("403 404");
    await shared.untilLogged("1", "neither extensions nor telemetry");
  });

  it("is a failure where it is more than Lambda takes", async () => {
    const result = await run("return 'x'.repeat(6_291_556);");
    expect(result).toMatchObject({ outcome: "failed", error: { type: "Function.ResponseSizeTooLarge" } });
  });

  it("after its time is heard by nobody: it is killed, though it ignores SIGTERM, and the next one begins", async () => {
    const late = "process.on('SIGTERM', () => {}); for (;;);";
    expect(await run(late, { timeoutMs: 300 })).toMatchObject({ outcome: "failed", error: timedOut("0.30") });
    expect(await run("")).toMatchObject({ outcome: "done" });
  });

  it("stands, where it has answered and then neither asks nor ends", async () => {
    const idle = `await post("/invocation/" + idOf(headers) + "/response", "1"); await forever();`;
    expect(await run(idle, { timeoutMs: 2_000 })).toMatchObject({ outcome: "done" });
    const gone = `await post("/invocation/" + idOf(headers) + "/response", "1"); process.exit(1);`;
    expect(await run(gone)).toMatchObject({ outcome: "done" });
    expect(await run("")).toMatchObject({ outcome: "done" });
  });
});

describe("a process that misbehaves costs its own event and nothing else: it", () => {
  it("exits in the middle of one", async () => {
    const { publish, send, untilTold, open } = aWorkerTarget();
    const body = `
      tell("began"); await until("gate");
      if (event.bad) process.exit(7); else await until("end");`;
    publish("1", aProgram(body), entered);
    const worker = { concurrency: 2 };
    const sends = [send({ worker, event: { bad: true } }), send({ worker })];
    await untilTold(2);
    open("gate");
    const error = { type: "Runtime.ExitError", message: "the process ended with exit code 7" };
    expect(await sends[0]).toMatchObject({ outcome: "failed", error });
    open("end");
    expect(await sends[1]).toMatchObject({ outcome: "done" });
  });

  it("takes more memory than it has, outside of any heap", async () => {
    const fill = "const kept = []; for (;;) { kept.push(Buffer.alloc(4_000_000, 1)); await null; }";
    expect(await run(fill)).toMatchObject({ outcome: "failed", error: { type: "Runtime.OutOfMemory" } });
  });

  it("takes it in what it has started", async () => {
    const code = "const kept = []; for (;;) kept.push(Buffer.alloc(4_000_000, 1));";
    const fill = `spawn(process.execPath, ["-e", ${JSON.stringify(code)}]); await forever();`;
    expect(await run(fill)).toMatchObject({ outcome: "failed", error: { type: "Runtime.OutOfMemory" } });
  });

  it("prints without end", async () => {
    const flood = "for (;;) tools.writeSync(1, 'x'.repeat(1_000) + '\\n');";
    expect(await run(flood, { timeoutMs: 700 })).toMatchObject({ outcome: "failed", error: timedOut("0.70") });
    const endless = "for (;;) try { tools.writeSync(2, 'x'.repeat(10_000)); } catch {}";
    expect(await run(endless, { timeoutMs: 700 })).toMatchObject({ outcome: "failed", error: timedOut("0.70") });
    expect(await run("")).toMatchObject({ outcome: "done" });
  });

  it("leaves something behind, which ends with it", async () => {
    const seconds = "34567.89";
    const leave = (then: string) => `
      spawn("sleep", ["${seconds}"], { detached: true, stdio: "ignore" }).unref(); tell("left"); ${then}`;
    const left = () => commandLines().filter((line) => line.includes(seconds));
    expect(await run(leave("process.exit(0);"))).toMatchObject({ outcome: "failed" });
    await eventually(() => left().length === 0);
    expect(await run(leave("await forever();"), { timeoutMs: 1_000 })).toMatchObject({ outcome: "failed" });
    await eventually(() => left().length === 0);
  });

  it("speaks another protocol", async () => {
    const { publish, send } = aWorkerTarget({ initTimeoutMs: 1_000 });
    const code = `
      import { connect } from "node:net";
      const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
      const socket = connect(port, host);
      socket.on("error", () => {});
      socket.end("\\x00\\xff garbage\\r\\n\\r\\n");
      await forever();`;
    publish("1", aWildProgram(code), entered);
    publish("2", aProgram(""), { ...entered, alias: "beta" });
    expect(await send()).toMatchObject({ outcome: "failed", error: { type: "Sandbox.Timedout" } });
    expect(await send({ alias: "beta" })).toMatchObject({ outcome: "done" });
  });
});

describe("what a process prints", () => {
  it("is in the log under the event that it was printed for", async () => {
    const print = "process.stdout.write('one\\ntwo'); process.stderr.write('three');";
    await run(print, { requestId: "request-printing" });
    await run("console.log('\\x1b[2Jfour');", { requestId: "request-later" });
    await shared.untilLogged("1", "four");
    const lines = shared
      .log("1")
      .split("\n")
      .map((line) => line.split(" ").slice(1).join(" "));
    expect(lines).toEqual(
      expect.arrayContaining([
        "request-printing one",
        "request-printing two",
        "request-printing three",
        "request-later \\u001b[2Jfour",
      ]),
    );
  });
});

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1");
      } catch {
        return "";
      }
    });
}
