import { describe, expect, it } from "vitest";
import type { Replay } from "../../../shared/domain/replays/replay.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer } from "../../support/replayer.ts";
import { failed, turnoutOf } from "../../support/router.ts";

const done: SendResult = { outcome: "done", executedVersion: "22", durationMs: 1 };

/** Longer than any page waits. */
const LONG = { baseDelayMs: 120_000, maxDelayMs: 120_000, maxAttempts: 10 };

/** Events of the project `site`, one of `api` after each, and what of `site` had an effect in a replay, in order. */
async function aLine(events: number, fails: (n: number, attempt: number) => boolean, retry: object = LONG) {
  const effects: Record<string, number[]> = {};
  const attempts: { project: string; n: number }[] = [];
  const replayer = await aReplayer({
    components: [aComponent({ retry })],
    async target(send) {
      const { generation = "", attempt = 0 } = turnoutOf(send);
      if (generation === "live") return done;
      const { project = "" } = send.subject;
      const n = Number(JSON.parse(send.payload).id.slice(6));
      attempts.push({ project, n });
      if (project === "site" && fails(n, attempt)) return failed;
      effects[generation] ??= [];
      if (project === "site") effects[generation].push(n);
      return done;
    },
  });
  const both = (n: number) => ["site", "api"].map((project, m) => ({ id: `event-${2 * n + m}`, project }));
  await replayer.arrive(...Array.from({ length: events }, (_, n) => both(n)).flat());
  const inOrder = Array.from({ length: events }, (_, n) => 2 * n);
  return { ...replayer, effects, attempts, inOrder };
}

describe("the events of a project, replayed", () => {
  it("come in their order, though one of them fails again and again, and hold up no other project", async () => {
    const line = await aLine(6, (n, attempt) => n === 2 && attempt < 4);
    await line.start();
    const { counts } = (await line.run()).progress;
    expect(line.effects["replay-1"]).toEqual(line.inOrder);
    expect(counts).toMatchObject({ sent: 12, done: 12, skipped: {} });
    const others = line.attempts.findLastIndex(({ project }) => project === "api");
    const second = line.attempts.flatMap(({ n }, index) => (n === 2 ? [index] : []))[1];
    expect(others).toBeLessThan(second ?? 0);
  });

  it("go on behind one that is given up", async () => {
    const line = await aLine(4, (n) => n === 2);
    await line.start();
    const { counts } = (await line.run()).progress;
    expect(line.effects["replay-1"]).toEqual(line.inOrder.filter((n) => n !== 2));
    expect(counts).toMatchObject({ sent: 8, done: 7, dead: 1 });
  });

  it.each([1, 2, 3, 5, 8])(
    "come in their order over many pages, its driver being stopped after %i batches each time",
    async (batches) => {
      const line = await aLine(60, (n, attempt) => (n === 2 || n === 70) && attempt < 3);
      await line.start({ ratePerSecond: 10 });
      for (let turn = 0; turn < 400; turn++) {
        let left = batches + turn;
        const answer = await line.drive("replay-1", () => left-- > 0);
        if (answer.ended) break;
        await line.time.pass(Math.max(100, answer.waitMs));
      }
      expect((await line.replay()).progress.counts).toMatchObject({ sent: 120, done: 120, skipped: {} });
      expect(line.effects["replay-1"]).toEqual(line.inOrder);
    },
  );

  it("come several to a pass, where each fails once", async () => {
    const line = await aLine(10, (_, attempt) => attempt < 2, {
      baseDelayMs: 1_000,
      maxDelayMs: 1_000,
      maxAttempts: 5,
    });
    await line.start();
    const { progress } = await line.run();
    expect(line.effects["replay-1"]).toEqual(line.inOrder);
    // Several to a pass, and no longer pauses as long as something comes to rest.
    expect(progress.pass).toBeLessThan(10);
    expect(progress.pauseMs ?? 0).toBeLessThanOrEqual(1_000);
  });
});

describe("replays that overlap", () => {
  it.each<Partial<Replay>>([{}, { filter: { status: "done" } }])(
    "each deliver what both match, also while the other one is still trying (%o)",
    async (request) => {
      const line = await aLine(5, (n, attempt) => n === 2 && attempt < 3);
      await line.start();
      await line.drive();
      expect(
        (await line.ledger()).filter(({ generation, status }) => generation === "replay-1" && status === "failed"),
      ).toHaveLength(1);
      await line.start({ name: "replay-2", ...request });
      const second = await line.run("replay-2");
      expect(second.progress.counts).toMatchObject({ matched: 10, sent: 10, done: 10, skipped: {} });
      const first = await line.run();
      expect(first.progress.counts).toMatchObject({ matched: 10, sent: 10, done: 10, skipped: {} });
      expect(line.effects).toEqual({ "replay-1": line.inOrder, "replay-2": line.inOrder });
    },
  );
});
