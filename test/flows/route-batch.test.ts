import { describe, expect, it } from "vitest";
import { MAX_ERROR_CHARS } from "../../shared/domain/delivery.ts";
import { deliveryKeyOf, eventKeyOf, LIVE } from "../../shared/domain/delivery-key.ts";
import type { QueuedMessage } from "../../shared/flows/read-messages.ts";
import { routeBatch } from "../../shared/flows/route-batch.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { Send, SendResult } from "../../shared/targets/target.ts";
import { aComponent, anEvent, aPin, aSubjectRow, bodyOf } from "../support/builders.ts";
import { eventually } from "../support/port-calls.ts";
import { aMessage, aRouter, done, failed, putRows, T0 } from "../support/router.ts";

const mailer = aComponent({ name: "mailer" });
const invoice = aComponent({ name: "invoice" });
const throttled: SendResult = { outcome: "throttled", error: { type: "Busy", message: "no room" } };
const eventKey = eventKeyOf("shop", "order placed", "event-1");

/** The message as the queue hands it out the next time. */
const again = (message: QueuedMessage): QueuedMessage =>
  aMessage({ ...message, receiveCount: message.receiveCount + 1 });
const turnoutOf = (send: Send | undefined) => JSON.parse(send?.payload ?? "{}").turnout;

