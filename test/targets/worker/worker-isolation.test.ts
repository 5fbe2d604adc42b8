import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { aWorkerTarget } from "./versions-in-folders.ts";

/** Tells when it begins and ends; waits for the gate that the event names, if it names one. */
const gated = `
  export const handler = async ({ n, gate }) => {
    tell("+" + n);
    if (gate) await until(gate);
    tell("-" + n);
  };`;

/** Tells how many events this thread has had. */
const counting = `
  let events = 0;
  export const handler = async () => tell(String(++events));`;

describe("a version's threads", () => {
  it("are never more than its concurrency, and serve who waits in order", async () => {
    const { publish, send, told, untilTold, open } = aWorkerTarget();
    publish("1", gated);
    const numbers = [1, 2, 3, 4, 5, 6, 7];
    const sends = numbers.map((n) =>
      send({ event: { n, gate: n === 2 ? "second" : "first" }, worker: { concurrency: 2 } }),
    );
    await untilTold(2);
    open("first");
    await untilTold(12);
    open("second");
    expect(await Promise.all(sends)).toEqual(Array(7).fill(expect.objectContaining({ outcome: "done" })));
    const changes = told().map((line) => (line.startsWith("+") ? 1 : -1));
    const atOnce = changes.map((_, index) => changes.slice(0, index + 1).reduce((sum, change) => sum + change, 0));
    expect(Math.max(...atOnce)).toBe(2);
    const begun = told().filter((line) => line.startsWith("+"));
    expect(begun.slice(2)).toEqual(["+3", "+4", "+5", "+6", "+7"]);
  });

  it("are kept, and shared by the aliases that point at it", async () => {
    const { publish, point, send, told } = aWorkerTarget();
    publish("1", counting);
    point("beta", "1");
    publish("2", counting, { alias: "experimental" });
    for (const alias of ["stable", "beta", "stable", "experimental"]) await send({ alias });
    expect(told()).toEqual(["1", "2", "3", "1"]);
  });

  it("are others when the settings have changed", async () => {
    const { publish, send, told } = aWorkerTarget();
    publish("1", counting);
    for (const worker of [{}, { environment: { A: "1" } }, { memoryMb: 64 }, { concurrency: 2 }, {}])
      await send({ worker });
    expect(told()).toEqual(["1", "1", "1", "1", "2"]);
  });

  it("run thousands of events", async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on("warning", warned);
    onTestFinished(() => void process.off("warning", warned));
    const { publish, send, target, told } = aWorkerTarget();
    publish("1", "tell('loaded'); export const handler = async () => 1;");
    const worker = { concurrency: 4 };
    // Of these any number may wait.
    const invocation = { kind: "async" as const, maxEventAgeMs: 60_000 };
    const results = await Promise.all(Array.from({ length: 2_000 }, () => send({ worker, invocation })));
    expect(results.filter(({ outcome }) => outcome !== "done")).toEqual([]);
    await target.close();
    expect(told().length).toBeLessThanOrEqual(4);
    expect(warnings).toEqual([]);
  });
});

describe("a version in trouble", () => {
  it.each([
    ["hangs", "for (;;);", 200],
    ["crashes", "setTimeout(() => { throw new Error('crash'); });"],
    ["exits", "process.exit(1);"],
    ["leaks", "const kept = []; setInterval(() => kept.push(new Array(1e6).fill(1)), 0);"],
  ])("a version in trouble that %s leaves what another one runs untouched", async (_, trouble, timeoutMs = 30_000) => {
    const { publish, send, told, untilTold, open } = aWorkerTarget();
    publish("1", gated);
    publish("2", `export const handler = () => new Promise(() => { ${trouble} });`, { alias: "experimental" });
    const running = send({ event: { n: 1, gate: "go" } });
    await untilTold(1);
    const worker = { memoryMb: 16 };
    expect(await send({ alias: "experimental", timeoutMs, worker })).toMatchObject({ outcome: "failed" });
    open("go");
    expect(await running).toMatchObject({ outcome: "done", executedVersion: "1" });
    expect(told()).toEqual(["+1", "-1"]);
  });

  it.each([
    ["throws", "throw new Error('leftover')"],
    ["exits", "process.exit(5)"],
  ])("a version in trouble that %s after an event doesn't take the next one with it", async (_, trouble) => {
    const { publish, send, told, open, untilLogged } = aWorkerTarget();
    // Of the immediates that are due, the answer is the first and this the second: nothing is received in between.
    publish(
      "1",
      `export const handler = async ({ first }) => {
        tell(first ? "first" : "next");
        let later = Promise.resolve();
        for (let i = 0; i < 20; i++) later = later.then(() => {});
        if (first) later.then(() => setImmediate(() => { while (!open("sent")); ${trouble}; }));
      };`,
    );
    expect(await send({ event: { first: true } })).toMatchObject({ outcome: "done" });
    const next = send();
    open("sent");
    expect(await next).toMatchObject({ outcome: "done" });
    expect(told()).toEqual(["first", "next"]);
    await untilLogged("1", trouble.includes("leftover") ? "Error: leftover" : "exit code 5");
  });

  it("a version in trouble whose process.on('exit') never ends is ended all the same", async () => {
    const { publish, send } = aWorkerTarget();
    publish(
      "1",
      "export const handler = ({ bad }) => { if (!bad) return; process.on('exit', () => { for (;;); }); process.exit(2); };",
    );
    expect(await send({ event: { bad: true } })).toMatchObject({
      outcome: "failed",
      error: { type: "Runtime.ExitError" },
    });
    expect(await send()).toMatchObject({ outcome: "done" });
  });
});

