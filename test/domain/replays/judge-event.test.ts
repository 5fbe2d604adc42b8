import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DeliveryStatus,
  deliveryStatuses,
  type EventRecord,
  type LedgerEntry,
} from "../../../shared/domain/deliveries/delivery.ts";
import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { type EventOutcome, outcomeFilter, outcomesOf } from "../../../shared/domain/deliveries/event-outcome.ts";
import {
  generationsOf,
  judgeEvent,
  type ReplayPlan,
  type Verdict,
} from "../../../shared/domain/replays/judge-event.ts";
import { replayModes } from "../../../shared/domain/replays/replay.ts";
import { ARRIVED, anEntry, aRecord } from "../../support/stored-events.ts";

const plus = (ms: number) => new Date(ARRIVED.getTime() + ms);
const startedAt = plus(60_000);
const NOW = plus(61_000);

type About = {
  mode?: ReplayPlan["mode"];
  filter?: OutcomeFilter;
  record?: Partial<EventRecord>;
  entries?: readonly Partial<LedgerEntry>[];
};

function judge({ mode = "rerun", filter = {}, record = {}, entries = [{}] }: About): Verdict[] {
  const passes = outcomeFilter(filter);
  const plan = { mode, filter, name: "replay-1", startedAt };
  const isMember = () => false;
  return judgeEvent(aRecord(record), entries.map(anEntry), plan, NOW, (outcome) => passes(outcome, isMember));
}

/** What is to be done, in a word or two. */
const said = (verdict: Verdict) => {
  if (verdict.kind === "skip") return verdict.reason;
  return verdict.kind === "deliver" ? `deliver in ${verdict.generation}` : verdict.kind;
};
const judged = (about: About) => judge(about).map(said);

const fromBefore = { generation: "replay-0", since: plus(30_000) };

describe("a delivery, rerun", () => {
  it.each<[DeliveryStatus, string]>([
    ["done", "deliver in replay-1"],
    ["dead", "deliver in replay-1"],
    ["failed", "not at rest"],
    ["accepted", "not at rest"],
    ["claimed", "not at rest"],
    ["rejected", "rejected"],
  ])("a delivery to be rerun that is %s: %s", (status, expected) => {
    expect(judged({ entries: [{ status }] })).toEqual([expected]);
  });

  it("that nobody has claimed yet is left to its router, and one claimed since the start too", () => {
    expect(judged({ entries: [] })).toEqual(["waiting"]);
    expect(judged({ entries: [{ since: plus(60_001) }] })).toEqual(["claimed since"]);
    expect(judged({ entries: [{ since: startedAt }] })).toEqual(["deliver in replay-1"]);
  });

  it("has one verdict for all the generations that delivered it, after the newest of them", () => {
    const entries = [{ alias: "stable" }, { ...fromBefore, alias: "beta" }];
    expect(judge({ entries })).toMatchObject([{ kind: "deliver", generation: "replay-1", before: { alias: "beta" } }]);
    expect(judged({ entries: [{}, { ...fromBefore, since: plus(70_000) }] })).toEqual(["deliver in replay-1"]);
  });

  it.each(["claimed", "accepted", "failed"] as const)("is made although another replay's is %s", (status) => {
    expect(judged({ entries: [{}, { ...fromBefore, status }] })).toEqual(["deliver in replay-1"]);
    expect(judged({ entries: [{ status: "failed" }, { ...fromBefore, status }] })).toEqual(["not at rest"]);
    const filter = { replay: "replay-0" };
    expect(judged({ filter, entries: [{}, { ...fromBefore, status }] })).toEqual(["deliver in replay-1"]);
  });

  it.each(["claimed", "accepted", "failed"] as const)("that is %s may be what is asked for when it ends", (status) => {
    const judgedOnceAtRest = (entries: Partial<LedgerEntry>[], mode: "rerun" | "finish") => {
      const plan = { mode, filter: {}, name: "replay-1", startedAt } as const;
      const isDead = ({ entry }: EventOutcome) => entry?.status === "dead";
      return judgeEvent(aRecord(), entries.map(anEntry), plan, NOW, isDead, () => true).map((one) =>
        one.kind === "skip" ? one.reason : one.kind,
      );
    };
    for (const mode of ["rerun", "finish"] as const) {
      expect(judgedOnceAtRest([{ status }], mode)).toEqual(["not at rest"]);
      expect(judgedOnceAtRest([{ status, since: NOW }], mode)).toEqual([]);
      expect(judgedOnceAtRest([{ status: "done" }], mode)).toEqual([]);
    }
    const beside = [{ status }, { ...fromBefore, status: "dead" }] as const;
    expect(judgedOnceAtRest([...beside], "rerun")).toEqual(["not at rest"]);
    expect(judgedOnceAtRest([...beside], "finish")).toEqual(["deliver", "not at rest"]);
  });

  it("has a verdict for each component that the filter lets through", () => {
    const record = { components: ["mailer", "billing", "search"] };
    const entries = [{ status: "done" }, { component: "billing", status: "dead" }, { component: "search" }] as const;
    const delivered = (about: About) =>
      judge({ record, entries, ...about }).map((one) => "component" in one && one.component);
    expect(delivered({})).toEqual(["mailer", "billing", "search"]);
    expect(delivered({ filter: { status: "dead" } })).toEqual(["billing"]);
    expect(delivered({ filter: { component: "search" } })).toEqual(["search"]);
  });

  it("a delivery to be rerun of a replay before is what a filter by that replay finds", () => {
    const filter = { replay: "replay-0" };
    expect(judged({ filter, entries: [{}] })).toEqual([]);
    expect(judge({ filter, entries: [{}, { ...fromBefore, alias: "beta" }] })).toMatchObject([
      { kind: "deliver", generation: "replay-1", before: { generation: "replay-0", alias: "beta" } },
    ]);
  });

  it.each(deliveryStatuses)("that this replay has made itself, now %s, is begun, whatever the filter", (status) => {
    const entries = [{}, { generation: "replay-1", status, since: plus(60_500) }];
    expect(judged({ entries })).toEqual(["begun"]);
    expect(judged({ entries, filter: { status: "unmatched" } })).toEqual(["begun"]);
  });
});

