import { describe, expect, it } from "vitest";
import { recordPlaceOf } from "../../../shared/domain/deliveries/delivery.ts";
import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import type { Replay } from "../../../shared/domain/replays/replay.ts";
import { type MatchedPart, matchedAs, replayMatcher } from "../../../shared/flows/replay/match-replay.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aReplayer, WINDOW } from "../../support/replayer.ts";

const events = [
  { source: "shop", user: "ada", project: "site", customer: "acme", plan: "pro", detail: { amount: 1 } },
  { source: "bank", user: "bob", project: "api", customer: "globex", plan: "free", detail: { amount: 2 } },
];

async function aMatcher(about: Partial<Replay> = {}, pageSize = 500) {
  const replayer = await aReplayer();
  await replayer.arrive(...events);
  const asked: string[] = [];
  const { ports, time } = replayer;
  const deliveries = (keys: readonly string[]) => {
    asked.push(...keys);
    return ports.events.deliveries(keys);
  };
  const replay = matchedAs(aReplay({ name: "replay-1", window: WINDOW, mode: "finish", ...about }));
  const matchPorts = { ...ports, events: { ...ports.events, deliveries } };
  const matcher = replayMatcher(matchPorts, replay, { now: time.now, pageSize, tellVersions: false });
  const pages = (part?: MatchedPart) => Array.fromAsync(matcher.pages(part));
  return { ...replayer, pages, asked };
}

describe("what a replay's filter matches", () => {
  it.each<OutcomeFilter>([
    { source: "shop" },
    { user: "ada" },
    { project: "site" },
    { customer: "acme" },
    { plan: "pro" },
    { pattern: { detail: { amount: [1] } } },
  ])("%j: of other events the ledger isn't asked", async (filter) => {
    const { pages, asked } = await aMatcher({ filter });
    expect(await pages()).toMatchObject([{ scanned: 2 }]);
    expect(asked).toHaveLength(1);
  });

  it("is what the ledger has of every event where nothing is asked for", async () => {
    const { pages, asked } = await aMatcher();
    await pages();
    expect(asked).toHaveLength(2);
  });

  it("comes page by page up to a place, and nothing behind that", async () => {
    const { pages, records } = await aMatcher({}, 1);
    const stored = await records();
    const [upTo, behind] = stored.map(recordPlaceOf);
    if (upTo === undefined || behind === undefined) throw new Error("nothing was recorded");
    expect(await pages()).toMatchObject([{ upTo, scanned: 1 }, { upTo: behind }]);
    expect(await pages({ upTo })).toMatchObject([{ upTo, scanned: 1 }]);
    expect(await pages({ after: upTo })).toMatchObject([{ upTo: behind, scanned: 1 }]);
  });

  it("began when the replay did, or was asked for, and avoids no version once it is cancelled", () => {
    const startedAt = new Date("2026-11-20T11:00:00.000Z");
    const replay = aReplay({ avoidVersion: "22" });
    expect(matchedAs(replay)).toMatchObject({ startedAt: replay.requestedAt, avoidVersion: "22" });
    expect(matchedAs(aReplay({ progress: { startedAt } }))).toMatchObject({ startedAt });
    expect(matchedAs(aReplay({ avoidVersion: "22", progress: { cancelling: true } }))).not.toHaveProperty(
      "avoidVersion",
    );
  });
});
