import { describe, expect, it } from "vitest";
import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { type ReplayMode, replayModes } from "../../../shared/domain/replays/replay.ts";
import { UnreadableReplay } from "../../../shared/domain/replays/unreadable-replay.ts";
import { listEvents } from "../../../shared/flows/explain/list-events.ts";
import { replayMatcher } from "../../../shared/flows/replay/match-replay.ts";
import { planReplay } from "../../../shared/flows/replay/plan-replay.ts";
import type { ReplayItem } from "../../../shared/flows/replay/replay-item.ts";
import { aComponent } from "../../support/builders.ts";
import { aReplayer, WINDOW } from "../../support/replayer.ts";
import { failed, turnoutOf } from "../../support/router.ts";

/** Three events, all of them dead on arrival; `broken` says which of them die in a replay, too. */
async function aDeadWindow() {
  const broken = new Set(["event-1", "event-2", "event-3"]);
  const replayer = await aReplayer({
    components: [aComponent({ retry: { maxAttempts: 1 } })],
    target: async (send) =>
      broken.has(turnoutOf(send).publisherKey ?? "")
        ? failed
        : { outcome: "done", executedVersion: "22", durationMs: 1 },
  });
  await replayer.arrive({}, {}, {});
  await replayer.time.pass(1_000);
  /** E.g. `event-1 live dead`. */
  const shown = async (filter: OutcomeFilter = {}) => {
    const pages = await Array.fromAsync(listEvents({ events: replayer.events }, WINDOW, filter, replayer.time.now()));
    return pages.flat().map(({ record, entry, status, repairedBy }) => {
      const by = repairedBy === undefined ? "" : ` by ${repairedBy}`;
      return `${record.id} ${entry?.generation} ${status}${by}`;
    });
  };
  const replay = async (name: string, filter: OutcomeFilter = {}, mode: ReplayMode = "rerun") => {
    const before = replayer.sends.length;
    await replayer.start({ name, filter, mode });
    const { progress } = await replayer.run(name);
    await replayer.time.pass(1_000);
    const keys = replayer.sends.slice(before).map((send) => {
      const { publisherKey, generation } = turnoutOf(send);
      return `${publisherKey}#${generation}`;
    });
    return { ...progress.counts, keys };
  };
  const plan = (filter: OutcomeFilter, mode: ReplayMode = "rerun") => {
    const asked = { window: WINDOW, filter, mode, destination: { kind: "today" }, name: "the plan" } as const;
    return planReplay(replayer.ports, { ...asked, startedAt: replayer.time.now() }, replayer.time.now);
  };
  return { ...replayer, broken, shown, replay, plan };
}

