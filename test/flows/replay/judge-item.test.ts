import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import type { CountedItem } from "../../../shared/domain/replays/replay-counts.ts";
import {
  givenUp,
  givingUp,
  isAwaited,
  isToMake,
  isUntried,
  untouched,
} from "../../../shared/flows/replay/judge-item.ts";
import type { ReplayItem } from "../../../shared/flows/replay/replay-item.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aClaimRequest } from "../../support/builders.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const start = Date.parse("2026-11-20T10:00:00.000Z");
const at = (ms: number) => new Date(start + ms);
const record = aRecord();
const generation = "replay-1";
const error = { type: "Broken", message: "it broke" };

const begun = (about: Partial<LedgerEntry> = {}): ReplayItem & { kind: "begun" } => {
  const entry = anEntry({ generation, ...about });
  return { kind: "begun", record, component: "mailer", entry };
};
const deliver = (request = aClaimRequest({ generation })): ReplayItem => {
  const delivery = { request } as unknown as (ReplayItem & { kind: "deliver" })["delivery"];
  return { kind: "deliver", record, component: "mailer", delivery, version: undefined };
};
const skip = (entry?: Partial<LedgerEntry>): ReplayItem => {
  return { kind: "skip", record, reason: "not at rest", ...(entry && { entry: anEntry(entry) }) };
};
const open: CountedItem = { kind: "sent", state: "open", component: "mailer", alias: "stable", version: "" };
const skipped = (reason: "held up" | "not at rest" | "duplicate"): CountedItem => ({ kind: "skip", reason });

/** Whether it is waited for, so long after the replay's start. */
function awaited(item: ReplayItem, result: CountedItem, ms = 0, cancelling = false): boolean {
  const replay = aReplay({ progress: { startedAt: at(0), ...(cancelling && { cancelling }) } });
  return isAwaited(item, result, replay, { now: () => at(ms), settleMs: 5_000 });
}

describe("what became of a replay's delivery", () => {
  it("is waited for until it is at rest, by a cancelled one only in a generation of its own", () => {
    expect(awaited(deliver(), open)).toBe(true);
    expect(awaited(deliver(), { ...open, state: "done" })).toBe(false);
    expect(awaited(deliver(), open, 0, true)).toBe(true);
    expect(awaited(deliver(aClaimRequest({ generation: "live" })), open, 0, true)).toBe(false);
    expect(awaited(begun(), open, 0, true)).toBe(true);
    expect(awaited(begun({ generation: "live" }), open, 0, true)).toBe(false);
    expect(awaited(begun({ generation: "live" }), open)).toBe(true);
  });

  it("is waited for where it was held up, unless the replay is cancelled, and not of what is only planned or skipped", () => {
    expect(awaited(deliver(), skipped("held up"))).toBe(true);
    expect(awaited(deliver(), skipped("held up"), 0, true)).toBe(false);
    expect(awaited(skip(), skipped("duplicate"))).toBe(false);
    expect(awaited(deliver(), { ...open, kind: "planned" })).toBe(false);
  });

  it.each<[string, Partial<LedgerEntry> | undefined, number, boolean]>([
    ["nobody knows of", undefined, 0, false],
    ["was claimed", { status: "claimed" }, 899_999, true],
    ["was claimed for longer than any lease", { status: "claimed", closedAt: at(0) }, 900_000, false],
    ["was handed over in time", { status: "accepted", closedAt: at(899_999) }, 9_000_000, true],
    ["was handed over later", { status: "accepted", closedAt: at(900_000) }, 9_000_000, false],
    ["was handed over, nobody knows when", { status: "accepted" }, 899_999, true],
    ["was handed over so long ago", { status: "accepted" }, 900_000, false],
    ["waits for another try", { status: "failed" }, 4_999, true],
    ["waits for longer", { status: "failed" }, 5_000, false],
    ["is at rest", { status: "done" }, 0, false],
  ])("is waited for where others are at it since before, if it %s: %j after %i ms", (_, entry, ms, expected) => {
    expect(awaited(skip(entry), skipped("not at rest"), ms)).toBe(expected);
    expect(awaited(skip(entry), skipped("not at rest"), ms, true)).toBe(false);
  });

  it("counts as it stands where nothing was done about it", () => {
    expect(untouched(begun({ status: "dead", executedVersion: "7" }), false)).toEqual({
      ...{ kind: "sent", state: "dead", component: "mailer", alias: "stable", version: "7" },
    });
    expect(untouched(begun({ status: "failed" }), false)).toMatchObject({ state: "open", version: "" });
    expect(untouched(deliver(), false)).toEqual({ kind: "skip", reason: "held up" });
    expect(untouched(deliver(), true)).toEqual({ kind: "skip", reason: "cancelled" });
    expect(untouched(skip(), false)).toEqual({ kind: "skip", reason: "not at rest" });
  });
});