describe("a send that has to wait", () => {
  it("is throttled when no thread is free in time, and nothing is run", async () => {
    const { publish, send, told, untilTold, open } = aWorkerTarget();
    publish("1", gated);
    const running = send({ event: { n: 1, gate: "go" } });
    await untilTold(1);
    const late = await send({ event: { n: 2 }, latestStart: new Date(Date.now() + 30) });
    expect(late).toMatchObject({
      outcome: "throttled",
      error: { type: "NoFreeWorker", message: /none of the 1 workers/ },
    });
    open("go");
    expect(await running).toMatchObject({ outcome: "done" });
    expect(told()).toEqual(["+1", "-1"]);
  });

  it("is nobody's failure when it is stopped, also while another thread of its host can't be", async () => {
    const { publish, send, target, untilTold } = aWorkerTarget();
    publish(
      "1",
      `export const handler = async ({ deaf }) => {
        if (deaf) process.on("exit", () => { for (;;); });
        tell("begun");
        await new Promise((resolve) => setTimeout(resolve, 1e6));
      };`,
    );
    const running = [{ deaf: true }, {}].map((event) =>
      send({ event, worker: { concurrency: 2 }, timeoutMs: 600_000 }),
    );
    await untilTold(2);
    await target.close();
    const stopped = { outcome: "throttled", error: { type: "ShuttingDown" } };
    expect(await Promise.all(running)).toMatchObject([stopped, stopped]);
  });

  it("is throttled when it comes too late", async () => {
    const { publish, send, told } = aWorkerTarget();
    publish("1", counting);
    await send();
    expect(await send({ latestStart: new Date(0) })).toMatchObject({ outcome: "throttled" });
    expect(told()).toEqual(["1"]);
  });

  it("fails rather than being put off for ever when the version never loads", async () => {
    // A clock that stands: on a busy machine the time to start could be over before the send.
    const now = new Date();
    const { publish, send, untilLogged } = aWorkerTarget({ initTimeoutMs: 300, now: () => now });
    publish("1", "setInterval(() => {}, 1e6); await new Promise(() => {});");
    const soon = () => send({ latestStart: new Date(now.getTime() + 30) });
    expect(await soon()).toMatchObject({ outcome: "throttled" });
    await untilLogged("1", "Init timed out");
    expect(await soon()).toMatchObject({ outcome: "failed", error: { type: "Sandbox.Timedout" } });
  });

  it("runs the version that its alias points at when it begins", async () => {
    const { publish, point, digested, send, untilTold, open } = aWorkerTarget();
    publish("2", gated);
    publish("1", gated);
    const first = send({ event: { n: 1, gate: "go" } });
    await untilTold(1);
    const second = send({ event: { n: 2 } });
    point("stable", "2");
    await digested();
    open("go");
    expect(await first).toMatchObject({ executedVersion: "1" });
    expect(await second).toEqual({ outcome: "done", executedVersion: "2", durationMs: expect.any(Number) });
  });

  it("fails when its alias points nowhere by then", async () => {
    const { publish, retire, send, untilTold, open } = aWorkerTarget();
    publish("1", gated);
    const first = send({ event: { n: 1, gate: "go" } });
    await untilTold(1);
    const second = send({ event: { n: 2 } });
    retire("stable");
    open("go");
    expect(await first).toMatchObject({ outcome: "done" });
    expect(await second).toMatchObject({ outcome: "failed", error: { type: "NoVersion" } });
  });
});

describe("a version that nobody uses", () => {
  afterEach(() => void vi.useRealTimers());

  it("is unloaded after five minutes", async () => {
    vi.useFakeTimers({ toFake: ["setInterval"] });
    let now = new Date("2026-11-20T10:00:00Z");
    const { publish, send, told } = aWorkerTarget({ now: () => now });
    publish("1", counting);
    const latestStart = new Date("2026-11-21T00:00:00Z");
    const later = async (minutes: number) => {
      now = new Date(now.getTime() + minutes * 60_000);
      vi.advanceTimersByTime(60_000);
      await send({ latestStart });
    };
    await send({ latestStart });
    await later(4);
    await later(4);
    await later(5);
    expect(told()).toEqual(["1", "2", "3", "1"]);
  });
});

describe("closing", () => {
  it("lets what runs end, and refuses what waits and what comes", async () => {
    const { publish, send, target, told, untilTold, open } = aWorkerTarget({ graceMs: 50_000 });
    publish("1", gated);
    const running = send({ event: { n: 1, gate: "go" } });
    await untilTold(1);
    const waiting = send({ event: { n: 2 } });
    const closed = target.close();
    expect(await waiting).toMatchObject({ outcome: "throttled", error: { type: "ShuttingDown" } });
    expect(await send()).toMatchObject({ outcome: "throttled", error: { type: "ShuttingDown" } });
    open("go");
    expect(await running).toMatchObject({ outcome: "done" });
    await closed;
    expect(told()).toEqual(["+1", "-1"]);
  });

  it("ends what is still running after its grace", async () => {
    const { publish, send, target, untilTold } = aWorkerTarget({ graceMs: 50 });
    publish("1", "export const handler = () => { tell('begun'); for (;;); };");
    const running = send();
    await untilTold(1);
    await target.close();
    // Not the version's failure: it is tried again without having been counted.
    expect(await running).toMatchObject({ outcome: "throttled", error: { type: "ShuttingDown" } });
  });

  it("may be asked for twice, and of a target that ran nothing", async () => {
    const { target } = aWorkerTarget();
    await target.close();
    await target.close();
  });
});
