import { type ClaimRequest, isAtRest, recordPlaceOf } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { sha256 } from "../../shared/domain/hash.ts";
import type { Replay } from "../../shared/domain/replays/replay.ts";
import type { ReplayerPorts } from "../../shared/flows/replay/replayer-ports.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import type { Control } from "./breakage.ts";
import type { PlannedReplay } from "./planned-replays.ts";
import { allOfKind, HOUR, MINUTE, type Scenario } from "./scenario.ts";

/** A replayer whose store of replays is another. */
const withReplays = (ports: ReplayerPorts, replays: Partial<ReplayStore>): ReplayerPorts => ({
  ...ports,
  replays: { ...ports.replays, ...replays },
});

/** A replay that starts while events are on their way, and is all that the operators do. */
const oneReplay =
  (about: Partial<PlannedReplay>, ask?: Scenario["asks"][number]["asked"]) =>
  (scenario: Scenario): Scenario => {
    const last = Math.max(...scenario.publications.map(({ at }) => at));
    const at = last + 500;
    const replay: PlannedReplay = {
      name: "replay-1",
      at,
      mode: "rerun",
      filter: {},
      destination: { kind: "today" },
      window: { from: -60_000, to: at + 1 },
      concurrency: 3,
      pageSize: 3,
      timeoutMs: 300_000,
      drivers: 1,
      ...about,
    };
    return {
      ...scenario,
      // What a replay skips for a row that can't be read is judged by other tests.
      damages: [],
      replays: [replay],
      asks: ask === "cancel" ? [{ at: at + 3_000, replay: "replay-1", asked: ask }] : [],
    };
  };

/** Records that each stand in a line of their own. */
const withoutLines = ({ events }: ReplayerPorts): ReplayerPorts["events"]["records"] =>
  async function* (window, now, pageSize, after) {
    for await (const page of events.records(window, now, pageSize, after)) {
      yield page.map((record) => ({ ...record, subject: { ...record.subject, project: record.eventKey } }));
    }
  };

