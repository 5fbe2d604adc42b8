import { expect, it } from "vitest";
import type { LedgerEntry } from "../../../shared/domain/deliveries/delivery.ts";
import { type DeliveryCount, noCounts } from "../../../shared/domain/health/delivery-count.ts";
import { bucketOf } from "../../../shared/domain/health/duration-buckets.ts";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import { newWatch, type Watch } from "../../../shared/domain/health/watch.ts";
import type { TimeWindow } from "../../../shared/domain/text/time-window.ts";
import { type LookPorts, lookAtVersion } from "../../../shared/flows/watch/look-at-version.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRouter } from "../../support/router.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";

const MAILER = "mailer";
const FROM = new Date("2026-11-20T10:00:00.000Z");
const TARGETS = [
  { alias: "stable", version: "22" },
  { alias: "beta", version: "24" },
];

const at = (minute: number, second = 0) => new Date(FROM.getTime() + minute * 60_000 + second * 1_000);

type Counted = Partial<Omit<DeliveryCount, "at" | "durations">> & {
  minute: number;
  durationsMs?: Record<number, number>;
};

function aCount({ minute, durationsMs = {}, ...about }: Counted): DeliveryCount {
  const durations = new Map(Object.entries(durationsMs).map(([ms, count]) => [bucketOf(Number(ms)), count]));
  const key = { component: MAILER, version: "24", alias: "beta", type: "order placed" };
  return { ...noCounts(), firsts: 10, ...key, at: at(minute), durations, ...about };
}

const ofStable = (about: Counted) => aCount({ version: "22", alias: "stable", firsts: 100, ...about });

function aFailure(about: Partial<Failure> & { customer?: string } = {}): Failure {
  const { customer = "acme", ...rest } = about;
  const of = { at: FROM, component: MAILER, version: "24", alias: "beta", type: "order placed" };
  const said = { errorType: "Broken", message: "it broke", requestId: "r" };
  const event = { deliveryKey: "d", eventId: "e", because: "customer pin", subject: { customer } } as const;
  return { ...of, ...said, ...event, ...rest };
}

type Known = {
  counts?: DeliveryCount[];
  failures?: Failure[];
  delivered?: { sent: Date; customer?: string; type?: string; entry: Partial<LedgerEntry> }[];
};

/** Looks at version 24 behind beta of the mailer, of which this is known. `reads`: how often what costs much was read. */
async function looking({ counts = [], failures = [], delivered = [] }: Known, customers = ["acme"]) {
  const pins = { [MAILER]: aPin({ alias: "beta" }) };
  const component = aComponent({ name: MAILER });
  const rows = Object.fromEntries(customers.map((customer) => [`customer#${customer}`, aSubjectRow({ pins })]));
  const { table } = await aRouter({ components: [component], rows });
  const isIn = (time: Date, { from, to }: TimeWindow) => time >= from && time < to;
  const stored = delivered.map(({ sent, customer = "acme", type: detailType = "order placed", entry }, n) => {
    const eventKey = `event-${n}`;
    const record = aRecord({ t0: sent, eventKey, detailType, subject: { customer } });
    return { record, entry: anEntry({ eventKey, ...entry }) };
  });
  const reads = { before: 0, failures: 0, directory: 0 };
  const events: LookPorts["events"] = {
    counts: async (window, span) => {
      if (span === "hour") reads.before += 1;
      return { counts: counts.filter((count) => isIn(count.at, window)), dropped: 0 };
    },
    failures: async (_, window) => {
      reads.failures += 1;
      return failures.filter((failure) => isIn(failure.at, window));
    },
    async *records(window) {
      yield stored.map(({ record }) => record).filter(({ t0 }) => isIn(t0, window));
    },
    deliveries: async (keys) => keys.map((key) => stored.find(({ entry }) => entry.deliveryKey === key)?.entry),
  };
  const directory: LookPorts["routingTable"] = {
    ...table,
    subjects: (...asked) => {
      reads.directory += 1;
      return table.subjects(...asked);
    },
  };
  const ports = { events, routingTable: directory, random: () => 0.5 };
  return {
    look: (now: Date, watch = aWatch(), targets = TARGETS) => lookAtVersion(ports, component, watch, targets, now),
    reads,
  };
}

