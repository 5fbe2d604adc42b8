import { describe, expect, it } from "vitest";
import { deliveryCounter } from "../../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { surrounded } from "../../support/port-calls.ts";
import { again, aMessage, aRouter, done, failed } from "../../support/router.ts";

const results: Record<string, SendResult> = {
  done,
  failed: { ...failed, executedVersion: "8" } as SendResult,
  dead: { outcome: "failed", error: { type: "OutOfStock", message: "none left" }, executedVersion: "8", durationMs: 5 },
  accepted: { outcome: "accepted", durationMs: 5 },
  postponed: { outcome: "throttled", error: { type: "NoRoom", message: "no room" } },
};
const retry = { nonRetryableErrors: ["OutOfStock"] };
const components = Object.keys(results).map((name) => aComponent({ name, pattern: { "detail-type": [name] }, retry }));

/** A router with components that are called after what becomes of their events, and the counts that it has written. */
async function aCounter() {
  const router = await aRouter({ components, target: async ({ component }) => results[component] ?? done });
  const counts = async () => (await router.counts()).map(([, ...one]) => one);
  return { ...router, counts, all: router.counts };
}
const about = (detailType: string, id = detailType) => aMessage({ messageId: id, id, detailType });

describe("the outcomes of a batch", () => {
  it("are counted by component and version in one request", async () => {
    const { ports, calls, counts } = await aCounter();
    await routeBatch(ports, [...Object.keys(results).map((name) => about(name)), about("done", "another")]);
    expect(calls.made.filter((call) => call === "count")).toHaveLength(1);
    expect(await counts()).toEqual([
      ["accepted", "", "accepted", 1],
      ["dead", "8", "dead", 1],
      ["done", "7", "done", 2],
      ["failed", "8", "failed", 1],
      ["postponed", "", "postponed", 1],
    ]);
  });

  it("take no request where there are none", async () => {
    const { ports, calls } = await aCounter();
    await ports.counter.flush();
    expect(calls.made.filter((call) => call === "count")).toEqual([]);
  });

  it("tell a publisher's duplicate, a message that came again and another payload apart", async () => {
    const { ports, counts } = await aCounter();
    const first = about("done");
    await routeBatch(ports, [first]);
    await routeBatch(ports, [{ ...first, messageId: "m-2" }]);
    await routeBatch(ports, [again(first)]);
    await routeBatch(ports, [aMessage({ id: "done", detailType: "done", detail: { total: 9 } })]);
    expect(await counts()).toEqual([
      ["done", "", "duplicate", 1],
      ["done", "", "redelivered", 1],
      ["done", "", "rejected", 1],
      ["done", "7", "done", 1],
    ]);
  });

  it("are counted in the minute in which they come", async () => {
    const router = await aCounter();
    const { ports, time } = router;
    await time.pass(59_999);
    await routeBatch(ports, [about("done", "1")]);
    await time.pass(1);
    await routeBatch(ports, [about("done", "2")]);
    const minutes = (await router.all()).map(([minute]) => minute);
    expect(minutes).toEqual([new Date("2026-11-20T10:00:00.000Z"), new Date("2026-11-20T10:01:00.000Z")]);
  });

  it("of deliveries that somebody else is making, or that aren't due, are nobody's yet: no request is made", async () => {
    const { ports, calls, time } = await aCounter();
    const message = about("failed");
    await routeBatch(ports, [message]);
    calls.since();
    await time.pass(249);
    await routeBatch(ports, [again(message)]);
    expect(calls.made).not.toContain("count");
  });

  it("are stored with the next ones when that fails: no delivery is harmed, and the error is told", async () => {
    const { ports, calls, ledger, troubles, counts } = await aCounter();
    calls.fail("count");
    const message = about("failed");
    expect(await routeBatch(ports, [about("done"), message])).toEqual([{ message, retryInMs: 250 }]);
    expect((await ledger()).map(({ status }) => status).toSorted()).toEqual(["done", "failed"]);
    expect(troubles.map(String)).toEqual(["Error: count failed"]);
    await routeBatch(ports, [about("done", "later")]);
    expect(await counts()).toEqual([
      ["done", "7", "done", 2],
      ["failed", "8", "failed", 1],
    ]);
  });

  it("are stored at once by a router that was idle, and then with the others 5 s later at the latest", async () => {
    const { ports, calls, time } = await aCounter();
    const stored = () => calls.since().filter((call) => call === "count").length;
    await routeBatch(ports, [about("done", "1")]);
    expect(stored()).toBe(1);
    for (const id of ["2", "3", "4"]) {
      await time.pass(1_000);
      await routeBatch(ports, [about("done", id)]);
    }
    expect(stored()).toBe(0);
    await time.pass(2_000);
    expect(stored()).toBe(1);
    await time.pass(60_000);
    expect(stored()).toBe(0);
    await routeBatch(ports, [about("done", "5")]);
    expect(stored()).toBe(1);
  });

  it("of batches at the same instant are stored with the first one, and the rest once, 5 s later", async () => {
    const { ports, calls, time } = await aCounter();
    for (const id of ["1", "2", "3"]) await routeBatch(ports, [about("done", id)]);
    expect(calls.made.filter((call) => call === "count")).toHaveLength(1);
    await time.pass(5_000);
    expect(calls.made.filter((call) => call === "count")).toHaveLength(2);
  });

  it("wait for the next batch where nothing may be under way between two", async () => {
    const { events, calls, time } = await aCounter();
    const counter = deliveryCounter({
      events: surrounded(events, ["count"], calls.around),
      now: time.now,
      newId: () => "lambda-1",
      onError: (error) => expect.fail(String(error)),
    });
    const one = { component: "done", version: "7", alias: "stable", type: "done", outcome: "duplicate" } as const;
    const stored = () => calls.made.filter((call) => call === "count").length;
    for (const at of [1, 1, 1, 2]) {
      counter.add(one);
      await counter.settle();
      expect(stored()).toBe(at);
      await time.pass(2_000);
    }
  });

  it("name a failure by the beginning of what its version said", async () => {
    const error = { type: "E".repeat(300), message: "m".repeat(300) };
    const target = async (): Promise<SendResult> => ({ outcome: "failed", error, executedVersion: "8", durationMs: 5 });
    const { ports, events } = await aRouter({ components: [aComponent({ name: "mailer" })], target });
    await routeBatch(ports, [about("done")]);
    await ports.counter.flush();
    const failures = await events.failures("mailer", { from: new Date(0), to: new Date("2100-01-01") }, 10);
    expect(failures).toMatchObject([{ errorType: "E".repeat(200), message: "m".repeat(200) }]);
  });

  it("are tried again every 5 s for as long as they can't be stored", async () => {
    const { ports, calls, time, troubles, counts } = await aCounter();
    for (let n = 0; n < 4; n++) calls.fail("count");
    await routeBatch(ports, [about("done")]);
    await time.pass(14_999);
    expect(troubles).toHaveLength(3);
    await time.pass(5_001);
    expect(troubles).toHaveLength(4);
    expect(await counts()).toEqual([["done", "7", "done", 1]]);
  });

  it("tell first attempts, retries and what a replay delivers apart", async () => {
    const { ports, events, time } = await aCounter();
    const message = about("failed");
    await routeBatch(ports, [message]);
    await time.pass(1_000);
    await routeBatch(ports, [again(message), about("done")]);
    await ports.counter.flush();
    const all = { from: new Date(0), to: new Date("2100-01-01") };
    const { counts } = await events.counts(all, "minute");
    expect(counts).toMatchObject([
      {
        component: "done",
        alias: "stable",
        type: "done",
        firsts: 1,
        failed: 0,
        retries: 0,
        durations: new Map([[4, 1]]),
      },
      {
        component: "failed",
        version: "8",
        firsts: 1,
        failed: 1,
        retries: 1,
        errors: new Map([["Broken: it broke", 1]]),
      },
    ]);
    expect(await events.failures("failed", all, 10)).toMatchObject([
      { eventId: "failed", version: "8", alias: "stable", type: "failed", errorType: "Broken", message: "it broke" },
    ]);
    expect(await events.failures("done", all, 10)).toEqual([]);
  });

  it("are counted also when one delivery's close fails", async () => {
    const { ports, calls, counts } = await aCounter();
    ports.until = ports.now;
    calls.fail("close");
    await expect(routeBatch(ports, [about("done")])).rejects.toThrow("close failed");
    expect(await counts()).toEqual([["done", "7", "done", 1]]);
  });
});
