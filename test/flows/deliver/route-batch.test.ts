import { describe, expect, it } from "vitest";
import { deliveryKeyOf, eventKeyOf, LIVE } from "../../../shared/domain/deliveries/delivery-key.ts";
import { MAX_ERROR_CHARS } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { aComponent, anEvent, anOrdersKey, aPin, aSubjectRow, bodyOf } from "../../support/builders.ts";
import { eventually } from "../../support/port-calls.ts";
import { again, aMessage, aRouter, done, failed, putRows, T0, turnoutOf } from "../../support/router.ts";

const mailer = aComponent({ name: "mailer" });
const invoice = aComponent({ name: "invoice" });
const eventKey = eventKeyOf("shop", "order placed", "event-1");

describe("a batch", () => {
  it("hands over the published text byte for byte, with one field added", async () => {
    const { ports, sends } = await aRouter({
      components: [mailer],
      rows: { "project#site": aSubjectRow({ customer: "acme" }), "customer#acme": aSubjectRow({ plan: "paid" }) },
    });
    const published =
      '{ "detail-type":"order placed","source":"shop",\n "id":"e-1", "time":"2026-11-20T10:00:00Z",' +
      ' "detail":{"total":12345678901234567890.10,"metadata":{"project":"site","idempotencyKey":"k","flow":"f","traceparent":"t","replay":"r"}}';

    expect(await routeBatch(ports, [aMessage({ body: `${published} }` })])).toEqual([]);

    const turnout = {
      component: "mailer",
      alias: "stable",
      because: "default alias",
      fallback: false,
      idempotencyKey: anOrdersKey("k"),
      publisherKey: "k",
      generation: "live",
      attempt: 1,
      routingRevision: 1,
      subject: { project: "site", customer: "acme", plan: "paid" },
      replay: null,
      flow: "f",
      traceparent: "t",
      causedByReplay: "r",
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
        invocation: { kind: "sync" },
        worker: component.worker,
        subject: {},
        payload: expect.any(String),
        idempotencyKey: expect.stringMatching(/^[0-9a-f]{64}#live$/),
        lapses: 0,
        of: { eventId: "event-1", attempt: 1 },
        requestId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
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

  it("a batch of ten costs one look at the head, one claim, one record, ten sends, one close and one count", async () => {
    const { ports, calls, time } = await aRouter({ components: [mailer] });
    const batch = (name: string) =>
      Array.from({ length: 10 }, (_, index) => aMessage({ messageId: `${name}-${index}`, id: `${name}-${index}` }));
    await routeBatch(ports, batch("cold"));
    await time.pass(5_000);
    calls.since();
    await routeBatch(ports, batch("warm"));
    expect(calls.made.toSorted()).toEqual([
      "claim",
      "close",
      "count",
      "head",
      "record",
      ...Array(10).fill("send mailer"),
    ]);
  });

  it("looks for nothing that was done before of messages that come for the first time", async () => {
    const { ports, sends } = await aRouter();
    ports.events.deliveriesOf = () => Promise.reject(new Error("nobody asks"));
    expect(await routeBatch(ports, [aMessage()])).toEqual([]);
    await expect(routeBatch(ports, [aMessage({ id: "2" })], { received: true })).rejects.toThrow("nobody asks");
    expect(sends).toHaveLength(1);
  });

  it("a batch without messages does nothing to the ledger", async () => {
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

  it("the same key again in the same batch is sent once", async () => {
    const { ports, sends, reports, records } = await aRouter();
    expect(await routeBatch(ports, [first, retry])).toEqual([]);
    expect(sends).toHaveLength(1);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["done", "duplicate"]);
    // Sent in the same millisecond with the same payload: one record of the two says all there is to say.
    expect(await records()).toHaveLength(1);
  });

  it("the same key again in a later batch is sent once, and both messages are recorded", async () => {
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
      [5, 8_750],
      [40, 8_750],
    ] as const) {
      const message = aMessage({ ...retry, receiveCount });
      expect(await routeBatch(ports, [message])).toEqual([{ message, retryInMs }]);
    }
    send.release();
    expect(await batch).toEqual([]);
    expect(await routeBatch(ports, [retry])).toEqual([]);
    expect(sends).toHaveLength(1);
  });

  it("the same key again in the same batch is tried again when the first failed and is due at once", async () => {
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
      expect(rejected).toMatchObject({ status: "rejected", attempt: 0, failures: 0, lapses: 0, t0: T0 });
      expect(rejected?.deliveryKey).toBe(`${original?.deliveryKey}#${rejected?.payloadHash}`);
      expect(rejected?.error?.message).toContain(`${rejected?.payloadHash} now, ${original?.payloadHash} then`);
      expect(rejected?.error?.message.length).toBeLessThanOrEqual(MAX_ERROR_CHARS);
      expect(reports.at(-1)).toMatchObject({ outcome: "rejected", error: rejected?.error });
    },
  );
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
