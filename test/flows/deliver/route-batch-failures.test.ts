import { describe, expect, it } from "vitest";
import { MAX_LAPSES } from "../../../shared/domain/deliveries/delivery.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { again, aMessage, aRouter, done, failed, T0, turnoutOf } from "../../support/router.ts";

const mailer = aComponent({ name: "mailer" });
const invoice = aComponent({ name: "invoice" });
const throttled: SendResult = { outcome: "throttled", error: { type: "Busy", message: "no room" } };

describe("a delivery that fails", () => {
  it("comes back with its backoff, not before it is due, and is dead after its last attempt", async () => {
    const component = aComponent({ retry: { maxAttempts: 3, baseDelayMs: 500 } });
    const { ports, sends, time, ledger, reports } = await aRouter({
      components: [component],
      target: async () => failed,
    });
    let message = aMessage();
    expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs: 250 }]);

    await time.pass(249);
    message = again(message);
    expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs: 1 }]);
    expect(sends).toHaveLength(1);

    await time.pass(1);
    message = again(message);
    expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs: 500 }]);
    await time.pass(500);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);

    expect(sends.map((send) => turnoutOf(send).attempt)).toEqual([1, 2, 3]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "dead"]);
    expect(await ledger()).toMatchObject([
      { status: "dead", failures: 3, attempt: 3, error: { type: "Broken", message: "it broke" } },
    ]);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends).toHaveLength(3);
  });

  it("because the target threw keeps the error, and its neighbours are closed", async () => {
    const { ports, calls, ledger } = await aRouter({ components: [mailer, invoice] });
    calls.fail("send mailer", "before", new Error("a bug in the target"));
    const message = aMessage();
    expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs: 250 }]);
    expect(await ledger()).toMatchObject([
      { component: "invoice", status: "done" },
      { component: "mailer", status: "failed", error: { type: "TargetThrew", message: "a bug in the target" } },
    ]);
  });

  it("because the target had no room isn't counted, however often, and waits longer each time", async () => {
    let full = true;
    const component = aComponent({ retry: { maxAttempts: 1 } });
    const { ports, time, ledger, reports } = await aRouter({
      components: [component],
      target: async () => (full ? throttled : done),
    });
    let message = aMessage();
    for (const retryInMs of [250, 500, 1_000]) {
      expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs }]);
      await time.pass(retryInMs);
      message = again(message);
    }
    full = false;
    expect(await routeBatch(ports, [message])).toEqual([]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["postponed", "postponed", "postponed", "done"]);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 4, failures: 0 }]);
  });

  it("because too little of the lease was left isn't counted", async () => {
    const { ports, calls, time, ledger } = await aRouter();
    ports.target = async ({ latestStart }) => (time.now() > latestStart ? throttled : done);
    const recorded = calls.hold("record", "after");
    const message = aMessage();
    const batch = routeBatch(ports, [message]);
    await eventually(recorded.reached);
    await time.pass(3_001);
    recorded.release();
    expect(await batch).toEqual([{ message, retryInMs: 250 }]);
    expect(await ledger()).toMatchObject([{ status: "failed", attempt: 1, failures: 0 }]);
  });
});

