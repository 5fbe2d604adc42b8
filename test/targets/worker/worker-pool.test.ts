import { describe, expect, it, vi } from "vitest";
import { WorkerSettings } from "../../../shared/domain/routing/component.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import type { Host, HostEnd } from "../../../shared/targets/worker/host.ts";
import type { HostThread, Invoked, Loaded } from "../../../shared/targets/worker/host-thread.ts";
import { workerPool } from "../../../shared/targets/worker/worker-pool.ts";

const START = new Date("2026-11-20T10:00:00Z").getTime();

/** A pool on hosts that the test plays: what an event does is in its name. */
function aPool(concurrency: number) {
  let nowMs = START;
  const now = () => new Date(nowMs);
  const invocations: string[] = [];
  /** What ran at the moment that each began. */
  let beside: { began: string; running: string[] }[] = [];
  let hosts = 0;

  function startHost(): Host {
    hosts++;
    const ended = Promise.withResolvers<HostEnd>();
    const running = new Map<string, (invoked: Invoked) => void>();
    const threads = new Set<{ end: () => void }>();
    let isOver = false;
    /** The host is ended because of this one. */
    const endFor = (culprit: string) => {
      if (isOver) return;
      isOver = true;
      const error = { type: "Sandbox.Timedout", message: "stuck" };
      for (const [name, resolve] of running) {
        resolve(name === culprit ? { outcome: "crashed", durationMs: 1, error } : { outcome: "interrupted" });
      }
      for (const { end } of threads) end();
      ended.resolve({ by: "router" });
    };
    const crash = () => {
      if (isOver) return;
      isOver = true;
      const error = { type: "Runtime.ExitError", message: "ended" };
      const outcome = running.size === 1 ? "crashed" : "suspected";
      for (const resolve of running.values()) resolve({ outcome, durationMs: 1, error });
      for (const { end } of threads) end();
      ended.resolve({ by: "itself", error });
    };
    return {
      ended: ended.promise,
      pid: () => 1,
      stop: async () => {},
      startThread(): HostThread {
        const loaded = Promise.withResolvers<Loaded>();
        const gone = Promise.withResolvers<void>();
        let state: "ready" | "ended" = "ready";
        const end = () => {
          state = "ended";
          gone.resolve();
        };
        threads.add({ end });
        loaded.resolve("ready");
        return {
          state: () => state,
          loaded: loaded.promise,
          ended: gone.promise,
          handed: () => 0,
          hasRoom: () => false,
          isSoonFree: () => false,
          invoke({ payload }, answer) {
            invocations.push(payload);
            beside.push({ began: payload, running: [...running.keys()] });
            running.set(payload, (invoked) => queueMicrotask(() => answer(invoked)));
            // Once everything that is begun at this moment has begun.
            setImmediate(() => {
              if (payload.startsWith("poison")) return crash();
              if (payload.startsWith("stuck")) return endFor(payload);
              if (payload.startsWith("unseen")) {
                running.delete(payload);
                end();
                return answer({ outcome: "not begun" });
              }
              setImmediate(() => {
                if (running.delete(payload) && !isOver) answer({ outcome: "done", durationMs: 1 });
              });
            });
          },
        };
      },
    };
  }

  const code = { component: "c", version: "1", folder: "/", handler: "index.handler", codeSha256: "", memoryMb: 64 };
  const pool = workerPool({
    code: { ...code, concurrency, initTimeoutMs: 1_000 },
    startHost,
    now,
    onNoRoom: () => {},
    stillHere: () => true,
  });
  const send = (payload: string) =>
    new Promise<SendResult>((resolve) =>
      pool.run({
        send: {
          component: "c",
          alias: "stable",
          address: { kind: "worker" },
          invocation: { kind: "sync" },
          worker: WorkerSettings.parse({}),
          subject: {},
          payload,
          idempotencyKey: payload,
          lapses: 0,
          requestId: payload,
          timeoutMs: 1_000,
          latestStart: new Date(nowMs + 30_000),
        },
        resolve,
      }),
    );
  return {
    send,
    invocations,
    hosts: () => hosts,
    most: {
      reset: () => {
        beside = [];
      },
      besideSuspects: (suspects: string[]) =>
        beside.filter(({ began, running }) =>
          suspects.includes(began) ? running.length > 0 : running.some((name) => suspects.includes(name)),
        ).length,
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("a version's pool whose host ends by itself", () => {
  it("counts none of what was running together as failed, runs each alone, and only the one that ends it fails", async () => {
    const { send, invocations } = aPool(4);
    const names = ["a", "poison", "b", "c"];
    const first = await Promise.all(names.map(send));
    expect(first).toEqual(
      Array(4).fill(
        expect.objectContaining({ outcome: "throttled", error: expect.objectContaining({ type: "HostEnded" }) }),
      ),
    );
    const second = await Promise.all(names.map(send));
    expect(second.map(({ outcome }) => outcome)).toEqual(["done", "failed", "done", "done"]);
    expect(invocations).toEqual([...names, ...names]);
  });

  it("runs nothing beside a suspect", async () => {
    const { send, most } = aPool(4);
    const names = ["a", "poison", "b"];
    await Promise.all(names.map(send));
    most.reset();
    await Promise.all([...names, "c", "d"].map(send));
    expect(most.besideSuspects(names)).toBe(0);
  });

  /** Sends all of them again and again, as long as they aren't done. How often each came to what end. */
  async function sendUntilCounted(concurrency: number, names: readonly string[], failures: number) {
    const { send, invocations, pass } = aPool(concurrency);
    const ends = new Map(names.map((name) => [name, { failed: 0, done: 0 }]));
    const reached = (name: string) => invocations.filter((one) => one === name).length;
    const isOpen = (name: string) => {
      const { failed, done } = ends.get(name) ?? { failed: failures, done: 1 };
      return failed < failures && done === 0;
    };
    for (let round = 0; names.some(isOpen) && round < 10_000; round++) {
      await Promise.all(
        names.filter(isOpen).map(async (name) => {
          const { outcome } = await send(name);
          const end = ends.get(name);
          if (end !== undefined && outcome !== "throttled" && outcome !== "accepted") end[outcome]++;
        }),
      );
      pass(61_000);
    }
    return names.map((name) => ({ name, ...ends.get(name), reached: reached(name) }));
  }

  it.each(["poison", "stuck"])(
    "counts one in three of what a version does that ends its host with every event (%s)",
    async (kind) => {
      const names = Array.from({ length: 32 }, (_, n) => `${kind}-${n}`);
      for (const { failed, reached } of await sendUntilCounted(16, names, 5)) {
        expect(failed).toBe(5);
        expect(reached).toBeLessThanOrEqual(15);
      }
    },
  );

  it.each(["poison", "stuck"])(
    "has each healthy event done at the third time at the latest, beside many of that kind (%s)",
    async (kind) => {
      const bad = Array.from({ length: 12 }, (_, n) => `${kind}-${n}`);
      const good = Array.from({ length: 12 }, (_, n) => `healthy-${n}`);
      const all = bad.flatMap((name, n) => [name, good[n] ?? ""]);
      for (const { name, failed, done, reached } of await sendUntilCounted(16, all, 5)) {
        if (bad.includes(name)) continue;
        expect({ name, failed, done }).toEqual({ name, failed: 0, done: 1 });
        expect(reached).toBeLessThanOrEqual(3);
      }
    },
  );

  it("counts an event whose threads end before they look at it, again and again", async () => {
    const { send, invocations } = aPool(2);
    expect(await send("unseen")).toMatchObject({ outcome: "failed", error: { type: "Runtime.ExitError" } });
    expect(invocations).toHaveLength(10);
    expect(await send("healthy")).toMatchObject({ outcome: "done" });
  });

  it("starts it again at once after the first time, and then after growing pauses", async () => {
    const { send, hosts, pass } = aPool(1);
    const pauses: number[] = [];
    for (let crash = 1; crash <= 9; crash++) {
      expect(await send("poison")).toMatchObject({ outcome: "failed" });
      let waitedMs = 0;
      for (;;) {
        const result = await send("healthy");
        if (result.outcome === "done") break;
        expect(result).toMatchObject({ outcome: "throttled", error: { type: "VersionPaused" } });
        const retryAt = result.outcome === "throttled" ? (result.retryAt?.getTime() ?? 0) : 0;
        pass(1_000);
        waitedMs += 1_000;
        expect(retryAt).toBeGreaterThan(START);
      }
      pauses.push(waitedMs);
    }
    expect(pauses).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000));
    expect(hosts()).toBe(10);
  });

  it("forgets an end for every two minutes without another", async () => {
    const { send, pass } = aPool(1);
    for (let crash = 1; crash <= 4; crash++) {
      await send("poison");
      pass(60_000);
    }
    pass(600_000);
    expect(await send("poison")).toMatchObject({ outcome: "failed" });
    expect(await send("healthy")).toMatchObject({ outcome: "done" });
  });

  it("runs every healthy event beside one that ends it for 16 minutes, and fails none of them", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { send, pass } = aPool(4);
      let [done, poisoned] = [0, 0];
      // Events that come back as the ledger has them come back: a second later, or when they were told to.
      const waiting: { name: string; atMs: number }[] = Array.from({ length: 139 }, (_, n) => ({
        name: `healthy-${n}`,
        atMs: n * 300,
      }));
      waiting.push({ name: "poison", atMs: 0 });
      for (let ms = 0; ms < 16 * 60_000; ms += 250) {
        const due = waiting.filter(({ atMs }) => atMs <= ms);
        await Promise.all(
          due.map(async (event) => {
            const result = await send(event.name);
            if (result.outcome === "done") {
              done++;
              waiting.splice(waiting.indexOf(event), 1);
            } else if (result.outcome === "failed") {
              expect(event.name).toBe("poison");
              poisoned++;
              event.atMs = ms + 2_000;
            } else if (result.outcome === "throttled") {
              event.atMs = result.retryAt === undefined ? ms + 1_000 : result.retryAt.getTime() - START;
            }
          }),
        );
        pass(250);
      }
      expect(done).toBe(139);
      expect(poisoned).toBeGreaterThan(5);
      expect(waiting.map(({ name }) => name)).toEqual(["poison"]);
    } finally {
      vi.useRealTimers();
    }
  });
});
