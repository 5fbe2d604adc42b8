import { afterAll, describe, expect, it } from "vitest";
import { aWorkerTarget } from "./versions-in-folders.ts";

/** What may be used by the code below: CommonJS in a module, and all of Node that a version can get hold of. */
const REACH = `
  import { createRequire } from "node:module";
  import { writeSync, closeSync, readFileSync, readdirSync } from "node:fs";
  import { spawn, execFileSync } from "node:child_process";
  import { parentPort, workerData, threadId, Worker } from "node:worker_threads";
  import vm from "node:vm";
  const require = createRequire(import.meta.url);
  const forever = () => new Promise(() => {});
  const say = (json) => writeSync(3, Buffer.concat([Buffer.from([0, 0, 0, 0, json.length, 0, 0, 0]), Buffer.from(json)]));
`;

/** Bodies of `async (event) => { … }`, by what they do. */
const MISBEHAVIOURS: Record<string, string> = {
  // What it says to its host.
  "posts null": "parentPort.postMessage(null); return forever();",
  "posts undefined": "parentPort.postMessage(undefined); return forever();",
  "posts an answer without an error": 'parentPort.postMessage(["failed", 1, null]); return forever();',
  "posts an answer that isn't its own": 'parentPort.postMessage(["done", "request-1", 1]); return forever();',
  "posts a flood": "for (let i = 0; i < 1e5; i++) parentPort.postMessage(i); return forever();",
  "closes its port": "parentPort.close(); return forever();",
  "writes garbage to its host's connection": 'writeSync(3, "garbage\\n"); return forever();',
  "writes messages of another kind to it": `say('[["done"]]'); return forever();`,
  "answers for a thread that isn't there": `say('[["done",99,1,1]]'); return forever();`,
  "answers for events that it hasn't got": `say('[["done",1,2,1],["done",1,0,1],["done",2,1,1]]'); return forever();`,
  "writes numbers that aren't": `say('[["done",1,1e999,1]]'); return forever();`,
  "announces more than it writes": "writeSync(3, Buffer.from([0, 0, 99, 0, 0, 0, 99, 0])); return forever();",
  "announces text that isn't there": `say('[9999999,["done",1,1,1]]'); return forever();`,
  "writes to it without end": 'for (;;) writeSync(3, "x".repeat(65536));',
  "closes its host's connection": "closeSync(3); return forever();",
  "closes every descriptor": "for (let fd = 0; fd < 64; fd++) try { closeSync(fd); } catch {} return forever();",
  "reads its host's connection": "for (;;) try { readFileSync(3); } catch {}",

  // What it throws.
  "throws a primitive without handlers": `
    process.removeAllListeners("uncaughtException"); setTimeout(() => { throw 5; }); return forever();`,
  "throws null without handlers": `
    process.removeAllListeners("uncaughtException"); setTimeout(() => { throw null; }); return forever();`,
  "rejects with undefined without handlers": `
    process.removeAllListeners("unhandledRejection"); Promise.reject(undefined); return forever();`,
  "throws a symbol": "throw Symbol('no');",
  "throws an error whose message isn't text": "throw Object.assign(new Error(), { message: { a: 1 } });",
  "throws an error whose name is an object": "throw Object.assign(new Error('x'), { name: { a: 1 } });",
  "throws an error whose message is a getter that throws": `
    throw Object.defineProperty(new Error(), "message", { get() { throw new Error("no"); } });`,
  "throws a proxy that throws": "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } });",
  "throws a message of 50 MB": "throw new Error('x'.repeat(5e7));",
  "throws lone surrogates": "throw new Error('\\\\ud800');",
  "throws from a getter of toJSON": "return { toJSON() { throw null; } };",
  "overwrites JSON": "JSON.stringify = () => { throw new Error('no'); }; return 1n;",
  "overwrites Promise": "globalThis.Promise = null; return forever();",
  "overwrites Array": "Array.isArray = () => false; Array.prototype.map = null; throw new Error('x');",
  "overwrites Object's prototype": "Object.prototype.type = 5; Object.prototype.message = 5; throw {};",
  "overwrites setImmediate": "globalThis.setImmediate = () => {}; return forever();",
  "throws in an exit handler": "process.on('exit', () => { throw new Error('late'); }); process.exit(3);",

  // How it ends.
  exits: "process.exit(0);",
  "exits in the middle of an answer": "setImmediate(() => process.exit(0)); return forever();",
  "ends its process at once": "process.reallyExit(0);",
  aborts: "process.abort();",
  "kills its own process": "process.kill(process.pid, 'SIGKILL'); return forever();",
  "terminates its own process": "process.kill(process.pid, 'SIGTERM'); return forever();",
  "aborts its own process": "process.kill(process.pid, 'SIGABRT'); return forever();",
  "segfaults its own process": "process.kill(process.pid, 'SIGSEGV'); return forever();",
  "stops its own process": "process.kill(process.pid, 'SIGSTOP'); return forever();",
  "kills its parent": "process.kill(process.ppid, 'SIGKILL'); return forever();",
  "kills its group": "process.kill(0, 'SIGKILL'); return forever();",
  "kills everybody": "try { process.kill(-1, 'SIGKILL'); } catch {} return forever();",
  "kills with a shell": "execFileSync('sh', ['-c', 'kill -9 $PPID']); return forever();",
  "crashes V8": "vm.runInNewContext('for (const kept = [];;) kept.push(new Array(1e7).fill(0))');",

  // What it takes.
  loops: "for (;;);",
  "loops in a module that V8 has optimised": "let n = 0; for (let i = 0; ; i = (i + 1) | 0) n = (n + i) | 0;",
  "loops in microtasks": "const again = () => Promise.resolve().then(again); await again();",
  "loops in nextTick": "const again = () => process.nextTick(again); again(); return forever();",
  backtracks: "/^(a+)+$/.test('a'.repeat(40) + 'b'); return forever();",
  "waits with Atomics": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
  "sleeps in a child": "execFileSync('sleep', ['60']);",
  recurses: "const f = () => f(); f();",
  "fills arrays": "const kept = []; for (;;) kept.push(new Array(1e6).fill(1));",
  "fills Buffers": "const kept = []; for (;;) kept.push(Buffer.alloc(1e7, 1));",
  "fills one string": "let s = 'x'; for (;;) s += s;",
  "fills shared memory": "const kept = []; for (;;) kept.push(new Uint8Array(new SharedArrayBuffer(1e7)).fill(1));",
  "fills WebAssembly memory": `
    const kept = []; for (;;) { const m = new WebAssembly.Memory({ initial: 160 });
    new Uint8Array(m.buffer).fill(1); kept.push(m); }`,
  "fills it with threads": `
    for (let i = 0; i < 50; i++) new Worker("for (;;);", { eval: true }); return forever();`,
  "opens files without end":
    "const fs = require('fs'); for (;;) try { fs.openSync('/dev/null'); } catch { await forever(); }",
  "writes without end": "for (;;) console.log('x'.repeat(1000));",
  "writes past the console without end": "for (;;) writeSync(1, 'x'.repeat(1000) + '\\\\n');",
  "writes control characters": "console.log('\\\\x1b[2J\\\\r\\\\x00\\\\u202e'); throw new Error('\\\\x1b[2J');",
  "leaves a child behind":
    "spawn('sleep', ['3600'], { detached: true, stdio: 'ignore' }).unref(); process.reallyExit(0);",
  "leaves a child with its descriptors": "spawn('sleep', ['3600'], { stdio: 'inherit' }); return forever();",
};