describe("a lease that lapsed", () => {
  it("lets another router deliver, and the first one's late close changes nothing", async () => {
    const { ports, calls, sends, time, ledger, reports } = await aRouter();
    const zombie = calls.hold("send release-coordinator", "after");
    const message = aMessage();
    const stuck = routeBatch(ports, [message]);
    await eventually(zombie.reached);
    await time.pass(34_999);
    const early = again(message);
    expect(await routeBatch(ports, [early])).toEqual([{ message: early, retryInMs: 1 }]);
    await time.pass(1);
    ports.target = async () => ({ outcome: "done", executedVersion: "8", durationMs: 5 });
    expect(await routeBatch(ports, [again(early)])).toEqual([]);
    const after = await ledger();
    expect(after).toMatchObject([{ status: "done", attempt: 2, failures: 0, lapses: 1, executedVersion: "8" }]);

    zombie.release();
    expect(await stuck).toEqual([{ message, retryInMs: 1_000 }]);
    expect(await ledger()).toEqual(after);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["done", "superseded"]);
    expect(sends).toHaveLength(1);
  });

  it("leaves the delivery to whoever reclaimed it, also while that one is still sending", async () => {
    const { ports, calls, time, ledger } = await aRouter();
    const [zombie, newer] = [
      calls.hold("send release-coordinator", "after"),
      calls.hold("send release-coordinator", "after"),
    ];
    const message = aMessage();
    const stuck = routeBatch(ports, [message]);
    await eventually(zombie.reached);
    await time.pass(35_000);
    const second = routeBatch(ports, [again(message)]);
    await eventually(newer.reached);
    zombie.release();
    expect(await stuck).toEqual([{ message, retryInMs: 1_000 }]);
    expect(await ledger()).toMatchObject([{ status: "claimed", attempt: 2 }]);
    newer.release();
    expect(await second).toEqual([]);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 2 }]);
  });

  it("doesn't use up an attempt, but the delivery is dead without another send when too many have", async () => {
    const component = aComponent({ retry: { maxAttempts: 2 } });
    const { ports, calls, sends, time, ledger, reports } = await aRouter({ components: [component] });
    let message = aMessage();
    for (let attempt = 1; attempt <= MAX_LAPSES; attempt++) {
      const send = calls.hold("send release-coordinator");
      // Never answered, as if the version had taken the router down with it.
      void routeBatch(ports, [message]);
      await eventually(send.reached);
      await time.pass(45_000);
      message = again(message);
    }
    expect(await routeBatch(ports, [message])).toEqual([]);
    expect(sends).toHaveLength(MAX_LAPSES);
    expect(reports).toMatchObject([{ outcome: "dead", attempt: MAX_LAPSES + 1, error: { type: "LeaseLapsed" } }]);
    expect(await ledger()).toMatchObject([{ status: "dead" }]);
  });
});

