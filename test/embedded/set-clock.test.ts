import { describe, expect, it, onTestFinished } from "vitest";
import { startRuntime } from "../../scripts/embedded/runtime.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { aClaimRequest } from "../support/builders.ts";
import { aRecord } from "../support/stored-events.ts";
import { temporaryFolder } from "../support/tmp.ts";

const DAY_MS = 86_400_000;
const NOW = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(NOW.getTime() + ms);
const always = { from: new Date(0), to: new Date("9999-01-01") };
const error = { type: "Broken", message: "it broke" };

/** A state that was last in use at NOW, with an event that is kept for 30 days and a delivery of it that is parked. */
async function aState() {
  const home = temporaryFolder();
  const state = openEmbeddedState(home, { create: true });
  onTestFinished(() => void (state.database.connection.isOpen && state.close()));
  const request = aClaimRequest({ idempotencyKey: "parked", expiresAt: plus(30 * DAY_MS) });
  await state.clock.observe(NOW, 0);
  await state.events.record([aRecord({ t0: NOW, eventKey: request.eventKey, expiresAt: plus(30 * DAY_MS) })]);
  await state.events.claim([request], "owner-1", NOW);
  const dueAt = plus(60_000);
  const parked = { deliveryKey: request.deliveryKey, attempt: 1, at: NOW, outcome: "failed", error } as const;
  await state.events.close([{ ...parked, nextAttemptAt: dueAt, dueAt }]);
  const records = async (now: Date) => (await Array.fromAsync(state.events.records(always, now))).flat().length;
  return { home, state, request, records };
}

describe("A clock that is set years ahead", () => {
  it("makes nothing expire, and what waits is due", async () => {
    const { state, records } = await aState();
    const later = plus(3_650 * DAY_MS);
    expect(await state.events.expire(later, 100)).toBe(0);
    expect(await records(later)).toBe(1);
    expect(await state.events.due(later, 10)).toHaveLength(1);
    expect(state.clock.problem(later)?.message).toMatch(
      /was last in use at 2026-11-20.* Nothing expires until .* run for a day/,
    );
  });

  it("is the time once a server has run for a day at it, and then what has expired goes", async () => {
    const { state, records } = await aState();
    const later = plus(3_650 * DAY_MS);
    const observe = (runningMs: number) => state.clock.observe(new Date(later.getTime() + runningMs), runningMs);
    for (const runningMs of [5_000, DAY_MS / 2, DAY_MS + 4_999]) {
      await observe(runningMs);
      expect(await state.events.expire(later, 100)).toBe(0);
    }
    await observe(DAY_MS + 5_000);
    const after = new Date(later.getTime() + DAY_MS + 5_000);
    expect(state.clock.problem(after)).toBeUndefined();
    expect(await state.events.expire(after, 100)).toBeGreaterThan(0);
    expect(await records(after)).toBe(0);
  });

  it("A clock that is set years ahead and back again before that has changed nothing", async () => {
    const { state, records } = await aState();
    await state.clock.observe(plus(3_650 * DAY_MS), 5_000);
    await state.clock.observe(plus(60_000), 65_000);
    // What it ran for there doesn't count when it is there again.
    await state.clock.observe(plus(3_650 * DAY_MS), 2 * DAY_MS);
    expect(await state.events.expire(plus(3_650 * DAY_MS), 100)).toBe(0);
    expect(state.clock.problem(plus(60_000))).toBeUndefined();
    expect(await records(plus(60_000))).toBe(1);
  });
});

describe("A server", () => {
  const start = (home: string, now: Date, trustClock = false) =>
    startRuntime({ settings: { home, port: 0 }, report: () => {}, onError: () => {}, now: () => now, trustClock });

  it("doesn't start in 1970, whether the state is new or was in use, and all is there after the correction", async () => {
    await expect(start(temporaryFolder(), new Date(7_000))).rejects.toThrow(
      /The clock says 1970-.* before Turnout was made/,
    );
    const { home, state, records } = await aState();
    await expect(start(home, new Date(7_000))).rejects.toMatchObject({
      message: expect.stringContaining("was in use at 2026-11-20"),
      remedies: [{ operation: "trust clock" }],
    });
    expect(await records(plus(DAY_MS))).toBe(1);
    expect(await state.events.due(plus(DAY_MS), 10)).toHaveLength(1);
  });

  it("starts on a clock behind its state's once somebody has said that it is right", async () => {
    const { home, state } = await aState();
    state.close();
    const before = plus(-30 * DAY_MS);
    const runtime = await start(home, before, true);
    expect((await fetch(`${runtime.url}/healthz`)).status).toBe(200);
    await runtime.close();
    await (await start(home, before)).close();
  });

  it("says in its health that its clock was set, and isn't well on one that has gone back", async () => {
    const { home, state } = await aState();
    state.close();
    let now = plus(400 * DAY_MS);
    const options = { settings: { home, port: 0 }, report: () => {}, onError: () => {}, now: () => now };
    const runtime = await startRuntime(options);
    onTestFinished(() => runtime.close());
    const health = async () => {
      const answer = await fetch(`${runtime.url}/healthz`);
      return { status: answer.status, text: await answer.text() };
    };
    expect(await health()).toMatchObject({ status: 200, text: expect.stringContaining("Nothing expires until") });
    now = plus(-2 * DAY_MS);
    expect(await health()).toMatchObject({ status: 503, text: expect.stringContaining("was in use at") });
  });
});