/** Long enough for each of them to do its worst, on a machine that has nothing else to do. */
const TIMEOUT_MS = 700;

/** So many beside one that behaves: their hosts stay until all of them are done. */
const TOGETHER = 8;
const misbehaviours = Object.entries(MISBEHAVIOURS);
const groups = Array.from({ length: Math.ceil(misbehaviours.length / TOGETHER) }, (_, n) =>
  misbehaviours.slice(n * TOGETHER, (n + 1) * TOGETHER),
);

describe.concurrent.for(groups)("a version that misbehaves costs its own attempts and nothing else: it", (group) => {
  const finishing: (() => Promise<void> | void)[] = [];
  const { publish, send } = aWorkerTarget({}, (then) => finishing.unshift(then));
  afterAll(async () => {
    for (const finish of finishing) await finish();
  });
  publish("good", "export const handler = async () => 1;");

  it.for(group)("%s", async ([alias, body]) => {
    const version = alias.replaceAll(/\W/g, "-");
    const code = `${REACH} export const handler = async ({ bad }) => { if (bad) { ${body} } };`;
    publish(version, code, { alias });
    const worker = { memoryMb: 32 };
    expect(await send()).toMatchObject({ outcome: "done" });
    const [bad, good] = await Promise.all([
      send({ alias, event: { bad: true }, worker, timeoutMs: TIMEOUT_MS }),
      send(),
    ]);
    expect(bad).toMatchObject({
      outcome: "failed",
      executedVersion: version,
      error: { type: expect.any(String), message: expect.any(String) },
    });
    expect(good).toMatchObject({ outcome: "done", executedVersion: "good" });
    // What the version itself gets next isn't harmed either; it may have to come again, because the host is just ending.
    let next = await send({ alias, worker });
    while (next.outcome === "throttled") {
      // A refusal may be answered at once: the event loop needs its turn, or the pause never ends.
      await new Promise(setImmediate);
      next = await send({ alias, worker });
    }
    expect(next).toMatchObject({ outcome: "done", executedVersion: version });
  });
});