describe("what a replay has to make", () => {
  it("is what is to be delivered, and nothing more of it once it is cancelled", () => {
    expect([isToMake(deliver(), at(0), false), isToMake(deliver(), at(0), true)]).toEqual([true, false]);
    expect(isToMake(skip(), at(0), false)).toBe(false);
  });

  it.each<[string, Partial<LedgerEntry>, number, boolean]>([
    ["failed, and is due", { status: "failed", nextAttemptAt: at(10) }, 10, true],
    ["failed, and isn't due", { status: "failed", nextAttemptAt: at(10) }, 9, false],
    ["was handed over, and its deadline is past", { status: "accepted", nextAttemptAt: at(10) }, 10, true],
    ["was handed over, and has time", { status: "accepted", nextAttemptAt: at(10) }, 9, false],
    ["was claimed, and the lease is over", { status: "claimed", leaseUntil: at(10) }, 10, true],
    [
      "was claimed, and the lease isn't over",
      { status: "claimed", leaseUntil: at(10), nextAttemptAt: at(0) },
      9,
      false,
    ],
    ["is at rest", { status: "done", nextAttemptAt: at(0) }, 10, false],
    [
      "failed in the generation of its arrival",
      { status: "failed", generation: "live", nextAttemptAt: at(0) },
      10,
      false,
    ],
  ])("is what it had begun and that %s: %j at %i ms", (_, entry, ms, expected) => {
    expect(isToMake(begun(entry), at(ms), false)).toBe(expected);
  });

  it("is, cancelled, also what failed and isn't due: it is given up", () => {
    expect(isToMake(begun({ status: "failed", nextAttemptAt: at(10) }), at(0), true)).toBe(true);
    expect(isToMake(begun({ status: "accepted", nextAttemptAt: at(10) }), at(0), true)).toBe(false);
  });
});

describe("what a cancelled replay gives up", () => {
  it("is dead of its last failure, whatever came after that", () => {
    const attempt = (outcome: LedgerEntry["attempts"][number]["outcome"], type: string) => {
      return { attempt: 1, at: at(0), outcome, error: { type, message: "of then" } };
    };
    const failure = (...attempts: LedgerEntry["attempts"]) =>
      givingUp(begun({ status: "failed", attempts, error: { type: "Busy", message: "no room" } }));
    const said = (type: string, message: string) => ({
      outcome: "exhausted",
      error: { type, message: `not tried again, as the replay was cancelled: ${message}` },
    });
    expect(failure(attempt("failed", "First"), attempt("failed", "Last"), attempt("postponed", "Busy"))).toEqual(
      said("Last", "of then"),
    );
    expect(failure(attempt("failed", "First"), attempt("dead", "Dead"))).toEqual(said("Dead", "of then"));
    expect(failure(attempt("postponed", "Busy"))).toEqual(said("Busy", "no room"));
  });

  it("is dead of the cancelling where nobody knows what became of its last attempt", () => {
    for (const item of [undefined, begun({ status: "claimed", error }), begun({ status: "failed" })]) {
      expect(givingUp(item)).toMatchObject({ error: { type: "ReplayCancelled" } });
    }
  });

  it("is claimed before its time, in the replay's name", () => {
    const item = deliver() as ReplayItem & { kind: "deliver" };
    expect(givenUp(item.delivery, "replay-1").request).toEqual({ ...item.delivery.request, reopenedBy: "replay-1" });
  });

  it("leaves no trace where nothing was ever sent for it", () => {
    const untried = (about: Partial<LedgerEntry>) => isUntried(begun({ status: "failed", ...about }), "replay-1");
    expect(untried({})).toBe(true);
    expect(untried({ failures: 1 })).toBe(false);
    expect(untried({ status: "claimed" })).toBe(false);
    expect(untried({ generation: "live" })).toBe(false);
    expect(isUntried(deliver(), "replay-1")).toBe(false);
  });
});
