import { describe, expect, it } from "vitest";
import { taskStarter } from "../../../shared/domain/deliveries/attempt-reference.ts";
import { deliveredEvent } from "../../../shared/domain/deliveries/delivered-event.ts";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { type OutcomePorts, takeOutcomes } from "../../../shared/flows/deliver/take-outcomes.ts";
import type { Send } from "../../../shared/targets/target.ts";
import { aComponent, anEvent, anOrdersKey, bodyOf } from "../../support/builders.ts";
import { anExecutionChange, aTaskChange } from "../../support/ends-of-work.ts";
import { eventually, surrounded } from "../../support/port-calls.ts";
import { aMessage, aRouter, putRows, turnoutOf } from "../../support/router.ts";

const invocation = { kind: "async", maxEventAgeMs: 60_000 } as const;
const component = aComponent({ name: "mailer", invocation, retry: { maxAttempts: 2 } });

/** A router whose component has accepted the events of these ids, and what takes the outcomes. */
async function accepted(...ids: string[]) {
  const router = await aRouter({
    components: [component],
    target: async () => ({ outcome: "accepted", durationMs: 5 }),
  });
  const { ports, events, calls } = router;
  const messages = ids.map((id) => aMessage({ messageId: id, id }));
  expect(await routeBatch(ports, messages)).toEqual([]);
  calls.since();
  const outcomePorts: OutcomePorts = {
    ...ports,
    events: surrounded(events, ["deliveriesOf", "close"], calls.around),
  };
  let told = 0;
  return {
    ...router,
    outcomePorts,
    messages,
    /** Takes messages; where they leave the token to Lambda, as it hands back what the version was given. */
    take: (...bodies: string[]) =>
      takeOutcomes(
        outcomePorts,
        bodies.map((body) => ({
          messageId: `outcome-${++told}`,
          body: handedBack(body, router.sends),
          sender: "AROA:evil",
        })),
      ),
  };
}

const HANDED_BACK = "what the version was given";

function handedBack(body: string, sends: readonly Send[]): string {
  if (!body.includes(HANDED_BACK)) return body;
  const { idempotencyKey, attempt } = JSON.parse(body).requestPayload.turnout;
  const own = sends
    .map((send) => turnoutOf(send))
    .find((turnout) => turnout.idempotencyKey === idempotencyKey && turnout.attempt === attempt);
  return body.replace(HANDED_BACK, own?.outcomeToken ?? "none");
}

type AboutOutcome = {
  id?: string;
  attempt?: number;
  error?: string;
  token?: string;
  functionName?: string;
  generation?: string;
  traceparent?: string;
};

/** What Lambda tells of an attempt: a success unless there is an error. */
function anOutcome(about: AboutOutcome = {}): string {
  const { id = "event-1", attempt = 1, error, token = HANDED_BACK, functionName = "mailer" } = about;
  const { generation = "live", traceparent } = about;
  const turnout = {
    component: "mailer",
    alias: "stable",
    because: "default alias",
    fallback: false,
    idempotencyKey: anOrdersKey(id, generation),
    publisherKey: id,
    generation,
    attempt,
    outcomeToken: token,
    routingRevision: 1,
    subject: {},
    replay: null,
    traceparent,
  } as const;
  const failure = error === undefined ? {} : { functionError: "Unhandled" };
  return JSON.stringify({
    requestContext: {
      requestId: "of-lambda",
      functionArn: `arn:aws:lambda:local:000000000000:function:${functionName}:stable`,
      condition: error === undefined ? "Success" : "RetriesExhausted",
    },
    requestPayload: JSON.parse(deliveredEvent(bodyOf(anEvent({ id })), turnout)),
    responseContext: { statusCode: 200, executedVersion: "23", ...failure },
    responsePayload: error === undefined ? null : { errorType: error, errorMessage: "it broke" },
  });
}

const shortOf = ({ status, attempt, failures }: LedgerEntry) => ({ status, attempt, failures });