describe("a dead delivery that a later replay has made good", () => {
  it("isn't sent again when that replay can't be read any more", async () => {
    const { broken, replay, replays, plan } = await aDeadWindow();
    broken.clear();
    await replay("one");
    const { list } = replays;
    replays.list = async (limit) =>
      (await list(limit)).map((one) => (one.name === "one" ? new UnreadableReplay(one, "damaged") : one));
    expect((await plan({ status: "dead" })).counts).toMatchObject({ sent: 0, skipped: { repaired: 3 } });
  });

  it.each<[mode: ReplayMode, status: "dead" | "unresolved"]>(
    replayModes.flatMap((mode) => [
      [mode, "dead"],
      [mode, "unresolved"],
    ]),
  )("isn't sent again by a %s of what is %s, and the plan says which replay did it", async (mode, status) => {
    const { broken, shown, replay, plan } = await aDeadWindow();
    broken.delete("event-1");
    broken.delete("event-2");
    expect(await replay("one")).toMatchObject({ sent: 3, done: 2, dead: 1 });
    broken.clear();

    const planned = await plan({ status }, mode);
    const outcome = await replay("two", { status }, mode);
    const key = mode === "rerun" ? "event-3#two" : "event-3#one";
    expect(outcome).toMatchObject({ sent: 1, done: 1, keys: [key] });
    expect(outcome.skipped).toEqual({ repaired: 2, ...(mode === "finish" && { superseded: 1 }) });
    expect(planned.counts.skipped).toEqual(outcome.skipped);
    expect(Object.fromEntries(planned.repairedBy)).toEqual({ one: 2 });
    expect(planned.byStatus.get("repaired")).toBe(2);
    expect(planned).toMatchObject({ sentDone: 0, sentUnresolved: 1 });

    // And what the second has made good the third leaves alone as well.
    expect(await shown({ status })).toEqual([]);
    expect(await replay("three", { status }, mode)).toMatchObject({ sent: 0, keys: [] });
  });

  it("is listed as repaired, with the replay that did it, and as dead no more", async () => {
    const { broken, shown, replay } = await aDeadWindow();
    broken.clear();
    broken.add("event-3");
    await replay("one");
    expect(await shown()).toEqual([
      "event-1 live repaired by one",
      "event-1 one done",
      "event-2 live repaired by one",
      "event-2 one done",
      "event-3 live dead",
      "event-3 one dead",
    ]);
    expect(await shown({ status: "unresolved" })).toEqual(["event-3 live dead", "event-3 one dead"]);
    expect(await shown({ status: "dead" })).toEqual(["event-3 live dead", "event-3 one dead"]);
    expect(await shown({ status: "repaired" })).toEqual([
      "event-1 live repaired by one",
      "event-2 live repaired by one",
    ]);
  });

  it("is run again by a replay that asks for no status, counted as done", async () => {
    const { broken, replay, plan } = await aDeadWindow();
    broken.clear();
    await replay("one", { status: "dead" });
    expect(await plan({})).toMatchObject({ counts: { sent: 3 }, sentDone: 3, sentUnresolved: 0 });
    expect(await plan({ status: "repaired" })).toMatchObject({ counts: { sent: 3 }, sentDone: 3, sentUnresolved: 0 });
    expect(await replay("two")).toMatchObject({ sent: 3, done: 3 });
  });

  it.each<[what: string, mode: ReplayMode, filter: OutcomeFilter]>([
    ["reruns what is dead", "rerun", { status: "dead" }],
    ["reruns what is unresolved", "rerun", { status: "unresolved" }],
    ["finishes", "finish", {}],
  ])(
    "is left alone by a replay that %s and was under way before the other one was started",
    async (_, mode, filter) => {
      const { broken, ports, replay, time } = await aDeadWindow();
      broken.clear();
      const request = { window: WINDOW, filter, mode, destination: { kind: "today" } } as const;
      const options = { now: time.now, pageSize: 1 };
      const pages = replayMatcher(ports, { ...request, name: "one", startedAt: time.now() }, options).pages();
      const nextItems = async (): Promise<ReplayItem[]> => (await pages.next()).value?.items ?? [];
      expect(await nextItems()).toMatchObject([{ kind: "deliver" }]);
      await time.pass(1_000);
      await replay("two");
      const repaired = (await nextItems()).filter(({ entry }) => entry?.generation === "live");
      expect(repaired).toMatchObject([{ kind: "skip", reason: "repaired", repairedBy: "two" }]);
      await pages.return(undefined);
    },
  );

  it("is done where a replay has finished it, and what died in a replay before is repaired by that", async () => {
    const { broken, shown, replay } = await aDeadWindow();
    await replay("one");
    broken.clear();
    const { skipped, keys } = await replay("two", {}, "finish");
    expect(skipped).toEqual({ superseded: 3 });
    expect(keys).toEqual(["event-1#one", "event-2#one", "event-3#one"]);
    expect(await shown({ status: "unresolved" })).toEqual([]);
    expect((await shown())[0]).toBe("event-1 live repaired by two");
  });
});

describe("what was rejected", () => {
  it("what was rejected for its key stays unresolved, and no replay sends it", async () => {
    const { broken, arrive, shown, replay, time } = await aDeadWindow();
    broken.clear();
    await replay("one");
    await arrive({ id: "event-4", idempotencyKey: "event-1", detail: { amount: 7 } });
    await time.pass(1_000);
    expect(await shown({ status: "unresolved" })).toEqual(["event-4 live rejected"]);
    const { sent, skipped } = await replay("two", { status: "unresolved" });
    expect({ sent, skipped }).toEqual({ sent: 0, skipped: { repaired: 3, rejected: 1 } });
  });
});