function aWatch(about: Partial<Watch> = {}): Watch {
  return { ...newWatch({ component: MAILER, alias: "beta", version: "24" }, FROM, FROM), ...about };
}

/** Of the verdict: tried and failed of the version, and of stable beside it. */
function failedIn({ verdict }: Awaited<ReturnType<typeof lookAtVersion>>) {
  const [failed] = verdict.metrics;
  return [failed?.own.tried, failed?.own.failed, failed?.stable.tried, failed?.stable.failed];
}

it("a look counts what its version and stable have done, and nothing of others", async () => {
  const { look } = await looking({
    counts: [
      aCount({ minute: 1, firsts: 7, failed: 2 }),
      ofStable({ minute: 1, firsts: 90, failed: 1 }),
      aCount({ minute: 1, version: "23" }),
      aCount({ minute: 1, alias: "branch" }),
      aCount({ minute: 1, component: "invoice" }),
      ofStable({ minute: 1, component: "invoice" }),
    ],
  });
  expect(failedIn(await look(at(9)))).toEqual([7, 2, 90, 1]);
});

it("what says nothing of its version is that of the one which the alias points at", async () => {
  const { look } = await looking({
    counts: [aCount({ minute: 1, version: "", firsts: 7, failed: 2 })],
    failures: [aFailure({ at: at(1), version: "" })],
  });
  const seen = await look(at(9));
  expect(failedIn(seen)).toEqual([7, 2, 0, 0]);
  expect(seen.customers).toEqual(['["acme"]']);
});

it("whom other versions have failed for isn't told of this one", async () => {
  const counts = [aCount({ minute: 1, failed: 1 }), ofStable({ minute: 1, failed: 1 })];
  const failures = [
    aFailure({ at: at(1), version: "22", alias: "stable", customer: "globex" }),
    aFailure({ at: at(1), alias: "branch", customer: "initech" }),
  ];
  const { look } = await looking({ counts, failures });
  expect((await look(at(9))).customers).toEqual([]);
});

it("a version of which nothing has failed costs no read of failures, and none of the directory", async () => {
  const { look, reads } = await looking({ counts: [aCount({ minute: 1 }), ofStable({ minute: 1 })] });
  await look(at(9));
  expect(reads).toMatchObject({ failures: 0, directory: 0 });
});

it("a version that is stable's as well isn't compared with itself", async () => {
  const { look } = await looking({ counts: [aCount({ minute: 1 }), aCount({ minute: 1, alias: "stable" })] });
  const everywhere = TARGETS.map((target) => ({ ...target, version: "24" }));
  expect(failedIn(await look(at(9), aWatch(), everywhere))).toEqual([10, 0, 0, 0]);
});

it("the last three minutes count at once, and are counted again as more comes of them", async () => {
  const counts = [0, 1, 2, 3].map((minute) => aCount({ minute }));
  const { look } = await looking({ counts });
  const first = await look(at(5, 30));
  expect(failedIn(first)[0]).toBe(40);
  expect(first).toMatchObject({ upTo: at(2).toISOString(), meters: { failed: { own: { tried: 20 } } } });
  counts.push(aCount({ minute: 2, firsts: 5, type: "order paid" }), aCount({ minute: 4, firsts: 5 }));
  const second = await look(at(6), first);
  expect(failedIn(second)[0]).toBe(50);
  expect(second).toMatchObject({ upTo: at(3).toISOString(), lookedAt: at(6).toISOString() });
  const later = await look(at(30), second);
  expect(failedIn(later)[0]).toBe(50);
  expect(later.meters.failed.own.tried).toBe(50);
});

