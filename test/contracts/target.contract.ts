import { describe, expect, test } from "vitest";
import type { TargetAddress } from "../../shared/domain/routing/target-address.ts";
import type { Send, SendResult, Target } from "../../shared/targets/target.ts";

/** What stands in an event of these tests: what whoever gets it does. */
export type Deed = "take" | "fail" | "hang";

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
  /** The events that have arrived behind the alias, in any order. */
  received: () => unknown[];
};

/** The version that answers, as it is known there. */
export const VERSION = "7";

/** What a version says that fails. */
export const SAID = "no such order: 7 % of “Öl”";

/**
 * What every kind of target does. Whatever is behind the alias does what the event says, and its version is `VERSION`.
 * @param open a target of its own for the test, which has ended when the test has
 */
export function describeTarget(kind: string, open: () => Promise<TargetUnderTest>): void {
  let sends = 0;

  async function opened() {
    const { target, address, foreignAddress, environment = {}, received, isLater, ...about } = await open();
    const version = "version" in about ? about.version : VERSION;
    const ended = isLater ? { outcome: "accepted" } : { outcome: "done", executedVersion: version ?? "unknown" };
    const send = (deed: Deed, about: Partial<Send> = {}): Promise<SendResult> => {
      const number = ++sends;
      return target({
        component: "example-consumer",
        alias: "stable",
        address,
        invocation: isLater ? { kind: "async", maxEventAgeMs: 60_000 } : { kind: "sync" },
        ...(isLater && { attemptReference: `reference-${number}` }),
        worker: { concurrency: 2, memoryMb: 256, environment },
        subject: {},
        payload: JSON.stringify({ id: `event-${number}`, detail: { deed, text: 'é\u{1f600} "7 %"', n: 1e21 } }),
        idempotencyKey: `key-${number}`,
        lapses: 0,
        requestId: `request-${number}`,
        timeoutMs: 30_000,
        latestStart: new Date(Date.now() + 60_000),
        ...about,
      });
    };
    return { send, foreignAddress, received, ended, version };
  }

  describe(`a target of kind ${kind}`, () => {
    test("hands the event over as it is, and tells which version has done it, and how long that took", async () => {
      const { send, received, ended } = await opened();
      const payload = '{"id":"event-x","detail":{"deed":"take","text":"é\u{1f600}","nested":[{"a":null},[]],"n":1.5}}';
      const result = await send("take", { payload });
      expect(result).toMatchObject({ ...ended, durationMs: expect.any(Number) });
      expect(received()).toEqual([JSON.parse(payload)]);
    });

    test("fails in the version's own words, and goes on", async () => {
      const { send, ended, version } = await opened();
      const error = { type: expect.stringMatching(/./), message: expect.stringContaining(SAID) };
      const result = await send("fail");
      expect(result).toMatchObject({ outcome: "failed", error, ...(version && { executedVersion: version }) });
      expect(result).not.toHaveProperty("isFinal");
      expect(await send("take")).toMatchObject(ended);
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
