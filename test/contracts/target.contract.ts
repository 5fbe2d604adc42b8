import { describe, expect, test } from "vitest";
import type { TargetAddress } from "../../shared/domain/routing/target-address.ts";
import type { Send, SendResult, Target } from "../../shared/targets/target.ts";

/**
 * What stands in an event of these tests: what whoever gets it does. `refuse`: says no, as it would each time. `twice`:
 * takes it, and answers once more. `wait`: takes it once the test lets it.
 */
export type Deed = "take" | "fail" | "hang" | "refuse" | "twice" | "wait";

export type SendDeed = (deed: Deed, about?: Partial<Send>) => Promise<SendResult>;

export type TargetUnderTest = {
  target: Target;
  address: TargetAddress;
  /** One that belongs to another kind of target. */
  foreignAddress: TargetAddress;
  /** The environment of versions that run here. */
  environment?: Record<string, string>;
  /** Which version has done it, as it is known there. Default `VERSION`; undefined where nobody says. */
  version?: string | undefined;
  /** Where what is behind the alias answers later: it is called so, and all that can be told is that it has begun. */
  isLater?: true;
  /** Whether it says of a refusal that another attempt would do no better. Default: nobody there says so. */
  isFinal?: true;
  /** Leaves no room there for another event. Returns what makes room again. */
  fill: (send: SendDeed) => unknown;
  /** The events that have arrived behind the alias, in any order. */
  received: () => unknown[];
};

/** The version that answers, as it is known there. */
export const VERSION = "7";

/** What a version says that fails. */
export const SAID = "no such order: 7 % of “Öl”";

const keyOf = (number: number) => `${String(number).padStart(64, "0")}#live`;

/** As an event is told of by its deliverer. */
function turnoutOf(idempotencyKey: string, attempt = 1) {
  const about = { component: "example-consumer", alias: "stable", because: "default alias", fallback: false };
  const keys = { idempotencyKey, publisherKey: "order-7", generation: "live", outcomeToken: "0123456789abcdef" };
  return { ...about, ...keys, attempt, routingRevision: 1, subject: {}, replay: null };
}

/**
 * What every kind of target does. Whatever is behind the alias does what the event says, and its version is `VERSION`.
 * @param open a target of its own for the test, which has ended when the test has
 */
