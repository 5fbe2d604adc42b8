import { describe, expect, it } from "vitest";
import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import { unreadableRecord } from "../../../shared/domain/deliveries/unreadable-entry.ts";
import type { Replay } from "../../../shared/domain/replays/replay.ts";
import { UnreadableReplay } from "../../../shared/domain/replays/unreadable-replay.ts";
import { matchedEntries } from "../../../shared/flows/replay/matched-entries.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aReplayer, WINDOW } from "../../support/replayer.ts";

/** What the ledger has of all stored events, and how many requests that took. */
async function found(...events: { id: string; idempotencyKey: string; detail?: Record<string, unknown> }[]) {
  const { arrive, ports, records, calls } = await aReplayer();
  await arrive(...events);
  const stored = await records();
  calls.since();
  const entriesOf = matchedEntries(ports, { name: "replay-1", window: WINDOW, filter: {}, mode: "rerun" });
  const entries = await entriesOf(stored);
  const told = stored.map((record) => `${record.id}: ${(entries.get(record) ?? []).map(({ status }) => status)}`);
  return { told, requests: calls.since().filter((call) => call === "deliveries").length };
}

describe("the ledger's entries of a replay's records", () => {
  it("are asked for at once", async () => {
    expect(await found({ id: "e-1", idempotencyKey: "a" }, { id: "e-2", idempotencyKey: "b" })).toEqual({
      told: ["e-1: done", "e-2: done"],
      requests: 1,
    });
  });

  it("are those of every component for a record that can't be read: any may have had it", async () => {
    const { arrive, ports, records } = await aReplayer();
    await arrive({ id: "e-1" });
    const [stored] = await records();
    if (stored === undefined) throw new Error("nothing was recorded");
    const entriesOf = matchedEntries(ports, { name: "replay-1", window: WINDOW, filter: {}, mode: "rerun" });
    const statusesOf = async (record: EventRecord) =>
      ((await entriesOf([record])).get(record) ?? []).map(({ status }) => status);
    const { t0, eventKey, payloadHash, expiresAt, body } = stored;
    const place = { t0, eventKey, payloadHash, expiresAt };
    expect(await statusesOf({ ...unreadableRecord(place, "damaged"), body })).toEqual(["done"]);
    // One that can be read says who has had it.
    expect(await statusesOf({ ...stored, components: [] })).toEqual([]);
  });

  it("are looked for in the replays on the same events: asked for once, and each time where one may make good the dead", async () => {
    for (const [mode, filter, lists] of [
      ["rerun", {}, 1],
      ["rerun", { status: "dead" }, 2],
      ["finish", {}, 2],
    ] as const) {
      const { ports, records, arrive, calls } = await aReplayer();
      await arrive({ id: "e-1" });
      const entriesOf = matchedEntries(ports, { name: "replay-1", window: WINDOW, filter, mode });
      calls.since();
      await entriesOf(await records());
      await entriesOf(await records());
      expect(calls.since().filter((call) => call === "list")).toHaveLength(lists);
    }
  });

  it("are asked for of a replay whose window has a moment in common, and of one that can't be read", async () => {
    const { ports, records, arrive } = await aReplayer();
    await arrive({ id: "e-1" });
    const lengthMs = WINDOW.to.getTime() - WINDOW.from.getTime();
    const within = (fromMs: number, toMs: number) => ({
      from: new Date(WINDOW.from.getTime() + fromMs),
      to: new Date(WINDOW.from.getTime() + toMs),
    });
    const asked = async (...others: (Replay | UnreadableReplay)[]) => {
      let keys: readonly string[] = [];
      const deliveries = async (all: readonly string[]) => {
        keys = all;
        return all.map(() => undefined);
      };
      const replays = { list: async () => others };
      const about = { name: "replay-1", window: WINDOW, filter: {}, mode: "rerun" } as const;
      await matchedEntries({ ...ports, events: { deliveries }, replays }, about)(await records());
      return keys.length;
    };
    const another = (window: Replay["window"]) => asked(aReplay({ name: "another", window }));
    // Live, and the replay's own.
    expect(await asked()).toBe(2);
    expect(await another(within(-10, 0))).toBe(2);
    expect(await another(within(-10, 1))).toBe(3);
    expect(await another(within(lengthMs - 1, lengthMs + 10))).toBe(3);
    expect(await another(within(lengthMs, lengthMs + 10))).toBe(2);
    expect(await asked(new UnreadableReplay({ name: "broken", requestedAt: WINDOW.from }, "damaged"))).toBe(3);
  });

  it("are with what was refused of a key whose payload is another, for one request more", async () => {
    const key = { idempotencyKey: "a" };
    expect(await found({ id: "e-1", ...key }, { id: "e-2", ...key, detail: { amount: 2 } })).toEqual({
      told: ["e-1: done", "e-2: done,rejected"],
      requests: 2,
    });
  });
});