export const replayControls: Record<string, Control> = {
  "early-checkpoint": {
    breaks: "a replay's checkpoint is behind a page before the page is finished",
    shows: ["miscounted", "not replayed", "stuck"],
    weather: (scenario) => ({
      ...oneReplay({ concurrency: 1 })(scenario),
      emphasis: ["process crashed", "request lost", "answer lost"],
      intensity: 1,
    }),
    breakage: {
      replayer: (ports, { replays }) => ({
        ...ports,
        events: {
          ...ports.events,
          async *records(window, now, pageSize, cursor) {
            for await (const page of ports.events.records(window, now, pageSize, cursor)) {
              const last = page.at(-1);
              const [replay] = await replays.active();
              if (last !== undefined && replay !== undefined && replay.progress.pass <= 2) {
                await replays.update({
                  ...replay,
                  progress: { ...replay.progress, after: recordPlaceOf(last) },
                });
              }
              yield page;
            }
          },
        },
      }),
    },
  },
  "key-of-live": {
    breaks: "a rerun is given the key of the delivery that it repeats",
    shows: ["no effect"],
    weather: oneReplay({}),
    breakage: {
      replayer: (ports) => ({
        ...ports,
        target(send) {
          const { turnout, ...event } = JSON.parse(send.payload);
          const idempotencyKey = turnout.idempotencyKey.replace(/#.*/, "#live");
          return ports.target({
            ...send,
            payload: JSON.stringify({ ...event, turnout: { ...turnout, idempotencyKey } }),
          });
        },
      }),
    },
  },
  "no-second-pass": {
    breaks: "a replay ends with its first pass",
    shows: ["not replayed", "miscounted"],
    weather: (scenario) => ({ ...oneReplay({})(scenario), intensity: 0.3 }),
    breakage: {
      replayer: (ports) =>
        withReplays(ports, {
          update(replay) {
            const { nextPassAt, ...progress } = replay.progress;
            if (nextPassAt === undefined) return ports.replays.update(replay);
            return ports.replays.update({ ...replay, progress: { ...progress, stretches: [], endedAt: ports.now() } });
          },
        }),
    },
  },
  "cancel-unasked": {
    breaks: "a replayer doesn't ask whether it was cancelled before it claims",
    shows: ["replayed after it was stopped"],
    weather: (scenario) => ({ ...oneReplay({ concurrency: 1, pageSize: 1 }, "cancel")(scenario), intensity: 0.3 }),
    breakage: {
      replayer: (ports) =>
        withReplays(ports, {
          async get(name) {
            const replay = await ports.replays.get(name);
            return replay && { ...replay, asked: "run" };
          },
        }),
    },
  },
  "filter-without-customer": {
    breaks: "a replay's filter forgets the customer",
    shows: ["replayed wrongly"],
    weather: oneReplay({ filter: { customer: "customer-1" } }),
    breakage: {
      replayer: (ports) =>
        withReplays(
          ports,
          filteredBy(ports.replays, ({ customer: _, ...filter }) => filter),
        ),
    },
  },
  "filter-by-another-alias": {
    breaks: "a replay looks for what another alias has had than the one that it was asked for",
    shows: ["not replayed"],
    weather: oneReplay({ filter: { alias: "stable" } }),
    breakage: {
      replayer: (ports) =>
        withReplays(
          ports,
          filteredBy(ports.replays, (filter) => ({ ...filter, alias: "beta" })),
        ),
    },
  },
  "no-compare-and-swap": {
    breaks: "a replayer stores its progress over whatever has changed since it read",
    shows: ["replayed after it was stopped", "stuck", "miscounted", "not replayed"],
    weather: (scenario) => ({
      ...oneReplay({ concurrency: 1, pageSize: 1, drivers: 2 }, "cancel")(scenario),
      emphasis: ["slow request"],
      intensity: 3,
    }),
    breakage: {
      replayer: (ports, { replays }) =>
        withReplays(ports, {
          async update(replay) {
            const { lock = 0 } = (await replays.get(replay.name)) ?? {};
            return ports.replays.update({ ...replay, lock });
          },
        }),
    },
  },
  "no-lanes": {
    breaks: "a replayer takes every event for one of a project of its own",
    shows: ["out of order"],
    weather: (scenario) => ({ ...oneReplay({ concurrency: 10, pageSize: 25 })(scenario), intensity: 0.3 }),
    breakage: { replayer: (ports) => ({ ...ports, events: { ...ports.events, records: withoutLines(ports) } }) },
  },
  "no-lanes-behind-failures": {
    breaks:
      "a replayer takes every event for one of a project of its own, and one fails among those that come one by one",
    shows: ["out of order"],
    weather: (scenario) => ({
      ...oneReplay({ concurrency: 1, pageSize: 25 })(scenario),
      publications: allOfKind(scenario, "order paid"),
      emphasis: ["version failed before its effect"],
      intensity: 0.5,
    }),
    breakage: { replayer: (ports) => ({ ...ports, events: { ...ports.events, records: withoutLines(ports) } }) },
  },
  "no-lanes-behind-the-unsent": {
    breaks: "a replayer takes every event for one of a project of its own, and some are claimed too late to be sent",
    shows: ["out of order"],
    weather: (scenario) => ({
      ...oneReplay({ concurrency: 1, pageSize: 25 })(scenario),
      publications: allOfKind(scenario, "order paid").map((one) => ({ ...one, poison: false })),
      operations: [],
      outages: [],
      intensity: 0,
    }),
    breakage: {
      replayer: (ports) => ({
        ...ports,
        events: { ...ports.events, records: withoutLines(ports) },
        async target(send) {
          const { attempt, eventId } = send.of ?? { attempt: 1, eventId: "" };
          const isLate = attempt === 1 && sha256(eventId) < "8";
          const error = { type: "LeaseTooShort", message: "the lease would end before the answer" };
          return isLate ? { outcome: "throttled", error } : ports.target(send);
        },
      }),
    },
  },
  "hash-within-a-moment": {
    breaks: "a record doesn't say which of one millisecond's events came first, so that their keys' hashes order them",
    shows: ["out of order"],
    embedded: true,
    weather: (scenario) => ({
      ...oneReplay({ at: MINUTE, window: { from: -MINUTE, to: MINUTE } })(scenario),
      publications: allOfKind(scenario, "order paid").map((one, n) => ({
        ...one,
        key: `${n}`,
        at: 0,
        poison: false,
        project: 1,
      })),
      operations: [],
      outages: [],
      skewMs: 0,
      intensity: 0,
    }),
    breakage: {
      events: (events) => ({
        ...events,
        record: (records) => events.record(records.map(({ sequence: _, ...record }) => record)),
      }),
    },
  },
  "trace-of-the-untried": {
    breaks: "what a cancelled replay never tried is closed as dead",
    shows: ["wrong outcome shown", "miscounted"],
    weather: (scenario) => ({
      ...oneReplay({ concurrency: 10 }, "cancel")(scenario),
      emphasis: ["no room at the version"],
      intensity: 1,
    }),
    breakage: {
      replayer: (ports, { store }) => ({
        ...ports,
        events: {
          ...ports.events,
          async release(keys) {
            const error = { type: "Cancelled", message: "never tried" };
            for (const key of keys) {
              const entry = store.entryOf(key);
              if (entry !== undefined) store.put({ ...entry, status: "dead", closedAt: ports.now(), error });
            }
          },
        },
      }),
    },
  },
  "reopened-again": {
    breaks: "a delivery that a replay has reopened doesn't say so, and is reopened by every pass",
    shows: ["too many attempts", "two runs at the same time", "miscounted", "replayed wrongly"],
    weather: (scenario) => ({
      ...oneReplay({ mode: "finish", at: 120_000, window: { from: -60_000, to: 120_001 } })(scenario),
      publications: scenario.publications.map((one) => ({
        ...one,
        kind: "order paid",
        at: one.at % 1_000,
        poison: true,
      })),
      intensity: 0,
      // A version that fails at everything is tried with one event at a time.
      endAt: 4 * HOUR,
    }),
    breakage: {
      replayer: (ports, { store }) => ({
        ...ports,
        events: {
          ...ports.events,
          async claim(requests, owner, now) {
            const before = requests.map(({ deliveryKey }) => store.entryOf(deliveryKey));
            const claims = await ports.events.claim(requests, owner, now);
            for (const entry of before) {
              const known = entry && store.entryOf(entry.deliveryKey);
              if (entry === undefined || known?.owner !== owner) continue;
              const { replay: _, ...unmarked } = known;
              store.put({ ...unmarked, since: entry.since });
            }
            return claims;
          },
        },
      }),
    },
  },
  "blind-to-other-replays": {
    breaks: "a replayer doesn't see what other replays have done",
    shows: ["made good, and sent again"],
    weather: (scenario): Scenario => {
      const hours = (many: number) => many * 3_600_000;
      const [first] = oneReplay({ at: hours(1), window: { from: -60_000, to: hours(1) } })(scenario).replays;
      const publications = allOfKind(scenario, "order paid").map((one) => ({ ...one, at: one.at % 1_000 }));
      const outages = ["stable", "beta", "branch"].map((alias) => ({ alias, from: 0, to: 60_000 }));
      if (first === undefined) return scenario;
      const second = { ...first, name: "replay-2", at: hours(2), filter: { status: "dead" as const } };
      return {
        ...oneReplay({})(scenario),
        ...{ publications, outages, replays: [first, second], intensity: 0, endAt: hours(4) },
      };
    },
    breakage: {
      replayer: (ports) => ({
        ...ports,
        events: {
          ...ports.events,
          async deliveries(keys) {
            const [active] = await ports.replays.active();
            const entries = await ports.events.deliveries(keys);
            return entries.map((entry) => {
              return entry?.generation === "live" || entry?.generation === active?.name ? entry : undefined;
            });
          },
        },
      }),
    },
  },
  "quiet-about-another": {
    breaks: "a replayer takes for done what another replay of the same window is still trying",
    shows: ["miscounted"],
    weather: (scenario): Scenario => {
      const alone = oneReplay({})(scenario);
      const [first] = alone.replays;
      if (first === undefined) return scenario;
      const second = { ...first, name: "replay-2", at: first.at + 1_000 };
      return { ...alone, replays: [first, second], emphasis: ["version failed before its effect"], intensity: 0.3 };
    },
    breakage: {
      replayer: (ports, { store }) => ({
        ...ports,
        events: {
          ...ports.events,
          async claim(requests, owner, now) {
            const isAnothers = ({ component, eventKey, generation }: ClaimRequest) => {
              const other = store.entryOf(deliveryKeyOf(component, eventKey, "replay-1"));
              return generation === "replay-2" && other !== undefined && !isAtRest(other.status);
            };
            const own = requests.filter((request) => !isAnothers(request));
            const claims = await ports.events.claim(own, owner, now);
            return requests.map((request) => claims[own.indexOf(request)] ?? { won: false, why: "done" });
          },
        },
      }),
    },
  },
  "failed-for-good": {
    breaks: "a replay that has failed forgets what it has left open, and ends so when it is resumed",
    shows: ["miscounted", "not replayed"],
    weather: (scenario): Scenario => ({
      ...oneReplay({ pageSize: 1, timeoutMs: 40_000 })(scenario),
      mode: "safety",
      intensity: 4,
      calmAt: Number.POSITIVE_INFINITY,
      endAt: 8 * HOUR,
    }),
    breakage: {
      replayer: (ports) =>
        withReplays(ports, {
          update(replay) {
            if (replay.progress.failed === undefined) return ports.replays.update(replay);
            const { nextPassAt: _, ...progress } = replay.progress;
            return ports.replays.update({ ...replay, progress: { ...progress, stretches: [] } });
          },
        }),
    },
  },
  "constant-driver": {
    breaks: "every replayer drives and claims under the same name, so that two are at it at once",
    shows: ["two runs at the same time", "attempt went back"],
    weather: (scenario) => ({ ...oneReplay({ drivers: 2 })(scenario), intensity: 0.3 }),
    breakage: { replayer: (ports) => ({ ...ports, newId: () => "replayer" }) },
  },
};

/** Replays whose filter their replayer takes for another. */
function filteredBy(
  replays: ReplayStore,
  mistaken: (filter: Replay["filter"]) => Replay["filter"],
): Partial<ReplayStore> {
  const filters = new Map<string, Replay["filter"]>();
  const seen = (replay: Replay | undefined): Replay | undefined => {
    if (replay === undefined) return undefined;
    filters.set(replay.name, replay.filter);
    return { ...replay, filter: mistaken(replay.filter) };
  };
  return {
    get: async (name) => seen(await replays.get(name)),
    update: async (replay) => seen(await replays.update({ ...replay, filter: filters.get(replay.name) ?? {} })),
  };
}
