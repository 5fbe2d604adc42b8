import { describe, expect, it } from "vitest";
import { deliveredKey } from "../../../shared/domain/deliveries/delivered-event.ts";
import { eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { replayModes } from "../../../shared/domain/replays/replay.ts";
import { listEvents } from "../../../shared/flows/explain/list-events.ts";
import { planReplay } from "../../../shared/flows/replay/plan-replay.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer, type ReplayerOptions, WINDOW } from "../../support/replayer.ts";
import { failed, putRows, T0, turnoutOf } from "../../support/router.ts";

/** An order whose key stands at `detail.order.id`, and its customer at `detail.buyer`. */
const anOrder = (id: string, seconds: number) => ({
  id: `event-${id}-${seconds}`,
  messageId: `message-${id}-${seconds}`,
  detail: { order: { id }, buyer: "acme", metadata: {} },
  sentAt: new Date(T0.getTime() + seconds * 1_000),
});

const wrong = { "source#shop": { source: "shop", idempotencyKey: "detail.order", customer: "detail.buyer" } } as const;
const right = { "source#shop": { ...wrong["source#shop"], idempotencyKey: "detail.order.id" } } as const;

/** Orders one and two, and order one again, rejected for the path of their key. */
async function aRejectedWindow(options: ReplayerOptions = {}) {
  const replayer = await aReplayer(options);
  const { arrive, table, events, time, sends, ports } = replayer;
  await putRows(table, wrong);
  await arrive(anOrder("one", 0), anOrder("two", 1), anOrder("one", 2));
  await time.pass(10_000);
  expect(sends).toEqual([]);
  const shown = async (filter: OutcomeFilter = {}) => {
    const pages = await Array.fromAsync(listEvents({ events }, WINDOW, filter, time.now()));
    return pages.flat().map(({ record, entry, status }) => `${record.id} ${entry?.generation ?? "-"} ${status}`);
  };
  const plan = (mode: "rerun" | "finish", filter: OutcomeFilter) =>
    planReplay(
      ports,
      { window: WINDOW, filter, mode, destination: { kind: "today" }, name: "the-plan", startedAt: time.now() },
      time.now,
    );
  return { ...replayer, shown, plan };
}

/** What a consumer sees of the order's delivery. */
const seen = (id: string, generation: string) => ({
  publisherKey: id,
  idempotencyKey: deliveredKey(eventKeyOf("shop", "order placed", id), generation),
  generation,
  subject: { customer: "acme" },
});

describe("an event that was rejected for its source's mapping", () => {
  it.each(replayModes)(
    "has its publisher's key in a %s once that is corrected, and its repeat is one",
    async (mode) => {
      const { table, start, run, sends, shown, plan } = await aRejectedWindow();
      await putRows(table, right);
      const filter = { status: "unresolved" } as const;
      const planned = (await plan(mode, filter)).counts;
      expect(await shown()).toHaveLength(3);
      await start({ mode, filter });
      const { counts } = (await run()).progress;
      // Only once the first is delivered is it known that the repeat is one.
      expect(planned).toMatchObject({ matched: 3, sent: 3 });
      expect(counts).toMatchObject({ matched: 2, sent: 2, done: 2 });
      const generation = mode === "finish" ? "live" : "replay-1";
      expect(sends.map(turnoutOf)).toMatchObject([seen("one", generation), seen("two", generation)]);
      expect((await shown()).toSorted()).toEqual([
        `event-one-0 ${generation} done`,
        "event-one-2 - duplicate",
        `event-two-1 ${generation} done`,
      ]);
      await start({ name: "replay-2", mode, filter });
      expect((await run("replay-2")).progress.counts).toMatchObject({ matched: 0, sent: 0 });
    },
  );

  it.each(replayModes)("stays rejected in a %s for as long as the mapping is wrong", async (mode) => {
    const { start, run, sends, shown } = await aRejectedWindow();
    await start({ mode, filter: { status: "rejected" } });
    expect((await run()).progress.counts).toMatchObject({ matched: 3, sent: 0, skipped: { unreadable: 3 } });
    expect(sends).toEqual([]);
    expect(await shown({ status: "rejected" })).toHaveLength(3);
  });

  it.each(replayModes)("isn't delivered by a %s where a repeat of it was, after the correction", async (mode) => {
    const { table, arrive, start, run, sends } = await aRejectedWindow();
    await putRows(table, right);
    await arrive(anOrder("one", 5));
    await start({ mode, filter: { status: "unresolved" } });
    await run();
    const generation = mode === "finish" ? "live" : "replay-1";
    expect(sends.map(turnoutOf)).toMatchObject([seen("one", "live"), seen("two", generation)]);
  });

  it("isn't delivered by a rerun that doesn't ask for it, which says how", async () => {
    const { table, start, run, sends } = await aRejectedWindow();
    await putRows(table, right);
    await start();
    expect((await run()).progress.counts).toMatchObject({ sent: 0, skipped: { undelivered: 3 } });
    expect(sends).toEqual([]);
  });

  it("is found by its customer, as who it is about is read by the mapping, too", async () => {
    const { table, plan } = await aRejectedWindow();
    await putRows(table, right);
    expect((await plan("finish", { customer: "acme" })).counts).toMatchObject({ matched: 3 });
    expect((await plan("finish", { customer: "globex" })).counts).toMatchObject({ matched: 0 });
  });

  it("is tried again by the sweeper when what finishes it fails first", async () => {
    let fails = 2;
    const { table, start, run, sends, shown } = await aRejectedWindow({
      components: [aComponent({ retry: { baseDelayMs: 60_000, maxDelayMs: 120_000 } })],
      target: async () => (fails-- > 0 ? failed : { outcome: "done", executedVersion: "22", durationMs: 1 }),
    });
    await putRows(table, right);
    await start({ mode: "finish", filter: { status: "unresolved" } });
    await run();
    expect(sends).toHaveLength(4);
    expect(await shown({ status: "done" })).toHaveLength(2);
  });

  it("is delivered after all where the replay ended between storing and sending it", async () => {
    const { table, start, run, sends, shown, calls } = await aRejectedWindow();
    await putRows(table, right);
    await start({ mode: "finish", filter: { status: "unresolved" } });
    calls.fail("claim");
    await run().catch(() => {});
    await run();
    expect(sends.map(turnoutOf)).toMatchObject([seen("one", "live"), seen("two", "live")]);
    expect(await shown({ status: "unresolved" })).toEqual([]);
  });

  it("goes nowhere while nobody listens, and stays rejected", async () => {
    const { table, start, run, shown } = await aRejectedWindow({
      components: [aComponent({ pattern: { source: ["bank"] } })],
    });
    await putRows(table, right);
    for (const mode of replayModes) {
      await start({ name: `of-${mode}`, mode, filter: { status: "rejected" } });
      expect((await run(`of-${mode}`)).progress.counts).toMatchObject({ matched: 3, sent: 0 });
    }
    expect(await shown({ status: "rejected" })).toHaveLength(3);
  });
});
