import { describe, expect, it } from "vitest";
import type { CircuitBreaker } from "../../../shared/domain/deliveries/circuit-breaker.ts";
import { openBreakers, withCircuitBreakers } from "../../../shared/flows/deliver/circuit-breakers.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import type { Send, SendResult } from "../../../shared/targets/target.ts";
import { simulatedTime } from "../../simulation/simulated-time.ts";
import { aComponent } from "../../support/builders.ts";
import { aMessage, aRouter, done, failed } from "../../support/router.ts";

const throttled: SendResult = { outcome: "throttled", error: { type: "NoRoom", message: "no room" } };

function aSend(about: Partial<Send> = {}): Send {
  return {
    component: "mailer",
    alias: "stable",
    address: { kind: "worker" },
    invocation: { kind: "sync" },
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    subject: {},
    payload: "{}",
    idempotencyKey: "key-1",
    lapses: 0,
    requestId: "request-1",
    timeoutMs: 30_000,
    latestStart: new Date("2100-01-01T00:00:00.000Z"),
    ...about,
  };
}

/** A target behind breakers. It answers what the test says by then, and counts what reaches it. */
function aBrokenTarget() {
  const time = simulatedTime();
  let answer: SendResult | Promise<SendResult> = failed;
  const reached: Send[] = [];
  const target = withCircuitBreakers(
    async (send) => {
      reached.push(send);
      return answer;
    },
    { now: time.now, random: () => 0.5 },
  );
  let sent = 0;
  /** From two customers in turn. */
  const send = (about?: Partial<Send>) => target(aSend({ subject: { customer: `customer-${++sent % 2}` }, ...about }));
  return {
    time,
    reached,
    send,
    answers: (next: typeof answer) => {
      answer = next;
    },
    /** Fails as often as it takes to open. */
    breakDown: async (about?: Partial<Send>) => {
      for (let n = 0; n < 10; n++) await send(about);
      reached.length = 0;
    },
  };
}

const held = { outcome: "throttled", error: { type: "CircuitOpen" } };

describe("a version that is down", () => {
  it("is sent nothing after ten failures; what is held says why, and when to come back", async () => {
    const { send, reached, time } = aBrokenTarget();
    for (let n = 0; n < 10; n++) expect(await send()).toEqual(failed);
    expect(await send()).toEqual({
      outcome: "throttled",
      error: {
        type: "CircuitOpen",
        message: expect.stringMatching(/fails at mailer 'stable'.*2026-11-20T10:00:10.000Z/),
      },
      // 10 s until the probe, and half of the 10 s over which they come back.
      retryAt: new Date(time.now().getTime() + 15_000),
    });
    expect(reached).toHaveLength(10);
  });

  it("isn't taken for well because it had no room in between", async () => {
    const { send, answers } = aBrokenTarget();
    for (let n = 0; n < 9; n++) await send();
    answers(throttled);
    await send();
    answers(failed);
    await send();
    expect(await send()).toMatchObject(held);
  });

  it("doesn't hold what goes to another alias or component", async () => {
    const { send, breakDown } = aBrokenTarget();
    await breakDown();
    expect(await send({ alias: "beta" })).toEqual(failed);
    expect(await send({ component: "invoice" })).toEqual(failed);
    expect(await send()).toMatchObject(held);
  });

  it("is sent one probe when its time has come, and everything again after a good one", async () => {
    const { send, breakDown, time, answers, reached } = aBrokenTarget();
    await breakDown();
    await time.pass(10_000);
    const answered = Promise.withResolvers<SendResult>();
    answers(answered.promise);
    const probe = send();
    expect(await send()).toMatchObject(held);
    expect(reached).toHaveLength(1);
    answered.resolve(done);
    expect(await probe).toEqual(done);
    expect(await Promise.all([send(), send()])).toEqual([done, done]);
  });

  it.each([
    ["fails", failed, 20_000],
    ["finds no room", throttled, 10_000],
  ])("stays alone for longer when the probe %s", async (_, result, ms) => {
    const { send, breakDown, time, answers } = aBrokenTarget();
    await breakDown();
    await time.pass(10_000);
    answers(result);
    expect(await send()).toEqual(result);
    await time.pass(ms - 1);
    answers(done);
    expect(await send()).toMatchObject(held);
    await time.pass(1);
    expect(await send()).toEqual(done);
  });

  it("is sent another probe when the first hasn't answered within the component's timeout", async () => {
    const { send, breakDown, time, answers } = aBrokenTarget();
    await breakDown();
    await time.pass(10_000);
    answers(new Promise<SendResult>(() => {}));
    void send({ timeoutMs: 7_000 });
    answers(done);
    await time.pass(6_999);
    expect(await send({ timeoutMs: 7_000 })).toMatchObject(held);
    await time.pass(1);
    expect(await send({ timeoutMs: 7_000 })).toEqual(done);
  });
});