describe("a delivery that a later replay has made good", () => {
  const entries = [{ status: "dead" }, fromBefore] as const;
  const repaired = [{ kind: "skip", component: "mailer", reason: "repaired", repairedBy: "replay-0" }];

  it.each(["dead", "unresolved"] as const)("is skipped, and says so, where %s ones are asked for", (status) => {
    expect(judge({ entries, filter: { status } })).toMatchObject(repaired);
    expect(judge({ mode: "finish", entries, filter: { status } })).toMatchObject(repaired);
    expect(judged({ entries: [{ status: "dead" }], filter: { status } })).toEqual(["deliver in replay-1"]);
  });

  it("is never finished, whatever is asked for", () => {
    expect(judged({ mode: "finish", entries })).toEqual(["repaired", "done already"]);
    expect(judged({ mode: "finish", entries, filter: { status: "repaired" } })).toEqual(["repaired"]);
  });

  it("is run again by a rerun that asks for no status, or for just that", () => {
    expect(judge({ entries })).toMatchObject([{ kind: "deliver", before: { generation: "replay-0" } }]);
    const asked = judge({ entries, filter: { status: "repaired" } });
    expect(asked).toMatchObject([{ kind: "deliver", before: { status: "dead" }, repairedBy: "replay-0" }]);
  });

  it("a repaired delivery that died in another replay after that is unresolved again", () => {
    const died = { generation: "replay-2", status: "dead", since: plus(40_000) } as const;
    const again = [...entries, died];
    expect(judge({ entries: again, filter: { status: "dead" } })).toMatchObject([
      { kind: "deliver", before: { generation: "replay-2" } },
    ]);
    expect(judged({ mode: "finish", entries: again })).toEqual(["repaired", "done already", "deliver in replay-2"]);
  });

  it("isn't mentioned where the filter wouldn't have matched it before either", () => {
    expect(judged({ entries, filter: { status: "dead", alias: "beta" } })).toEqual([]);
    expect(judged({ entries, filter: { status: "failed" } })).toEqual([]);
  });
});