describe("a batch", () => {
  it("hands over the published text byte for byte, with one field added", async () => {
    const { ports, sends } = await aRouter({
      components: [mailer],
      rows: { "project#site": aSubjectRow({ customer: "acme" }), "customer#acme": aSubjectRow({ plan: "paid" }) },
    });
    const published =
      '{ "detail-type":"order placed","source":"shop",\n "id":"e-1", "time":"2026-11-20T10:00:00Z",' +
      ' "detail":{"total":12345678901234567890.10,"metadata":{"project":"site","idempotencyKey":"k","flow":"f","traceparent":"t"}}';

    expect(await routeBatch(ports, [aMessage({ body: `${published} }` })])).toEqual([]);

    const turnout = {
      component: "mailer",
      alias: "stable",
      because: "default alias",
      fallback: false,
      idempotencyKey: "k",
      generation: "live",
      attempt: 1,
      routingRevision: 1,
      subject: { project: "site", customer: "acme", plan: "paid" },
      replay: null,
      flow: "f",
      traceparent: "t",
    };
    expect(sends.map(({ payload }) => payload)).toEqual([`${published} ,"turnout":${JSON.stringify(turnout)}}`]);
  });

  it("tells the target how it is reached and how long it may take", async () => {
    const component = aComponent({ name: "mailer", timeoutMs: 7_000, worker: { concurrency: 9 } });
    const { ports, sends, time } = await aRouter({ components: [component] });
    await routeBatch(ports, [aMessage()]);
    expect(sends).toEqual([
      {
        component: "mailer",
        alias: "stable",
        address: { kind: "worker" },
        worker: component.worker,
        payload: expect.any(String),
        requestId: expect.stringMatching(/^id-/),
        timeoutMs: 7_000,
        latestStart: new Date(time.now().getTime() + 3_000),
      },
    ]);
  });

  it.each(["claim", "record"])(
    "sends nothing before the store has answered its %s, and closes after the send",
    async (call) => {
      const { ports, calls, sends, ledger } = await aRouter();
      const [stored, sent] = [calls.hold(call, "after"), calls.hold("send release-coordinator", "after")];
      const batch = routeBatch(ports, [aMessage()]);
      await eventually(stored.reached);
      expect(sends).toEqual([]);
      stored.release();
      await eventually(sent.reached);
      expect(calls.made).not.toContain("close");
      expect(await ledger()).toMatchObject([{ status: "claimed" }]);
      sent.release();
      await batch;
      expect(await ledger()).toMatchObject([{ status: "done", executedVersion: "7", attempt: 1 }]);
    },
  );

  it("of ten costs one look at the head, one claim, one record, ten sends and one close", async () => {
    const { ports, calls } = await aRouter({ components: [mailer] });
    const batch = (name: string) =>
      Array.from({ length: 10 }, (_, index) => aMessage({ messageId: `${name}-${index}`, id: `${name}-${index}` }));
    await routeBatch(ports, batch("cold"));
    calls.since();
    await routeBatch(ports, batch("warm"));
    expect(calls.made.toSorted()).toEqual(["claim", "close", "head", "record", ...Array(10).fill("send mailer")]);
  });

  it("without messages does nothing to the ledger", async () => {
    const { ports, ledger } = await aRouter();
    expect(await routeBatch(ports, [])).toEqual([]);
    expect(await ledger()).toEqual([]);
  });

  it("records an event that nobody listens to, and is done with it", async () => {
    const { ports, calls, records, reports } = await aRouter({
      components: [aComponent({ pattern: { source: ["x"] } })],
    });
    expect(await routeBatch(ports, [aMessage()])).toEqual([]);
    expect(await records()).toMatchObject([{ id: "event-1", components: [], t0: T0, eventKey }]);
    expect(reports).toMatchObject([{ outcome: "unmatched" }]);
    expect(calls.made).not.toContain("claim");
  });

  it.each([
    { what: "text that isn't JSON", body: "not json", says: /^not JSON: / },
    { what: "no envelope", body: "{}", says: /id: .*source: / },
    {
      what: "a customer that is no text",
      body: bodyOf(anEvent({ metadata: { customer: 7 } })),
      says: /^detail\.metadata\.customer: /,
    },
  ])("stores a message with $what as it is, says why, and is done with it", async ({ body, says }) => {
    const { ports, sends, records, reports } = await aRouter();
    const [good, bad] = [aMessage({ messageId: "good" }), aMessage({ messageId: "bad", body })];
    expect(await routeBatch(ports, [bad, good])).toEqual([]);
    const stored = (await records()).find(({ messageId }) => messageId === "bad");
    expect(stored).toMatchObject({ body, rejected: expect.stringMatching(says) });
    expect(reports.find(({ record }) => record.messageId === "bad")).toMatchObject({
      outcome: "rejected",
      error: { type: "Unreadable", message: stored?.rejected },
    });
    expect(sends).toHaveLength(1);
  });

  it("sends to every component that listens, and repeats only the one that failed", async () => {
    let broken = true;
    const target = async ({ component }: Send) => (broken && component === "invoice" ? failed : done);
    const { ports, sends, time, ledger } = await aRouter({ components: [mailer, invoice], target });
    const message = aMessage();

    expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs: 250 }]);
    expect(sends.map(({ component }) => component).toSorted()).toEqual(["invoice", "mailer"]);

    broken = false;
    await time.pass(250);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends.slice(2).map(({ component }) => component)).toEqual(["invoice"]);
    expect((await ledger()).map(({ component, status, attempt }) => [component, status, attempt])).toEqual([
      ["invoice", "done", 2],
      ["mailer", "done", 1],
    ]);
  });

  it("takes a message back when the first of its deliveries is due", async () => {
    const patient = aComponent({ name: "patient", retry: { baseDelayMs: 20_000 } });
    const { ports } = await aRouter({ components: [patient, mailer], target: async () => failed });
    const message = aMessage();
    expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs: 250 }]);
  });

  it("writes closes 250 ms after the first, so that a quick delivery needn't wait for a slow one", async () => {
    const { ports, calls, time, ledger } = await aRouter({
      components: [mailer, invoice, aComponent({ name: "late" })],
    });
    const [slow, late] = [calls.hold("send mailer"), calls.hold("send late")];
    const batch = routeBatch(ports, [aMessage()]);
    const atRest = async () =>
      (await ledger()).filter(({ status }) => status === "done").map(({ component }) => component);
    await eventually(() => time.running() === 1);
    late.release();
    await time.pass(249);
    expect(calls.made).not.toContain("close");
    await time.pass(1);
    await eventually(async () => (await atRest()).length > 0);
    expect(await atRest()).toEqual(["invoice", "late"]);
    slow.release();
    await batch;
    expect(calls.made.filter((call) => call === "close")).toHaveLength(2);
    expect(time.running()).toBe(0);
  });
});