describe("a version that works", () => {
  it("is sent everything, though one project's events fail without end", async () => {
    const { send, answers, reached } = aBrokenTarget();
    answers(done);
    await send({ subject: { project: "site", customer: "acme" } });
    answers(failed);
    for (let n = 0; n < 100; n++) await send({ subject: { project: "broken", customer: "acme" } });
    expect(reached).toHaveLength(101);
  });

  it("tells its failures by customer where no project is known", async () => {
    const { send, answers, reached } = aBrokenTarget();
    answers(done);
    await send({ subject: { customer: "acme" } });
    answers(failed);
    for (let n = 0; n < 100; n++) await send({ subject: { customer: "broken" } });
    expect(reached).toHaveLength(101);
  });

  it("isn't held because it had no room, however often", async () => {
    const { send, answers, reached } = aBrokenTarget();
    answers(throttled);
    for (let n = 0; n < 100; n++) await send();
    expect(reached).toHaveLength(100);
  });

  it("is sent everything when it accepts what it will run", async () => {
    const { send, answers, time, breakDown } = aBrokenTarget();
    await breakDown();
    await time.pass(10_000);
    answers({ outcome: "accepted", durationMs: 1 });
    expect(await send()).toMatchObject({ outcome: "accepted" });
    expect(await send()).toMatchObject({ outcome: "accepted" });
  });
});

it("breakers are told by component and alias while they aren't closed, also while a probe is out", async () => {
  const time = simulatedTime();
  const breakers = new Map<string, CircuitBreaker>();
  let answer: SendResult | Promise<SendResult> = failed;
  const target = withCircuitBreakers(async () => answer, { now: time.now, random: () => 0, breakers });
  const send = (n: number, alias = "stable") => target(aSend({ alias, subject: { customer: `customer-${n % 2}` } }));
  expect(openBreakers(breakers)).toEqual([]);
  await send(1, "beta");
  for (let n = 0; n < 10; n++) await send(n);
  const open = [{ component: "mailer", alias: "stable" }];
  expect(openBreakers(breakers)).toEqual(open);
  await time.pass(10_000);
  const answered = Promise.withResolvers<SendResult>();
  answer = answered.promise;
  const probe = send(0);
  expect(openBreakers(breakers)).toEqual(open);
  answered.resolve(done);
  await probe;
  expect(openBreakers(breakers)).toEqual([]);
});

it("what a breaker holds is parked, uncounted, however long it is down, while other components get theirs", async () => {
  const components = ["mailer", "invoice"].map((name) => aComponent({ name, retry: { maxAttempts: 2 } }));
  const router = await aRouter({ components });
  const { ports, time, ledger, events } = router;
  ports.target = withCircuitBreakers(async ({ component }) => (component === "mailer" ? failed : done), {
    now: time.now,
    random: () => 0.5,
  });
  const messages = Array.from({ length: 11 }, (_, n) =>
    aMessage({ messageId: `m-${n}`, id: `event-${n}`, customer: `customer-${n % 2}` }),
  );
  for (const message of messages) await routeBatch(ports, [message]);
  const entries = await ledger();
  expect(entries.filter(({ component, status }) => component === "invoice" && status === "done")).toHaveLength(11);
  const dueAt = new Date(time.now().getTime() + 15_000);
  expect(await events.due(dueAt, 100)).toMatchObject([
    { component: "mailer", status: "failed", failures: 0, dueAt, error: { type: "CircuitOpen" } },
  ]);
});
