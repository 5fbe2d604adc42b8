import { expect, test } from "vitest";
import { type OneInProcess, withLine } from "../../../shared/targets/process/one-in-process.ts";
import type { ThreadJob, ThreadResult } from "../../../shared/targets/worker/worker-sandbox.ts";
import { nextTurn } from "../../support/port-calls.ts";

const DONE: ThreadResult = { outcome: "done", durationMs: 1 };
const NOT_BEGUN: ThreadResult = { outcome: "not begun" };

/** A process whose events end when the test says so. */
function aProcess() {
  let state: ReturnType<OneInProcess["state"]> = "ready";
  const ended = Promise.withResolvers<void>();
  const begun: { name: string; end: (result: ThreadResult) => void }[] = [];
  const process: OneInProcess = {
    state: () => state,
    loaded: Promise.resolve(undefined),
    ended: ended.promise,
    invoke: ({ requestId }, end) => void begun.push({ name: requestId, end }),
    checkMemory: () => {},
    memoryBytes: () => 0,
    endForMemory: () => {},
    stop: () => {},
  };
  const line = withLine(process);
  return {
    line,
    names: () => begun.map(({ name }) => name),
    give: (requestId: string) =>
      new Promise<ThreadResult>((resolve) => {
        const job: ThreadJob = { payload: Buffer.from("{}"), requestId, alias: "stable", timeoutMs: 1_000 };
        line.invoke(job, resolve);
      }),
    end: (result = DONE) => begun.at(-1)?.end(result),
    isEnding() {
      state = "ending";
    },
    hasEnded: ended.resolve,
  };
}

test("withLine gives a process one event after the other, in the order given", async () => {
  const { give, names, end } = aProcess();
  const results = ["a", "b", "c"].map(give);
  for (const name of ["a", "b", "c"]) {
    expect(names().at(-1)).toBe(name);
    end();
    await nextTurn();
  }
  expect(await Promise.all(results)).toEqual([DONE, DONE, DONE]);
  expect(names()).toEqual(["a", "b", "c"]);
});

test("withLine takes back what waits behind an event that began before then, and no other", async () => {
  const { line, give, names, end } = aProcess();
  const [slow, waiting] = [give("slow"), give("waiting")];
  line.takeBack(performance.now() - 1_000);
  await nextTurn();
  const others = [waiting, give("also waiting")];
  line.takeBack(performance.now());
  expect(await Promise.all(others)).toEqual([NOT_BEGUN, NOT_BEGUN]);
  end();
  expect(await slow).toEqual(DONE);
  const next = give("next");
  end();
  expect(await next).toEqual(DONE);
  expect(names()).toEqual(["slow", "next"]);
});

test("withLine takes nothing back while nothing runs", async () => {
  const { line, give, end } = aProcess();
  line.takeBack(Number.POSITIVE_INFINITY);
  const given = give("a");
  end();
  expect(await given).toEqual(DONE);
});

test("withLine gives back what waits for a process that has ended", async () => {
  const { give, names, end, isEnding } = aProcess();
  const [failing, waiting] = [give("a"), give("b")];
  isEnding();
  const failed: ThreadResult = {
    outcome: "failed",
    durationMs: 1,
    error: { type: "Runtime.ExitError", message: "ended" },
  };
  end(failed);
  expect(await Promise.all([failing, waiting])).toEqual([failed, NOT_BEGUN]);
  expect(names()).toEqual(["a"]);
});

test("withLine tells what came of the last event before the process's end", async () => {
  const { line, give, end, isEnding, hasEnded } = aProcess();
  const told: string[] = [];
  const given = give("a").then(({ outcome }) => told.push(outcome));
  const ended = line.ended.then(() => told.push("ended"));
  isEnding();
  end({ outcome: "failed", durationMs: 1, error: { type: "Runtime.ExitError", message: "ended" } });
  hasEnded();
  await Promise.all([given, ended]);
  expect(told).toEqual(["failed", "ended"]);
});
