import { expect, it } from "vitest";
import type { Host } from "../../../shared/targets/worker/host.ts";
import { type StartedThread, startedThread } from "../../../shared/targets/worker/host-thread.ts";
import { hostedThreads } from "../../../shared/targets/worker/hosted-threads.ts";
import { nextTurn } from "../../support/port-calls.ts";

/** A thread that can be given events, and what it was given. */
function aThread() {
  const numbers: number[] = [];
  const thread = startedThread({
    tell: (_payload, number) => numbers.push(number),
    isOver: () => false,
    isStopping: () => false,
    onOverdue: () => {},
  });
  thread.take(["loaded", 1]);
  const give = () => thread.invoke({ payload: "{}", requestId: "id", alias: "stable", timeoutMs: 60_000 }, () => {});
  return { thread, give, end: (durationMs: number) => thread.take(["done", 1, numbers.shift() ?? 0, durationMs]) };
}

it("a thread is soon free while what it has in hand takes less than a millisecond by what the last event took", () => {
  const { thread, give, end } = aThread();
  give();
  give();
  expect(thread.isSoonFree()).toBe(false);
  end(0.3);
  expect(thread.isSoonFree()).toBe(true);
  for (let handed = 1; handed < 4; handed++) give();
  expect([thread.isSoonFree(), thread.hasRoom()]).toEqual([false, true]);
  end(0.1);
  expect(thread.isSoonFree()).toBe(true);
  end(2);
  expect([thread.isSoonFree(), thread.hasRoom()]).toEqual([false, false]);
});

it("a thread is given no more than it answers for, however quick it is", () => {
  const { thread, give, end } = aThread();
  give();
  give();
  end(0);
  while (thread.hasRoom()) give();
  expect(thread.handed()).toBe(64);
  expect(thread.isSoonFree()).toBe(false);
});

it("hostedThreads takes the thread that was taken last while it is soon free, and an idle one then", async () => {
  const started: ReturnType<typeof aThread>[] = [];
  const host: Host = {
    ended: new Promise(() => {}),
    pid: () => 1,
    stop: async () => {},
    startThread(): StartedThread {
      const one = aThread();
      started.push(one);
      return one.thread;
    },
  };
  const threads = hostedThreads({
    concurrency: 2,
    startHost: () => host,
    wanted: () => 2,
    lastArrival: () => 0,
    onReady: (thread) => threads.rest(thread),
    onLoadFailure: () => {},
    onHostEnd: () => {},
  });
  threads.grow();
  await nextTurn();
  const taken = threads.takeFree();
  const first = started.find(({ thread }) => thread === taken);
  first?.give();
  first?.give();
  first?.end(0.3);
  expect(threads.takeFree()).toBe(first?.thread);
  for (let handed = 1; handed < 4; handed++) first?.give();
  const other = threads.takeFree();
  expect(other?.handed()).toBe(0);
  expect(other).not.toBe(first?.thread);
});