describe("the same key again", () => {
  const first = aMessage({ messageId: "first", id: "a", idempotencyKey: "event-1" });
  const retry = aMessage({ messageId: "retry", id: "b", idempotencyKey: "event-1", time: "2026-11-20T10:00:09Z" });

  it("in the same batch is sent once", async () => {
    const { ports, sends, reports, records } = await aRouter();
    expect(await routeBatch(ports, [first, retry])).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["done", "duplicate"]);
    // Sent in the same millisecond with the same payload: one record of the two says all there is to say.
    expect(await records()).toHaveLength(1);
  });

  it("in a later batch is sent once, and both messages are recorded", async () => {
    const { ports, sends, reports, records } = await aRouter();
    await routeBatch(ports, [first]);
    expect(await routeBatch(ports, [{ ...retry, sentAt: new Date(T0.getTime() + 1) }])).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["done", "duplicate"]);
    expect((await records()).map(({ messageId }) => messageId)).toEqual(["first", "retry"]);
  });

  it("in a batch at the same time is sent once; the other looks again, ever later, until it finds it done", async () => {
    const { ports, calls, sends } = await aRouter();
    const send = calls.hold("send release-coordinator");
    const batch = routeBatch(ports, [first]);
    await eventually(send.reached);

    for (const [receiveCount, retryInMs] of [
      [1, 1_000],
      [2, 2_000],
      [5, 16_000],
      [40, 35_000],
    ] as const) {
      const message = aMessage({ ...retry, receiveCount });
      expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs }]);
    }
    send.release();
    expect(await batch).toEqual([]);
    expect(await routeBatch(ports, [retry])).toEqual([]);
    expect(sends).toHaveLength(1);
  });

  it("in the same batch is tried again when the first failed and is due at once", async () => {
    let broken = true;
    const target = async () => (broken ? failed : done);
    const { ports, sends } = await aRouter({ target });
    ports.random = () => 0;
    ports.report = () => {
      broken = false;
    };
    const returned = await routeBatch(ports, [first, retry]);
    expect(returned).toEqual([{ message: first, retryInMs: 0 }]);
    expect(sends.map((send) => turnoutOf(send).attempt)).toEqual([1, 2]);
  });

  it.each(["in the same batch", "in a later batch"])(
    "with another payload %s is never sent, and stands in the ledger with both hashes",
    async (when) => {
      const { ports, sends, reports, ledger, records } = await aRouter();
      const forged = aMessage({ messageId: "forged", idempotencyKey: "event-1", detail: { total: 9 } });
      const batches = when === "in the same batch" ? [[first, forged]] : [[first], [forged]];
      for (const batch of batches) expect(await routeBatch(ports, batch)).toEqual([]);

      expect(sends).toHaveLength(1);
      expect(await records()).toHaveLength(2);
      const [original, rejected] = await ledger();
      expect(original).toMatchObject({ status: "done" });
      expect(rejected).toMatchObject({ status: "rejected", attempt: 0, t0: T0 });
      expect(rejected?.deliveryKey).toBe(`${original?.deliveryKey}#${rejected?.payloadHash}`);
      expect(rejected?.error?.message).toContain(`${rejected?.payloadHash} now, ${original?.payloadHash} then`);
      expect(rejected?.error?.message.length).toBeLessThanOrEqual(MAX_ERROR_CHARS);
      expect(reports.at(-1)).toMatchObject({ outcome: "rejected", error: rejected?.error });
    },
  );
});

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
    expect(after).toMatchObject([{ status: "done", attempt: 2, failures: 1, executedVersion: "8" }]);

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

  it("counts as a failure, and the delivery is dead without another send when there are no attempts left", async () => {
    const component = aComponent({ retry: { maxAttempts: 2 } });
    const { ports, calls, sends, time, ledger, reports } = await aRouter({ components: [component] });
    let message = aMessage();
    for (let attempt = 1; attempt <= 2; attempt++) {
      const send = calls.hold("send release-coordinator");
      // Never answered, as if the version had taken the router down with it.
      void routeBatch(ports, [message]);
      await eventually(send.reached);
      await time.pass(35_000);
      message = again(message);
    }
    expect(await routeBatch(ports, [message])).toEqual([]);
    expect(sends).toHaveLength(2);
    expect(reports).toMatchObject([{ outcome: "dead", attempt: 3, error: { type: "LeaseLapsed" } }]);
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

  it("to record an event that nobody listens to, only the message comes back", async () => {
    const { ports, calls } = await aRouter({ components: [] });
    calls.fail("record");
    await expect(routeBatch(ports, [aMessage()])).rejects.toThrow("record failed");
    expect(calls.made).not.toContain("close");
  });

  it("to record and to give the claims back, they are free when their lease ends", async () => {
    const { ports, calls, sends, time } = await aRouter();
    calls.fail("record");
    calls.fail("close");
    const message = aMessage();
    await expect(routeBatch(ports, [message])).rejects.toThrow("record failed");
    expect(await routeBatch(ports, [again(message)])).toHaveLength(1);
    await time.pass(35_000);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends).toHaveLength(1);
  });

  it("to claim before it did, the whole batch comes back and nothing is sent", async () => {
    const { ports, calls, sends, ledger } = await aRouter();
    calls.fail("claim", "before");
    await expect(routeBatch(ports, [aMessage()])).rejects.toThrow("claim failed");
    expect([sends, await ledger()]).toEqual([[], []]);
    expect(await routeBatch(ports, [aMessage()])).toEqual([]);
    expect(sends).toHaveLength(1);
  });

  it("to answer a claim, nothing is sent until the lease nobody knows of has ended", async () => {
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

  it("to answer a claim that it is asked for again, the router knows its own", async () => {
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
    calls.fail("close", "before");
    const message = aMessage();
    await expect(routeBatch(ports, [message])).rejects.toThrow("close failed");
    expect(await routeBatch(ports, [again(message)])).toHaveLength(1);
    await time.pass(35_000);
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends.map((send) => turnoutOf(send).attempt)).toEqual([1, 2]);
    expect(await ledger()).toMatchObject([{ status: "done", attempt: 2 }]);
  });

  it("to answer a close, the message comes back and is found done", async () => {
    const { ports, calls, sends, reports } = await aRouter();
    calls.fail("close", "after");
    const message = aMessage();
    await expect(routeBatch(ports, [message])).rejects.toThrow("close failed");
    expect(await routeBatch(ports, [again(message)])).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["duplicate"]);
  });

  it("to close one delivery, the sends that are still out run to their end before the batch comes back", async () => {
    const { ports, calls, time, ledger } = await aRouter({ components: [mailer, invoice] });
    const slow = calls.hold("send mailer");
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

  it("to store a rejection, the message comes back and is rejected then", async () => {
    const { ports, calls, sends, ledger } = await aRouter();
    await routeBatch(ports, [aMessage()]);
    calls.fail("reject");
    const forged = aMessage({ messageId: "forged", detail: { total: 9 } });
    await expect(routeBatch(ports, [forged])).rejects.toThrow("reject failed");
    expect(await routeBatch(ports, [again(forged)])).toEqual([]);
    expect((await ledger()).map(({ status }) => status)).toEqual(["done", "rejected"]);
    expect(sends).toHaveLength(1);
  });

  it("to tell of routing changes, nothing is claimed, recorded or sent", async () => {
    const { ports, calls } = await aRouter();
    calls.fail("head");
    await expect(routeBatch(ports, [aMessage()])).rejects.toThrow("head failed");
    expect(calls.made).toEqual(["head"]);
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

describe("where an event goes", () => {
  const site = aMessage({ project: "site" });

  it("is decided by a change that was committed before the batch began", async () => {
    const { ports, table, sends } = await aRouter();
    await routeBatch(ports, [aMessage({ id: "1", project: "site" })]);
    await putRows(table, { "project#site": aSubjectRow({ pins: { "release-coordinator": aPin() } }) });
    await routeBatch(ports, [aMessage({ id: "2", project: "site" })]);
    expect(sends.map(({ alias }) => alias)).toEqual(["stable", "beta"]);
    expect(sends.map((send) => turnoutOf(send).routingRevision)).toEqual([1, 2]);
  });

  it("is decided by a component that was registered before the batch began, on a router that knew none", async () => {
    const { ports, table, sends } = await aRouter({ components: [] });
    await routeBatch(ports, [aMessage({ id: "1" })]);
    await putRows(table, { "component#mailer": mailer });
    await routeBatch(ports, [aMessage({ id: "2" })]);
    expect(sends.map(({ component }) => component)).toEqual(["mailer"]);
  });

  it("follows a change on the next attempt", async () => {
    const { ports, table, sends, time, ledger } = await aRouter({
      target: async ({ alias }) => (alias === "beta" ? failed : done),
    });
    await putRows(table, { "project#site": aSubjectRow({ pins: { "release-coordinator": aPin() } }) });
    await routeBatch(ports, [site]);
    await putRows(table, { "project#site": null });
    await time.pass(250);
    expect(await routeBatch(ports, [again(site)])).toEqual([]);
    expect(sends.map(({ alias }) => alias)).toEqual(["beta", "stable"]);
    expect(await ledger()).toMatchObject([{ alias: "stable", because: "default alias", routingRevision: 3 }]);
  });

  it.each([
    { what: "unknown", aliases: ["stable"] },
    {
      what: "retired",
      aliases: { stable: { target: { kind: "worker" } }, gone: { target: { kind: "worker" }, retired: true } },
    },
  ] as const)("falls back, and says so, when the pin's alias is $what", async ({ aliases }) => {
    const { ports, sends, reports } = await aRouter({
      components: [aComponent({ aliases })],
      rows: { "project#site": aSubjectRow({ pins: { "release-coordinator": aPin({ alias: "gone" }) } }) },
    });
    await routeBatch(ports, [site]);
    expect(turnoutOf(sends[0])).toMatchObject({ alias: "stable", because: "project pin", fallback: true });
    expect(reports).toMatchObject([{ outcome: "done", decision: { alias: "stable", named: "gone", fallback: true } }]);
  });

  it("is a failure when not even the fallback alias is there", async () => {
    const { ports, sends, ledger } = await aRouter({ components: [aComponent({ aliases: ["beta"] })] });
    expect(await routeBatch(ports, [site])).toHaveLength(1);
    expect(sends).toEqual([]);
    expect(await ledger()).toMatchObject([{ status: "failed", error: { type: "NoAlias" } }]);
  });

  it("is never what the event's metadata asks for", async () => {
    const { ports, sends } = await aRouter();
    await routeBatch(ports, [aMessage({ metadata: { alias: "beta" } })]);
    expect(sends.map(({ alias }) => alias)).toEqual(["stable"]);
  });

  it("is the same on two routers, each with a cache of its own", async () => {
    const { ports, table, sends } = await aRouter();
    const other = { ...ports, routing: routingCache(table) };
    await routeBatch(ports, [aMessage({ id: "1", project: "site" })]);
    await routeBatch(other, [aMessage({ id: "2", project: "site" })]);
    await putRows(table, { "project#site": aSubjectRow({ pins: { "release-coordinator": aPin() } }) });
    await routeBatch(other, [aMessage({ id: "3", project: "site" })]);
    await routeBatch(ports, [aMessage({ id: "4", project: "site" })]);
    expect(sends.map(({ alias }) => alias)).toEqual(["stable", "stable", "beta", "beta"]);
  });

  it("stands in the ledger with its reason", async () => {
    const { ports, ledger } = await aRouter();
    await routeBatch(ports, [site]);
    expect(await ledger()).toMatchObject([
      { deliveryKey: deliveryKeyOf("release-coordinator", eventKey, LIVE), alias: "stable", because: "default alias" },
    ]);
  });
});