it("what a watch has counted for good stays so though a clock goes back", async () => {
  const { look } = await looking({ counts: [0, 1, 2, 3].map((minute) => aCount({ minute })) });
  const first = await look(at(6));
  const back = await look(at(4), first);
  expect(back.upTo).toBe(first.upTo);
  expect(failedIn(back)[0]).toBe(40);
});

it("what a router counts by a clock that is up to two minutes ahead counts", async () => {
  const { look } = await looking({ counts: [aCount({ minute: 6 }), aCount({ minute: 7 })] });
  expect(failedIn(await look(at(4, 30)))[0]).toBe(10);
  expect(failedIn(await look(at(4)))[0]).toBe(0);
});

it("a failure of a minute that may still change is listed with what was counted in it", async () => {
  const failures = [aFailure({ at: at(1, 59) }), aFailure({ at: at(2, 59), deliveryKey: "e" })];
  const counts = [aCount({ minute: 1, failed: 1 }), aCount({ minute: 2, failed: 1 })];
  const { look } = await looking({ counts, failures });
  const seen = await look(at(5, 30));
  expect(seen.meters.failed).toMatchObject({ own: { tried: 10, failed: 1 }, bursts: { failed: 1 }, stretches: 1 });
  expect(seen.verdict.metrics[0]?.own).toEqual({ tried: 20, failed: 2 });
});

it("a watch tells ten customers at most whom the version has failed for, each once", async () => {
  const named = (count: number) => Array.from({ length: count }, (_, n) => aFailure({ at: at(1), customer: `c-${n}` }));
  const counts = [aCount({ minute: 1, firsts: 30, failed: 30 })];
  const few = await looking({ counts, failures: [...named(9), ...named(9)] });
  const first = await few.look(at(3));
  expect(first.customers).toHaveLength(9);
  expect((await few.look(at(3), first)).customers).toHaveLength(9);
  const many = await looking({ counts, failures: named(12) });
  expect((await many.look(at(3))).customers).toHaveLength(10);
});

it("after a day the evidence begins anew, and what else is known of the version stays", async () => {
  const { look } = await looking({});
  const kept = {
    lock: 7,
    slow: { aboveMs: 90, at: at(24 * 60 - 5).toISOString() },
    before: { tried: 50, failed: 1, durations: [], at: at(24 * 60 - 5).toISOString() },
    keeper: { id: "me", until: at(24 * 60 + 1).toISOString() },
  };
  const counted = { tried: 40, failed: 0 };
  const meters = { ...aWatch().meters, failed: { ...aWatch().meters.failed, own: counted } };
  const old = aWatch({ ...kept, meters, customers: ['["acme"]'] });
  const within = await look(at(24 * 60 - 1, 59), old);
  expect(within).toMatchObject({ ...kept, from: FROM.toISOString(), meters: { failed: { own: { tried: 40 } } } });
  const anew = await look(at(24 * 60, 20), old);
  const begins = at(24 * 60).toISOString();
  expect(anew).toMatchObject({ ...kept, since: FROM.toISOString(), from: begins, upTo: begins, customers: [] });
  expect(anew.meters.failed.own.tried).toBe(0);
  const bare = await look(at(24 * 60, 20), aWatch());
  for (const name of ["slow", "before", "keeper", "trip"]) expect(bare).not.toHaveProperty(name);
});

