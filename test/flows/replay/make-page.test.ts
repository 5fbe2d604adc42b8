import { describe, expect, it } from "vitest";
import { deliveryKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import type { Replay } from "../../../shared/domain/replays/replay.ts";
import { pageMaker } from "../../../shared/flows/replay/make-page.ts";
import { type MatchedPage, matchedAs, replayMatcher } from "../../../shared/flows/replay/match-replay.ts";
import { paceOf } from "../../../shared/flows/replay/pace.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { type AboutEvent, aComponent } from "../../support/builders.ts";
import { aReplayer, SETTLE_MS, withTime } from "../../support/replayer.ts";
import { done, failed, putRows } from "../../support/router.ts";

/** Tried again after a minute: longer than any page waits. */
const components = [aComponent({ retry: { baseDelayMs: 120_000, maxDelayMs: 120_000, maxAttempts: 10 } })];
const noRoom: SendResult = { outcome: "throttled", error: { type: "NoRoom", message: "no room" } };
const failedWith = (type: string): SendResult => ({
  outcome: "failed",
  error: { type, message: `it was ${type}` },
  durationMs: 1,
});

/** A replay of these events, whose pages are made by hand. */
async function aReplayOf(
  events: readonly AboutEvent[],
  answers: Record<string, SendResult> = {},
  { pageSize = 500, arrives = done }: { pageSize?: number; arrives?: SendResult } = {},
) {
  let live = true;
  const sent: string[] = [];
  const replayer = await aReplayer({
    components,
    async target({ payload }) {
      const { id } = JSON.parse(payload);
      if (live) return arrives;
      sent.push(id);
      return answers[id] ?? done;
    },
  });
  const { arrive, ports, time, start, calls } = replayer;
  await arrive(...events.map((about, n) => ({ id: `e-${n + 1}`, ...about })));
  live = false;
  const { progress, ...stored } = await start();
  const running: Replay = { ...stored, progress: { ...progress, startedAt: time.now() } };
  let asked = 0;

  /** The pages of the window as they stand now, to be made in one pass. */
  async function pass(replay = running) {
    const matcher = replayMatcher(ports, matchedAs(replay), { now: time.now, pageSize, tellVersions: false });
    const matched = await Array.fromAsync(matcher.pages());
    const again: typeof matcher.again = (items) => {
      asked += 1;
      return matcher.again(items);
    };
    const driver = { goOn: async () => {} };
    const maker = pageMaker(ports, replay, { matcher: { again }, driver, pace: paceOf(undefined) });
    calls.since();
    asked = 0;
    return { pages: matched, make: (page: MatchedPage | undefined) => withTime(time, maker.make(page as MatchedPage)) };
  }
  async function onePass(replay = running) {
    const { pages, make } = await pass(replay);
    return make(pages[0]);
  }
  const cancelling: Replay = { ...running, progress: { ...running.progress, cancelling: true } };
  const own = async () => (await replayer.ledger()).filter(({ generation }) => generation === "replay-1");
  return { ...replayer, answers, sent, pass, onePass, cancelling, own, asked: () => asked };
}

describe("a page of a replay", () => {
  const site = { project: "site" };

  it("is delivered, and what comes behind something that isn't at rest is held up, in later pages too", async () => {
    const { pass, sent } = await aReplayOf(
      [site, { project: "api" }, site, { project: "api" }],
      { "e-1": failed },
      { pageSize: 2 },
    );
    const { pages, make } = await pass();
    expect(await make(pages[0])).toMatchObject({ counts: { matched: 2, sent: 2, done: 1, open: 1 }, waitsFor: 1 });
    expect(await make(pages[1])).toMatchObject({
      counts: { matched: 2, sent: 1, done: 1, skipped: { "held up": 1 } },
      waitsFor: 1,
    });
    expect(sent).toEqual(["e-1", "e-2", "e-4"]);
  });

  it("says when it sent first, if it sent anything", async () => {
    const { onePass, time } = await aReplayOf([site, site], { "e-1": failed });
    expect(await onePass()).toMatchObject({ firstSentAt: time.now(), counts: { sent: 1 }, waitsFor: 2 });
    const none = await aReplayOf([site]);
    await putRows(none.table, { "component#release-coordinator": null });
    expect(await none.onePass()).not.toHaveProperty("firstSentAt");
  });

  it("is decided anew a second after it was matched, and not before", async () => {
    for (const [ms, asked] of [
      [999, 0],
      [1_000, 1],
    ] as const) {
      const replay = await aReplayOf([site]);
      const { pages, make } = await replay.pass();
      await replay.time.pass(ms);
      expect(await make(pages[0])).toMatchObject({ counts: { sent: 1, done: 1 } });
      expect(replay.asked()).toBe(asked);
    }
  });

  it("is decided anew after a change of the routing, and what has nowhere to go is skipped with the reason", async () => {
    const { pass, table, sent } = await aReplayOf([site]);
    const { pages, make } = await pass();
    await putRows(table, { "component#release-coordinator": null });
    expect((await make(pages[0])).counts).toMatchObject({ matched: 1, sent: 0, skipped: { "no component": 1 } });
    expect(sent).toEqual([]);
  });

  it("brings back what it has begun once that may be tried again, and not before", async () => {
    const { onePass, answers, sent, time, own } = await aReplayOf([site], { "e-1": failed });
    await onePass();
    const [entry] = await own();
    answers["e-1"] = done;
    const waitMs = Number(entry?.nextAttemptAt) - Number(time.now());
    expect(waitMs).toBeGreaterThan(30_000);
    await time.pass(waitMs - 1);
    expect(await onePass()).toMatchObject({ counts: { sent: 1, open: 1 }, waitsFor: 1 });
    expect(sent).toHaveLength(1);
    await time.pass(1);
    expect(await onePass()).toMatchObject({ counts: { sent: 1, done: 1 }, waitsFor: 0 });
    expect(sent).toHaveLength(2);
  });
});

describe("a live delivery on a page", () => {
  it("is waited for while it may be at rest by the second look, and no longer", async () => {
    const { onePass, time } = await aReplayOf([{ project: "site" }], {}, { arrives: failed });
    await time.pass(SETTLE_MS - 1);
    expect(await onePass()).toMatchObject({ counts: { skipped: { "not at rest": 1 } }, waitsFor: 1 });
    await time.pass(1);
    expect(await onePass()).toMatchObject({ counts: { skipped: { "not at rest": 1 } }, waitsFor: 0 });
  });
});

describe("a page of a replay that is cancelled", () => {
  it("gives up what failed, dead of what it failed with last, and begins nothing", async () => {
    const begun = { project: "site" };
    const replay = await aReplayOf([begun, begun], { "e-1": failedWith("Early") });
    const { onePass, answers, time, sent, own, cancelling } = replay;
    await onePass();
    answers["e-1"] = failedWith("Late");
    await time.pass(120_000);
    await onePass();
    expect(await onePass(cancelling)).toMatchObject({
      counts: { matched: 2, sent: 1, dead: 1, skipped: { cancelled: 1 } },
      waitsFor: 0,
    });
    expect(sent).toEqual(["e-1", "e-1"]);
    const message = "not tried again, as the replay was cancelled: it was Late";
    expect(await own()).toMatchObject([{ status: "dead", error: { type: "Late", message } }]);
  });

  it("gives up what was under way when its driver died, once its lease is over, and says that nobody knows", async () => {
    const { onePass, events, time, own, cancelling, deliveries } = await aClaimed();
    expect((await onePass(cancelling)).counts).toMatchObject({ sent: 1, open: 1 });
    await time.pass(35_000);
    expect((await onePass(cancelling)).counts).toMatchObject({ sent: 1, dead: 1 });
    const message = "the replay was cancelled, and what became of the last attempt isn't known";
    expect(await own()).toMatchObject([{ status: "dead", error: { type: "ReplayCancelled", message } }]);
    expect(await events.deliveries(deliveries)).toHaveLength(1);
  });

  it("takes back what was put off and never run, 25 at a time, and leaves no trace of it", async () => {
    const events = Array.from({ length: 30 }, (_, n) => ({ project: `project-${n}` }));
    const retryAt = new Date("2026-11-20T11:00:00.000Z");
    const late = Object.fromEntries(events.map((_, n) => [`e-${n + 1}`, { ...noRoom, retryAt }]));
    const { onePass, own, cancelling, calls } = await aReplayOf(events, { ...late, "e-30": failed });
    expect((await onePass()).counts).toMatchObject({ sent: 30, open: 30 });
    const { counts } = await onePass(cancelling);
    expect(counts).toMatchObject({ matched: 30, sent: 1, dead: 1, skipped: { cancelled: 29 } });
    expect((await own()).map(({ status }) => status)).toEqual(["dead"]);
    // Twice for what is taken back, and once for what is given up.
    expect(calls.since().filter((call) => call === "claim")).toHaveLength(3);
  });

  it("claims nothing where there is nothing to bring to its end", async () => {
    const { onePass, cancelling, calls } = await aReplayOf([{ project: "site" }]);
    expect(await onePass(cancelling)).toMatchObject({ counts: { sent: 0, skipped: { cancelled: 1 } }, waitsFor: 0 });
    expect(calls.since()).not.toContain("claim");
  });

  /** A replay that has claimed its one delivery, and nothing more. */
  async function aClaimed() {
    const replay = await aReplayOf([{ project: "site" }]);
    const { pages } = await replay.pass();
    const [item] = pages[0]?.items ?? [];
    if (item?.kind !== "deliver") throw new Error("nothing to deliver");
    const { request } = item.delivery;
    await replay.events.claim([request], "a driver that died", replay.time.now());
    return { ...replay, deliveries: [deliveryKeyOf(request.component, request.eventKey, "replay-1")] };
  }
});