describe("a delivery, finished", () => {
  it.each<[DeliveryStatus, string]>([
    ["done", "done already"],
    ["dead", "deliver in live"],
    ["failed", "deliver in live"],
    ["accepted", "not at rest"],
    ["claimed", "not at rest"],
    ["rejected", "rejected"],
  ])("a delivery to be finished that is %s: %s", (status, expected) => {
    expect(judged({ mode: "finish", entries: [{ status }] })).toEqual([expected]);
  });

  it("has a verdict of its own in every generation", () => {
    const entries = [
      { status: "dead" },
      { ...fromBefore, status: "dead" },
      { ...fromBefore, generation: "replay-2" },
    ] as const;
    expect(judged({ mode: "finish", entries })).toEqual(["repaired", "deliver in replay-0", "done already"]);
  });

  it("is the latest of those that died, as each would have its effect under a key of its own", () => {
    const dead = [{ status: "dead" }, { ...fromBefore, status: "dead" }] as const;
    expect(judged({ mode: "finish", entries: dead })).toEqual(["superseded", "deliver in replay-0"]);
    const begun = [{ status: "dead" }, { ...fromBefore, status: "dead", since: NOW, replay: "replay-1" }] as const;
    expect(judged({ mode: "finish", entries: begun })).toEqual(["begun", "superseded"]);
    const others = [{ status: "dead" }, { ...fromBefore, component: "billing", status: "failed" }] as const;
    expect(judged({ mode: "finish", entries: others, record: { components: ["mailer", "billing"] } })).toEqual([
      "deliver in live",
      "deliver in replay-0",
    ]);
  });

  it("counts as before once this replay has finished the later one, so that it is as planned", () => {
    const entries = [{ status: "dead" }, { ...fromBefore, since: NOW, replay: "replay-1" }] as const;
    expect(judged({ mode: "finish", entries })).toEqual(["begun", "superseded"]);
  });

  it("is skipped when its entry has expired, or it was claimed since the start", () => {
    expect(judged({ mode: "finish", entries: [{ status: "dead", expiresAt: NOW }] })).toEqual(["forgotten"]);
    expect(judged({ mode: "finish", entries: [{ status: "dead", since: NOW }] })).toEqual(["claimed since"]);
    expect(judged({ mode: "finish", entries: [] })).toEqual(["waiting"]);
  });

  it.each(deliveryStatuses)("a delivery to be finished that this replay has reopened, now %s, is begun", (status) => {
    const entries = [{ status, replay: "replay-1", since: plus(60_500) }];
    expect(judged({ mode: "finish", entries })).toEqual(["begun"]);
  });

  it("a delivery to be finished that another replay has reopened since is that one's", () => {
    const entries = [{ status: "dead", replay: "replay-2", since: plus(60_500) }] as const;
    expect(judged({ mode: "finish", entries })).toEqual(["claimed since"]);
  });
});

describe("the same event, come again", () => {
  const record = { t0: plus(5_000) };

  it.each(replayModes)("is a duplicate, and stays one once the replay has made the delivery (%s)", (mode) => {
    const own = mode === "rerun" ? { generation: "replay-1" } : { replay: "replay-1" };
    expect(judged({ mode, record, entries: [{ status: "dead" }] })).toEqual(["duplicate"]);
    expect(judged({ mode, record, entries: [{ status: "dead" }, { status: "done", ...own }] })).toEqual(["duplicate"]);
  });

  it.each(replayModes)(
    "the same event with another payload is rejected, and stays so once the replay has made the delivery (%s)",
    (mode) => {
      const own = mode === "rerun" ? { generation: "replay-1" } : { replay: "replay-1" };
      const refusal = { t0: plus(5_000), payloadHash: "other", status: "rejected" } as const;
      const other = { ...record, payloadHash: "other" };
      expect(judged({ mode, record: other, entries: [{ status: "dead" }, refusal] })).toEqual(["rejected"]);
      expect(judged({ mode, record: other, entries: [{ status: "done", ...own }, refusal] })).toEqual(["rejected"]);
    },
  );

  it("the same event without a listener then is a duplicate of what this replay has delivered since", () => {
    const filter = { status: "unmatched" } as const;
    const own = { generation: "replay-1", since: NOW };
    expect(judge({ record: { ...record, components: [] }, filter, entries: [own] })).toEqual([
      { kind: "skip", reason: "duplicate", component: "mailer" },
      { kind: "deliver to listeners", generation: "replay-1" },
    ]);
  });
});

describe("an event that no component had", () => {
  const unmatched = { components: [] };
  const unreadable = { components: [], rejected: "it is no JSON" };

  it("is told as such", () => {
    expect(judged({ record: unmatched, entries: [] })).toEqual(["unmatched"]);
    expect(judged({ record: unreadable, entries: [] })).toEqual(["unreadable"]);
    expect(judged({ mode: "finish", record: unmatched, entries: [] })).toEqual(["unmatched"]);
    expect(judged({ mode: "finish", record: unreadable, entries: [] })).toEqual(["unreadable"]);
  });

  it("goes to whoever listens now if just that is asked for", () => {
    expect(judged({ record: unmatched, entries: [], filter: { status: "unmatched" } })).toEqual([
      "deliver to listeners",
    ]);
    expect(judged({ record: unreadable, entries: [], filter: { status: "rejected" } })).toEqual([
      "deliver to listeners",
    ]);
    expect(judged({ record: unreadable, entries: [], filter: { status: "unresolved" } })).toEqual([
      "deliver to listeners",
    ]);
    expect(judged({ record: unmatched, entries: [], filter: { status: "unresolved" } })).toEqual([]);
    expect(judged({ record: unmatched, entries: [], filter: { status: "rejected" } })).toEqual([]);
    expect(judged({ record: unreadable, entries: [], filter: { status: "unmatched" } })).toEqual([]);
    const filter = { status: "unmatched", component: "mailer" } as const;
    expect(judged({ record: unmatched, entries: [], filter })).toEqual(["deliver to listeners"]);
  });

  it("is never run again to finish it", () => {
    const filter = { status: "unmatched" } as const;
    expect(judged({ mode: "finish", record: unmatched, entries: [], filter })).toEqual(["unmatched"]);
  });

  it("has been begun where this replay has delivered it, and goes to those who listen besides", () => {
    const entries = [{ generation: "replay-1", since: NOW }];
    expect(judged({ record: unmatched, entries, filter: { status: "unmatched" } })).toEqual([
      "begun",
      "deliver to listeners",
    ]);
    expect(judged({ record: unmatched, entries })).toEqual(["begun"]);
  });
});