it("what nearly all of stable's attempts of the last hour stayed within isn't slow", async () => {
  // 95 of 100 are over within 10 ms: the bucket ends there.
  const durationsMs = { 8: 95, 400: 5 };
  const slowBy = async (counts: DeliveryCount[], now = at(9)) => (await (await looking({ counts })).look(now)).slow;
  expect(await slowBy([ofStable({ minute: 1, durationsMs })])).toEqual({ aboveMs: 10, at: at(9).toISOString() });
  expect(await slowBy([ofStable({ minute: 1, durationsMs: { 8: 95, 400: 4 } })])).toBeUndefined();
  expect(await slowBy([ofStable({ minute: 1, durationsMs, component: "invoice" })])).toBeUndefined();
  expect(await slowBy([aCount({ minute: 1, durationsMs })])).toBeUndefined();
  expect(await slowBy([ofStable({ minute: 1, durationsMs })], at(61))).toMatchObject({ aboveMs: 10 });
  expect(await slowBy([ofStable({ minute: 1, durationsMs })], at(62))).toBeUndefined();
});

it("what is slow is looked up every ten minutes, and stays as it was where stable has done too little", async () => {
  const { look } = await looking({ counts: [ofStable({ minute: 1, durationsMs: { 8: 100 } })] });
  const slow = { aboveMs: 700, at: FROM.toISOString() };
  expect((await look(at(9, 59), aWatch({ slow }))).slow).toEqual(slow);
  expect((await look(at(10), aWatch({ slow }))).slow).toMatchObject({ at: at(10).toISOString() });
  expect((await look(at(70), aWatch({ slow }))).slow).toEqual(slow);
});

it("what takes longer than nearly all of stable's is counted as slow", async () => {
  const { look } = await looking({
    counts: [
      aCount({ minute: 1, durationsMs: { 8: 3, 400: 7 } }),
      ofStable({ minute: 1, durationsMs: { 8: 96, 400: 4 } }),
    ],
  });
  const [, slower] = (await look(at(9))).verdict.metrics;
  expect(slower).toMatchObject({ metric: "slower", own: { tried: 10, failed: 7 }, stable: { tried: 100, failed: 4 } });
});

const before = (minute: number) => ({ tried: 1_000, failed: 1, durations: [], at: at(minute).toISOString() });

it("what was before is looked up once something was tried, and then every ten minutes", async () => {
  const idle = await looking({});
  expect((await idle.look(at(30))).before).toBeUndefined();
  expect(idle.reads.before).toBe(0);
  const busy = await looking({ counts: [aCount({ minute: 29 })] });
  const nothing = { tried: 0, failed: 0, durations: [], at: at(30).toISOString(), customers: 0 };
  expect((await busy.look(at(30))).before).toEqual(nothing);
  expect((await busy.look(at(30), aWatch({ before: before(20) }))).before?.at).toBe(at(30).toISOString());
  expect((await busy.look(at(30), aWatch({ before: before(21) }))).before).toEqual(before(21));
});

it("what was before is looked up every minute while a version is suspected", async () => {
  const failures = [1, 2, 3, 4].map((n) => aFailure({ at: at(29), customer: `c-${n}`, deliveryKey: `d-${n}` }));
  const { look } = await looking({ counts: [aCount({ minute: 29, failed: 4 }), ofStable({ minute: 29 })], failures });
  expect((await look(at(30), aWatch({ before: before(29) }))).before?.at).toBe(at(30).toISOString());
  expect((await look(at(30, -1), aWatch({ before: before(29) }))).before).toEqual(before(29));
});

it("one failure makes nobody suspect a version", async () => {
  const counts = [aCount({ minute: 29, failed: 1 }), ofStable({ minute: 29 })];
  const { look } = await looking({ counts, failures: [aFailure({ at: at(29) })] });
  expect((await look(at(30), aWatch({ before: before(21) }))).before).toEqual(before(21));
});