export function describeTarget(kind: string, open: () => Promise<TargetUnderTest>): void {
  let sends = 0;

  async function opened() {
    const opened = await open();
    const { target, address, foreignAddress, environment = {}, received, isLater, isFinal, fill, ...about } = opened;
    const version = "version" in about ? about.version : VERSION;
    const ended = isLater ? { outcome: "accepted" } : { outcome: "done", executedVersion: version ?? "unknown" };
    const send: SendDeed = (deed, about = {}) => {
      const number = ++sends;
      const { idempotencyKey = keyOf(number) } = about;
      const event = { id: `event-${number}`, source: "shop", "detail-type": "order placed" };
      const detail = { deed, text: 'é\u{1f600} "7 %"', n: 1e21 };
      return target({
        component: "example-consumer",
        alias: "stable",
        address,
        invocation: isLater ? { kind: "async", maxEventAgeMs: 60_000 } : { kind: "sync" },
        ...(isLater && { attemptReference: `reference-${number}` }),
        worker: { concurrency: 2, memoryMb: 256, environment },
        subject: {},
        payload: JSON.stringify({ ...event, detail, turnout: turnoutOf(idempotencyKey) }),
        idempotencyKey,
        lapses: 0,
        requestId: `request-${number}`,
        // However busy the machine is.
        timeoutMs: 300_000,
        latestStart: new Date(Date.now() + 600_000),
        ...about,
      });
    };
    return { send, foreignAddress, received, ended, version, isFinal, fill };
  }

  describe(`a target of kind ${kind}`, () => {
    test("hands the event over as it is, and tells which version has done it, and how long that took", async () => {
      const { send, received, ended } = await opened();
      const detail = { deed: "take", text: "é\u{1f600}", nested: [{ a: null }, []], n: 1.5 };
      const about = { id: "event-x", source: "shop", "detail-type": "order placed", detail };
      const idempotencyKey = keyOf(++sends);
      const payload = JSON.stringify({ ...about, turnout: turnoutOf(idempotencyKey) });
      const result = await send("take", { payload, idempotencyKey });
      expect(result).toMatchObject({ ...ended, durationMs: expect.any(Number) });
      expect(received()).toEqual([JSON.parse(payload)]);
    });

    test("fails in the version's own words, and takes the next attempt, which has the same key", async () => {
      const { send, received, ended, version } = await opened();
      const idempotencyKey = keyOf(++sends);
      const error = { type: expect.stringMatching(/./), message: expect.stringContaining(SAID) };
      const result = await send("fail", { idempotencyKey });
      expect(result).toMatchObject({ outcome: "failed", error, ...(version && { executedVersion: version }) });
      expect(result).not.toHaveProperty("isFinal");
      const again = { id: "event-x", source: "shop", "detail-type": "order placed", detail: { deed: "take" } };
      const payload = JSON.stringify({ ...again, turnout: turnoutOf(idempotencyKey, 2) });
      expect(await send("take", { idempotencyKey, payload })).toMatchObject(ended);
      expect(received().at(-1)).toMatchObject({ turnout: { idempotencyKey, attempt: 2 } });
    });

    test("puts off what finds no room, which has reached nobody and is no failure, and takes it once there is", async () => {
      const { send, ended, fill, received } = await opened();
      expect(await send("take")).toMatchObject(ended);
      const free = (await fill(send)) as () => unknown;
      const before = received().length;
      const late = { latestStart: new Date(Date.now() + 200) };
      const error = { type: expect.stringMatching(/./), message: expect.stringMatching(/./) };
      expect(await send("take", late)).toEqual(expect.objectContaining({ outcome: "throttled", error }));
      expect(received()).toHaveLength(before);
      await free();
      expect(await send("take")).toMatchObject(ended);
    });

    test("takes an answer that comes twice as one, and a refusal as its own event's, for good where that is known", async () => {
      const { send, ended, received, isFinal } = await opened();
      const error = { message: expect.stringContaining(SAID) };
      const refusal = { outcome: "failed", error, ...(isFinal && { isFinal }) };
      expect(await send("twice")).toMatchObject(ended);
      expect(await send("fail")).toMatchObject({ outcome: "failed" });
      const results = await Promise.all([send("twice"), send("take"), send("refuse"), send("take")]);
      expect(results).toMatchObject([ended, ended, refusal, ended]);
      const keys = (received() as { turnout: { idempotencyKey: string } }[]).map(
        ({ turnout }) => turnout.idempotencyKey,
      );
      expect(new Set(keys).size).toBe(keys.length);
    });

    test("fails when the time is over, and goes on", async () => {
      const { send, ended } = await opened();
      expect(await send("take")).toMatchObject(ended);
      const late = await send("hang", { timeoutMs: 300 });
      expect(late).toMatchObject({ outcome: "failed", error: { type: expect.stringMatching(/Time/) } });
      expect(await send("take")).toMatchObject(ended);
    });

    test("hands several over at once, each once", async () => {
      const { send, received, ended } = await opened();
      const results = await Promise.all(Array.from({ length: 8 }, () => send("take")));
      expect(results).toMatchObject(results.map(() => ended));
      expect(new Set(received().map((event) => JSON.stringify(event))).size).toBe(8);
      expect(received()).toHaveLength(8);
    });

    test("begins nothing whose lease would end before the answer, and doesn't count that as a failure", async () => {
      const { send, received } = await opened();
      expect(await send("take", { latestStart: new Date(0) })).toMatchObject({ outcome: "throttled" });
      expect(received()).toEqual([]);
    });

    test("fails what is addressed to another kind", async () => {
      const { send, foreignAddress, received } = await opened();
      const result = await send("take", { address: foreignAddress });
      expect(result).toMatchObject({ outcome: "failed", error: { type: "WrongTarget" } });
      expect(received()).toEqual([]);
    });
  });
}