describe("when the store fails", () => {
  it.each(["before", "after"] as const)(
    "to record (%s it did), nothing is sent and the claims are free at once",
    async (when) => {
      const { ports, calls, sends, ledger } = await aRouter({ components: [mailer, invoice] });
      calls.fail("record", when);
      const message = aMessage();
      await expect(routeBatch(ports, [message])).rejects.toThrow("record failed");
      expect(sends).toEqual([]);
      expect(await ledger()).toMatchObject([
        { status: "failed", failures: 0 },
        { status: "failed", failures: 0 },
      ]);

      expect(await routeBatch(ports, [again(message)])).toEqual([]);
      expect(sends.map((send) => turnoutOf(send).attempt)).toEqual([2, 2]);
    },
  );

  it("when the store fails to record an event that nobody listens to, only the message comes back", async () => {
    const { ports, calls } = await aRouter({ components: [] });
    calls.fail("record");
    await expect(routeBatch(ports, [aMessage()])).rejects.toThrow("record failed");
    expect(calls.made).not.toContain("close");
  });

  it("when the store fails to record and to give the claims back, they are free when their lease ends", async () => {
    const { ports, calls, sends, time } = await aRouter();
    ports.until = ports.now;
    calls.fail("record");
    calls.fail("close");
    const message = aMessage();
    await expect(routeBatch(ports, [message])).rejects.toThrow("record failed");
    expect(await routeBatch(ports, [again(message)])).toHaveLength(1);
    await time.pass(35_000);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends).toHaveLength(1);
  });

  it("when the store fails to claim before it did, the whole batch comes back and nothing is sent", async () => {
    const { ports, calls, sends, ledger } = await aRouter();
    calls.fail("claim", "before");
    await expect(routeBatch(ports, [aMessage()])).rejects.toThrow("claim failed");
    expect([sends, await ledger()]).toEqual([[], []]);
    expect(await routeBatch(ports, [aMessage()])).toEqual([]);
    expect(sends).toHaveLength(1);
  });

  it("when the store fails to answer a claim, nothing is sent until the lease nobody knows of has ended", async () => {
    const { ports, calls, sends, time, ledger } = await aRouter();
    calls.fail("claim", "after");
    const message = aMessage();
    await expect(routeBatch(ports, [message])).rejects.toThrow("claim failed");
    expect(await routeBatch(ports, [again(message)])).toHaveLength(1);
    expect(sends).toEqual([]);
    await time.pass(35_000);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 2 }]);
  });

  it("when the store fails to answer a claim that it is asked for again, the router knows its own", async () => {
    const { ports, events, sends, ledger } = await aRouter();
    const asksTwice: typeof events.claim = async (...request) => {
      await events.claim(...request);
      return events.claim(...request);
    };
    ports.events = { ...ports.events, claim: asksTwice };
    expect(await routeBatch(ports, [aMessage()])).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 1 }]);
  });

  it("to close before it did, the message comes back and is sent again when the lease has ended", async () => {
    const { ports, calls, sends, time, ledger } = await aRouter();
    ports.until = ports.now;
    calls.fail("close", "before");
    const message = aMessage();
    await expect(routeBatch(ports, [message])).rejects.toThrow("close failed");
    expect(await routeBatch(ports, [again(message)])).toHaveLength(1);
    await time.pass(35_000);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends.map((send) => turnoutOf(send).attempt)).toEqual([1, 2]);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 2 }]);
  });

  it("when the store fails to answer a close, the message comes back and is found done", async () => {
    const { ports, calls, sends, reports } = await aRouter();
    ports.until = ports.now;
    calls.fail("close", "after");
    const message = aMessage();
    await expect(routeBatch(ports, [message])).rejects.toThrow("close failed");
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["redelivered"]);
  });

  it("to close one delivery, the sends that are still out run to their end before the batch comes back", async () => {
    const { ports, calls, time, ledger } = await aRouter({ components: [mailer, invoice] });
    const slow = calls.hold("send mailer");
    ports.until = ports.now;
    calls.fail("close");
    let ended = false;
    const batch = routeBatch(ports, [aMessage()]).finally(() => {
      ended = true;
    });
    await eventually(() => time.running() === 1);
    await time.pass(250);
    await eventually(() => calls.made.includes("close"));
    await time.pass(10_000);
    expect(ended).toBe(false);
    slow.release();
    await expect(batch).rejects.toThrow("close failed");
    expect(await ledger()).toMatchObject([
      { component: "invoice", status: "claimed" },
      { component: "mailer", status: "done" },
    ]);
  });

  it("when the store fails to store a rejection, the message comes back and is rejected then", async () => {
    const { ports, calls, sends, ledger } = await aRouter();
    await routeBatch(ports, [aMessage()]);
    calls.fail("reject");
    const forged = aMessage({ messageId: "forged", detail: { total: 9 } });
    await expect(routeBatch(ports, [forged])).rejects.toThrow("reject failed");
    expect(await routeBatch(ports, [again(forged)])).toEqual([]);
    expect((await ledger()).map(({ status }) => status)).toEqual(["done", "rejected"]);
    expect(sends).toHaveLength(1);
  });

  it("when the store fails to tell of routing changes, nothing is sent, and no claim is left", async () => {
    const { ports, calls, sends, ledger } = await aRouter();
    calls.fail("head");
    await expect(routeBatch(ports, [aMessage()])).rejects.toThrow("head failed");
    expect(sends).toEqual([]);
    expect(await ledger()).toEqual([]);
  });
});

describe("the record that counts for a delivery", () => {
  const later = (ms: number) => new Date(T0.getTime() + ms);
  const counting = async ({ ledger, records }: Pick<Awaited<ReturnType<typeof aRouter>>, "ledger" | "records">) => {
    const [entry] = await ledger();
    return (await records()).filter(({ t0 }) => t0.getTime() === entry?.t0.getTime());
  };

  it("is there before the send, also when the message that won the claim was never recorded", async () => {
    const router = await aRouter();
    const { ports, calls } = router;
    calls.fail("record");
    const lost = aMessage({ messageId: "lost", sentAt: later(0) });
    const retry = aMessage({ messageId: "retry", sentAt: later(5) });
    await expect(routeBatch(ports, [lost])).rejects.toThrow("record failed");
    const send = calls.hold("send release-coordinator");
    const batch = routeBatch(ports, [retry]);
    await eventually(send.reached);
    expect(await counting(router)).toHaveLength(1);
    send.release();
    expect(await batch).toEqual([]);

    expect(await routeBatch(ports, [again(lost)])).toEqual([]);
    expect(await counting(router)).toHaveLength(1);
  });
});