describe("all that a filter matches of any event", () => {
  const status = fc.constantFrom(...deliveryStatuses);
  const entry = fc.record({
    component: fc.constantFrom("mailer", "billing", "search"),
    generation: fc.constantFrom("live", "replay-0", "replay-2"),
    status,
    since: fc.constantFrom(ARRIVED, startedAt, plus(60_001)),
    t0: fc.constantFrom(ARRIVED, plus(5_000)),
    payloadHash: fc.constantFrom("hash", "other"),
    replay: fc.constantFrom("replay-0", "replay-2"),
    expiresAt: fc.constantFrom(plus(1), plus(1e9)),
  });
  const entries = fc.uniqueArray(entry, { selector: (one) => `${one.component} ${one.generation} ${one.payloadHash}` });
  const record = fc.record({
    components: fc.subarray(["mailer", "billing", "search"]),
    t0: fc.constantFrom(ARRIVED, plus(5_000)),
  });
  const matching = fc.func<[string, string, string], boolean>(fc.boolean());

  it("has one verdict per delivery to finish it, one per component to rerun it, and nothing else has one", () => {
    fc.assert(
      fc.property(record, entries, matching, (about, made, matches) => {
        const event = aRecord(about);
        const ledger = made.map(anEntry);
        const passes = ({ component = "", status: is, entry: of }: EventOutcome) =>
          matches(component, is, of?.generation ?? "");
        const matched = outcomesOf(event, ledger).filter(
          (one) =>
            passes(one) || (one.status === "repaired" && passes({ ...one, status: one.entry?.status ?? "dead" })),
        );
        const verdicts = (mode: ReplayPlan["mode"]) =>
          judgeEvent(event, ledger, { mode, filter: {}, name: "replay-1", startedAt }, NOW, passes).map((one) =>
            "component" in one ? (one.component ?? "") : one.kind,
          );
        const components = matched.map(({ component = "" }) => component);
        const withComponent = (names: string[]) => names.filter((name) => name !== "skip").toSorted();
        expect(withComponent(verdicts("finish"))).toEqual(components.filter((name) => name !== "").toSorted());
        expect(withComponent(verdicts("rerun"))).toEqual(
          [...new Set(components)].filter((name) => name !== "").toSorted(),
        );
        expect(verdicts("rerun")).toHaveLength(new Set(components).size);
        expect(verdicts("finish")).toHaveLength(components.length);
      }),
    );
  });

  it("is delivered at most once per component by a rerun, and never while the attempt as it arrived may be on its way", () => {
    fc.assert(
      fc.property(record, entries, (about, made) => {
        const ledger = made.map(anEntry);
        const plan = { mode: "rerun", filter: {}, name: "replay-1", startedAt } as const;
        const delivered = judgeEvent(aRecord(about), ledger, plan, NOW, () => true).filter(
          (one) => one.kind === "deliver",
        );
        expect(new Set(delivered.map(({ component }) => component)).size).toBe(delivered.length);
        for (const { component, generation, before } of delivered) {
          expect(generation).toBe("replay-1");
          expect(before?.component).toBe(component);
          const open = ledger.filter(
            (one) => one.component === component && one.t0.getTime() === (about.t0 ?? ARRIVED).getTime(),
          );
          const covered = open.filter((one) => one.payloadHash === "hash" && one.since <= startedAt);
          const asArrived = covered.filter((one) => one.generation === "live");
          expect(asArrived.filter((one) => ["claimed", "failed", "accepted"].includes(one.status))).toEqual([]);
        }
      }),
    );
  });
});

it("a replay looks at the deliveries as they arrived, its own, and those of replays that ran them again", () => {
  const replays = [
    { name: "replay-0", mode: "rerun" },
    { name: "tidy-up", mode: "finish" },
  ] as const;
  expect(generationsOf(replays, { name: "replay-1", mode: "rerun" })).toEqual(["live", "replay-0", "replay-1"]);
  expect(generationsOf([{ name: "replay-1", mode: "rerun" }], { name: "replay-1", mode: "rerun" })).toEqual([
    "live",
    "replay-1",
  ]);
});