it("the same customers' attempts with the version before count as what was before", async () => {
  const ran = (sent: Date, version: string, outcome: "done" | "failed", about: Partial<LedgerEntry> = {}) => ({
    sent,
    entry: { alias: "beta", attempts: [{ attempt: 1, at: sent, outcome, version, durationMs: 400 }], ...about },
  });
  const { look } = await looking({
    counts: [aCount({ minute: 1 }), aCount({ minute: -30, version: "23" })],
    delivered: [
      ran(at(-20), "23", "failed"),
      ran(at(-10), "23", "done"),
      ran(at(-9), "24", "done"),
      ran(at(1), "24", "done"),
    ],
  });
  const slow = { aboveMs: 100, at: at(2).toISOString() };
  const { before: found, verdict } = await look(at(3), aWatch({ slow }));
  const durations = [[bucketOf(400), 2]];
  expect(found).toEqual({ tried: 2, failed: 1, durations, at: at(3).toISOString(), customers: 1 });
  const [failed, slower] = verdict.metrics;
  expect(failed?.before).toMatchObject({ tried: 2, failed: 1 });
  expect(slower?.before).toEqual({ tried: 2, failed: 2 });
});

it("what others did in that time is told with the same customers' share of each type", async () => {
  const ran = (customer: string, type: string, outcome: "done" | "failed", version = "22") => {
    const sent = at(-20);
    return { customer, type, sent, entry: { attempts: [{ attempt: 1, at: sent, outcome, version }] } };
  };
  const { look } = await looking({
    counts: [aCount({ minute: 1 }), aCount({ minute: -30, version: "23" })],
    delivered: [
      { sent: at(1), entry: { alias: "beta", attempts: [{ attempt: 1, at: at(1), outcome: "done", version: "24" }] } },
      ...["paid", "placed", "placed", "placed"].map((type) => ran("acme", type, "done", "23")),
      ran("globex", "paid", "failed"),
      ran("globex", "placed", "done"),
      ran("globex", "refused", "failed"),
      ran("globex", "placed", "failed", "24"),
    ],
  });
  const { before: found } = await look(at(3), aWatch({}));
  expect(found).toMatchObject({ tried: 4, failed: 0, others: { tried: 2, failed: 0.5 } });
});

it("what others' failures have risen by since then isn't the version's", async () => {
  const minutes = Array.from({ length: 20 }, (_, n) => n);
  const who = (minute: number, n: number) => ({ customer: `c-${n}`, deliveryKey: `d-${minute}-${n}` });
  const failures = minutes.flatMap((minute) =>
    [1, 2, 3, 4].map((n) => aFailure({ at: at(minute), ...who(minute, n) })),
  );
  const counts = minutes.flatMap((minute) => [
    aCount({ minute, failed: 4, firsts: 20 }),
    ofStable({ minute, failed: 4 }),
  ]);
  const { look } = await looking({ counts, failures });
  const known = { tried: 20_000, failed: 1_000, durations: [], at: at(21).toISOString() };
  const saysOf = async (others?: { tried: number; failed: number }) =>
    (await look(at(21), aWatch({ before: { ...known, ...(others && { others }) } }))).verdict.says;
  expect(await saysOf()).toBe("worse");
  expect(await saysOf({ tried: 2_000, failed: 10 })).toBe("no verdict");
  expect(await saysOf({ tried: 2_000, failed: 40 })).toBe("worse");
});

it.each([
  ["one customer of three who are on it", ["acme", "globex", "initech"], ["acme"], "no verdict"],
  ["two customers of three who are on it", ["acme", "globex", "initech"], ["acme", "globex"], "worse"],
  ["the only customer who is on it", ["acme"], ["acme"], "worse"],
])("failing for %s (%j: %j) a version is found: %s", async (_, all, failing, says) => {
  const minutes = Array.from({ length: 20 }, (_, n) => n);
  const failures = minutes.flatMap((minute) =>
    failing.map((customer) => aFailure({ at: at(minute), customer, deliveryKey: `d-${minute}-${customer}` })),
  );
  const counts = minutes.flatMap((minute) => [
    aCount({ minute, firsts: 4, failed: failing.length }),
    ofStable({ minute }),
  ]);
  const { look } = await looking({ counts, failures }, all);
  const seen = await look(at(21), aWatch({ before: before(21) }));
  expect(seen.verdict.says).toBe(says);
});