describe("an outcome", () => {
  it("is told as an attempt's own, with the version that has run", async () => {
    const { take, reports } = await accepted("event-1");
    await take(anOutcome({ error: "Broken" }));
    expect(reports).toMatchObject([
      { outcome: "accepted", routingRevision: 1, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      {
        record: { id: "event-1", source: "shop", detailType: "order placed" },
        component: "mailer",
        decision: { alias: "stable", because: "default alias" },
        outcome: "failed",
        attempt: 1,
        executedVersion: "23",
        routingRevision: 1,
        requestId: "of-lambda",
        functionArn: "arn:aws:lambda:local:000000000000:function:mailer",
        error: { type: "Broken", message: "it broke" },
      },
    ]);
    await take(anOutcome({ error: "Broken" }));
    expect(reports).toHaveLength(2);
  });

  it("is told with the replay that the delivery is of, and the trace that its publisher began", async () => {
    const { take, ports, records, reports } = await accepted("event-1");
    const [record] = await records();
    if (record === undefined) throw new Error("nothing is stored");
    const body = redeliveryBody({ ...record, component: "mailer", generation: "r-7" });
    await routeBatch(ports, [aMessage({ body })]);
    reports.length = 0;
    await take(anOutcome(), anOutcome({ generation: "r-7", traceparent: "00-a-b-01" }));
    const told = reports.map(({ outcome, replay, traceparent }) => [outcome, replay, traceparent]);
    expect(told).toEqual([
      ["done", undefined, undefined],
      ["done", "r-7", "00-a-b-01"],
    ]);
    for (const name of ["replay", "traceparent", "error"]) expect(reports[0]).not.toHaveProperty(name);
  });

  it("an outcome of a success puts the delivery at rest with the version that ran", async () => {
    const { take, ledger, time } = await accepted("event-1");
    await time.pass(5_000);
    expect(await take(anOutcome())).toEqual([]);
    expect(await ledger()).toMatchObject([
      { status: "done", executedVersion: "23", closedAt: time.now(), attempts: [{ outcome: "done", version: "23" }] },
    ]);
  });

  it("an outcome of a failure parks the delivery, however short its backoff; after the last it is dead", async () => {
    const { ports, take, ledger, time, messages } = await accepted("event-1");
    await take(anOutcome({ error: "TypeError" }));
    const dueAt = new Date(time.now().getTime() + 250);
    expect(await ledger()).toMatchObject([
      { status: "failed", failures: 1, dueAt, nextAttemptAt: dueAt, error: { type: "TypeError", message: "it broke" } },
    ]);
    await time.pass(250);
    await routeBatch(ports, messages);
    await take(anOutcome({ attempt: 2, error: "TypeError" }));
    expect(await ledger()).toMatchObject([{ status: "dead", attempt: 2, failures: 2 }]);
  });

  it("counts as one of its component's version", async () => {
    const { take, counts } = await accepted("event-1", "event-2", "event-3");
    await take(anOutcome(), anOutcome({ id: "event-2" }), anOutcome({ id: "event-3", error: "TypeError" }));
    expect((await counts()).map(([, , version, outcome, count]) => [version, outcome, count])).toEqual([
      ["", "accepted", 3],
      ["23", "done", 2],
      ["23", "failed", 1],
    ]);
  });

  it("changes nothing when a newer attempt has been made, or none is known", async () => {
    const { ports, take, ledger, time, messages } = await accepted("event-1");
    await time.pass(60_000 + 30_000 + 5_000);
    await routeBatch(ports, messages);
    const before = await ledger();
    expect(before).toMatchObject([{ status: "accepted", attempt: 2, lapses: 1 }]);
    expect(await take(anOutcome(), anOutcome({ attempt: 3 }), anOutcome({ id: "unknown" }))).toEqual([]);
    expect(await ledger()).toEqual(before);
  });

  it("an outcome of the newest attempt is taken, also beside one of an attempt before", async () => {
    const { ports, take, ledger, time, messages } = await accepted("event-1");
    await time.pass(60_000 + 30_000 + 5_000);
    await routeBatch(ports, messages);
    await take(anOutcome({ error: "TypeError" }), anOutcome({ attempt: 2 }));
    expect((await ledger()).map(shortOf)).toEqual([{ status: "done", attempt: 2, failures: 0 }]);
  });

  it("an outcome that comes twice is taken once, in one batch and in two", async () => {
    const { take, ledger } = await accepted("event-1");
    await take(anOutcome(), anOutcome({ error: "TypeError" }));
    const before = await ledger();
    expect(before.map(shortOf)).toEqual([{ status: "done", attempt: 1, failures: 0 }]);
    expect(await take(anOutcome(), anOutcome({ error: "TypeError" }))).toEqual([]);
    expect(await ledger()).toEqual(before);
  });

  it("an outcome that comes twice is counted once", async () => {
    const { take, counts } = await accepted("event-1");
    await take(anOutcome());
    await take(anOutcome());
    expect((await counts()).filter((one) => one[3] === "done").map((one) => one[4])).toEqual([1]);
  });

  it.each<[string, string | undefined, string]>([
    ["a success", undefined, "done"],
    ["a failure", "TypeError", "failed"],
  ])("an outcome of %s may come before the router has noted that the event was accepted", async (_, error, status) => {
    const { ports, calls, take, ledger } = await accepted();
    const noting = calls.hold("close");
    const message = aMessage();
    const batch = routeBatch(ports, [message]);
    await eventually(noting.reached);
    await take(anOutcome(error === undefined ? {} : { error }));
    noting.release();
    // The router sees that it was overtaken, looks again, and finds that there is nothing to do for its message.
    expect(await batch).toEqual([{ message, retryInMs: 1_000 }]);
    expect(await ledger()).toMatchObject([{ status, attempt: 1, executedVersion: "23" }]);
    expect(await routeBatch(ports, [{ ...message, receiveCount: 2 }])).toEqual([]);
  });

  it("is taken after its component has been removed, with the usual retries", async () => {
    const { table, take, ledger } = await accepted("event-1", "event-2");
    await putRows(table, { "component#mailer": null });
    await take(anOutcome(), anOutcome({ id: "event-2", error: "TypeError" }));
    const statuses = (await ledger()).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual(["done", "failed"]);
  });

  it("that names an error which no retry heals makes the delivery dead, as the component says by now", async () => {
    const { table, take, ledger } = await accepted("event-1");
    const strict = { ...component, retry: { ...component.retry, nonRetryableErrors: ["OutOfStock"] } };
    await putRows(table, { "component#mailer": strict });
    await take(anOutcome({ error: "OutOfStock" }));
    expect(await ledger()).toMatchObject([{ status: "dead", failures: 1 }]);
  });
});

describe("the end of what the router has started", () => {
  const stateMachineArn = "arn:aws:states:eu-west-1:123456789012:stateMachine:fulfil";
  const cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/builds";
  const targets = {
    execution: { kind: "step-functions", stateMachineArn: `${stateMachineArn}:7` },
    task: { kind: "ecs", clusterArn: cluster, taskDefinition: "builder:7", container: "build" },
  } as const;
  const changes = {
    execution: (name: string, has: "gone well" | "failed") =>
      anExecutionChange({ name, status: has === "failed" ? "FAILED" : "SUCCEEDED" }),
    task: (name: string, has: "gone well" | "failed") =>
      aTaskChange({
        startedBy: taskStarter(name, "build"),
        containers: [{ name: "build", exitCode: has === "failed" ? 1 : 0 }],
      }),
  };

  async function started(what: "execution" | "task") {
    const router = await aRouter({
      components: [{ ...component, aliases: { stable: { target: targets[what] } } }],
      target: async () => ({ outcome: "accepted", durationMs: 5 }),
    });
    const { ports, events, sends } = router;
    await routeBatch(ports, [aMessage({ messageId: "event-1", id: "event-1" })]);
    const reference = sends[0]?.attemptReference ?? "none";
    const take = (...bodies: string[]) =>
      takeOutcomes(
        { ...ports, events },
        bodies.map((body, index) => ({ messageId: `end-${index + 1}`, body })),
      );
    return { ...router, reference, take, change: changes[what] };
  }

  it.each(["execution", "task"] as const)(
    "the end of an %s closes the attempt that started it, with what is stored of its event",
    async (what) => {
      const { take, change, reference, ledger, reports, counts } = await started(what);
      expect(await take(change(reference, "gone well"))).toEqual([]);
      expect(await ledger()).toMatchObject([{ status: "done", attempts: [{ outcome: "done" }] }]);
      expect(reports.at(-1)).toMatchObject({
        record: { id: "event-1", source: "shop", detailType: "order placed" },
        outcome: "done",
        durationMs: 5_000,
      });
      expect((await counts()).map(([, , , outcome]) => outcome)).toEqual(["accepted", "done"]);
    },
  );

  it("the end of an execution is taken though what is stored of its event can't be had, and that is told", async () => {
    const { ports, events, change, reference, ledger, reports, troubles } = await started("execution");
    const find = () => Promise.reject(new Error("the store is away"));
    const message = { messageId: "end-1", body: change(reference, "gone well") };
    await takeOutcomes({ ...ports, events: { ...events, find } }, [message]);
    expect(await ledger()).toMatchObject([{ status: "done" }]);
    expect(reports.at(-1)).toMatchObject({ record: { id: "", source: "" }, outcome: "done" });
    expect(troubles.map(String)).toEqual(["Error: the store is away"]);
  });

  it.each(["execution", "task"] as const)(
    "an %s that has failed is a failed attempt, and the next one has another reference",
    async (what) => {
      const { take, change, reference, ledger, ports, time, sends } = await started(what);
      await take(change(reference, "failed"));
      expect(await ledger()).toMatchObject([{ status: "failed", failures: 1 }]);
      await time.pass(30_000);
      await routeBatch(ports, [aMessage({ messageId: "event-1", id: "event-1", receiveCount: 2 })]);
      expect(sends).toHaveLength(2);
      expect(sends[1]?.attemptReference).not.toBe(reference);
      expect(await take(change(reference, "gone well"))).toEqual([]);
      expect(await ledger()).toMatchObject([{ status: "accepted", attempt: 2 }]);
    },
  );

  it.each(["execution", "task"] as const)(
    "a forged end of an %s is refused, and one of somebody else's is nobody's concern",
    async (what) => {
      const { take, change, reference, ledger, troubles } = await started(what);
      const before = await ledger();
      const forged = `${reference.slice(0, 51)}${"A".repeat(22)}${reference.slice(73)}`;
      expect(
        (await take(change(forged, "gone well"), change("by-hand", "failed"))).map((one) => one.messageId),
      ).toEqual(["end-1"]);
      expect(await ledger()).toEqual(before);
      expect(troubles.map(String)).toEqual([expect.stringMatching(/end-1 .*is refused/)]);
    },
  );
});

describe("an outcome that isn't told by whom the attempt was handed to", () => {
  it.each<[string, (tokenOf: (id: string) => string) => AboutOutcome]>([
    ["with no token", () => ({ token: "" })],
    ["with one that was made up", () => ({ token: "A".repeat(43) })],
    ["with another delivery's token", (tokenOf) => ({ token: tokenOf("event-2") })],
    ["with its own token, by another function", () => ({ functionName: "evil" })],
  ])("%s, is refused, told with its sender, and leaves the attempt to its own outcome", async (_, forgedOf) => {
    const { take, ledger, troubles, sends, counts } = await accepted("event-1", "event-2");
    const before = await ledger();
    const tokenOf = (id: string) =>
      sends.map(turnoutOf).find(({ publisherKey }) => publisherKey === id)?.outcomeToken ?? "";
    const forged = anOutcome(forgedOf(tokenOf));
    expect((await take(forged)).map(({ messageId }) => messageId)).toEqual(["outcome-1"]);
    expect(await ledger()).toEqual(before);
    expect(troubles.map(String)).toEqual([
      expect.stringMatching(/outcome-1 .*is refused: it tells of attempt 1 of mailer#.*"AROA:evil"/),
    ]);
    expect((await counts()).map((one) => one[3])).toEqual(["accepted"]);

    expect((await take(forged, anOutcome({ error: "TypeError" }), forged)).length).toBe(2);
    expect((await ledger()).map(({ status }) => status).toSorted()).toEqual(["accepted", "failed"]);
  });

  it("can't close an attempt that a router waits for itself", async () => {
    const router = await aRouter({ components: [aComponent({ name: "mailer" })] });
    const { ports, events, calls, sends, ledger, troubles } = router;
    const closing = calls.hold("close");
    const batch = routeBatch(ports, [aMessage()]);
    await eventually(closing.reached);
    expect(turnoutOf(sends[0]).outcomeToken).toBeUndefined();
    const forged = { messageId: "forged", body: anOutcome({ token: "guessed", error: "Broken" }) };
    expect(await takeOutcomes({ ...ports, events }, [forged])).toEqual([forged]);
    closing.release();
    await batch;
    expect(await ledger()).toMatchObject([{ status: "done" }]);
    expect(troubles).toHaveLength(1);
  });
});

describe("a batch of outcomes", () => {
  it("answers what is no outcome, tells it, and takes the others all the same", async () => {
    const { take, troubles, ledger } = await accepted("event-1");
    const back = await take("hello", anOutcome(), JSON.stringify(anEvent()));
    expect(back.map(({ messageId }) => messageId)).toEqual(["outcome-1", "outcome-3"]);
    expect(troubles.map(String)).toEqual([
      expect.stringMatching(/outcome-1 .*not JSON/),
      expect.stringMatching(/outcome-3 .*requestContext/),
    ]);
    expect((await ledger()).map(shortOf)).toEqual([{ status: "done", attempt: 1, failures: 0 }]);
  });

  it("costs one look at the routing, one read, one close and one count", async () => {
    const { take, calls, time } = await accepted("event-1", "event-2");
    await time.pass(5_000);
    await take(anOutcome(), anOutcome({ id: "event-2" }));
    expect(calls.since()).toEqual(["head", "deliveriesOf", "close", "count"]);
    await take("hello");
    await take();
    expect(calls.since()).toEqual([]);
  });

  it("costs no more than the read where nothing is to be closed, and no look for what came back", async () => {
    const { take, calls } = await accepted("event-1");
    await take(anOutcome());
    calls.since();
    await take(anOutcome());
    expect(calls.since()).toEqual(["head", "deliveriesOf"]);
  });

  it("tells only of those that were taken: one that a newer attempt overtakes has closed nothing", async () => {
    const { take, reports, outcomePorts, counts } = await accepted("event-1", "event-2");
    outcomePorts.events.close = async (closes) => closes.map((_, index) => index === 0);
    reports.length = 0;
    await take(anOutcome(), anOutcome({ id: "event-2" }));
    expect(reports.map(({ record }) => record.id)).toEqual(["event-1"]);
    expect((await counts()).map(([, , , outcome, count]) => [outcome, count])).toContainEqual(["done", 1]);
  });

  it("keeps what can't be written for half a minute, and no longer", async () => {
    const { take, outcomePorts, time } = await accepted("event-1");
    let first: Date | undefined;
    const tries: number[] = [];
    outcomePorts.events.close = () => {
      first ??= time.now();
      tries.push(time.now().getTime() - first.getTime());
      return Promise.reject(new Error("the store is away"));
    };
    outcomePorts.delay = (ms) => time.pass(ms);
    await expect(take(anOutcome())).rejects.toThrow("the store is away");
    expect(tries.at(-1)).toBeLessThan(30_000);
    expect(tries.at(-1)).toBeGreaterThan(28_000);
  });

  it("fails as a whole when the store does, and is taken when it comes again", async () => {
    const { take, calls, ledger, outcomePorts } = await accepted("event-1");
    outcomePorts.until = outcomePorts.now;
    calls.fail("close");
    await expect(take(anOutcome())).rejects.toThrow("close failed");
    expect(await ledger()).toMatchObject([{ status: "accepted" }]);
    expect(await take(anOutcome())).toEqual([]);
    expect(await ledger()).toMatchObject([{ status: "done" }]);
  });

  it("is taken though it can't be counted, and that is told", async () => {
    const { take, calls, ledger, troubles, time } = await accepted("event-1");
    await time.pass(5_000);
    calls.fail("count");
    expect(await take(anOutcome())).toEqual([]);
    expect(await ledger()).toMatchObject([{ status: "done" }]);
    expect(troubles.map(String)).toEqual(["Error: count failed"]);
  });
});
