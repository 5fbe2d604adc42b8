import type { Watch } from "../../shared/domain/health/watch.ts";
import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import { finishMoves } from "../../shared/flows/versions/finish-moves.ts";
import type { GuardPorts } from "../../shared/flows/watch/guard-ports.ts";
import { releaseKeepers } from "../../shared/flows/watch/release-keepers.ts";
import { runGuards } from "../../shared/flows/watch/run-guards.ts";
import { aGuardedVersion, RC } from "../support/guarded-version.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { weighted } from "./chance.ts";

/** What is broken on purpose, to see that it is noticed. */
export const guardBreakages = [
  "ledger unheard",
  "alias stays",
  "nothing healed",
  "told anew",
  "trip forgotten",
] as const;
export type GuardBreakage = (typeof guardBreakages)[number];

const ACTIONS = 30;
const MINUTE = 60_000;
const FREEZE = { who: "ada", why: "an audit", at: "2026-11-20T10:00:00.000Z" };

/**
 * One guarded version, healthy or bad, with traffic, looks, two guards at once, clocks that differ, calls that fail or whose
 * answers are lost, counts that are doubled, rows that are damaged, freezes and servers that are killed, all by the seed.
 * @returns what the guard did that none may do
 */
export async function guardRun(seed: number, broken?: GuardBreakage): Promise<{ violations: string[]; end: string }> {
  const random = seededRandom(seed);
  const one = <T>(options: readonly T[]): T => options[Math.floor(random() * options.length)] as T;
  const isBad = random() < 0.6;
  const mode = one(["undo", "rollback", "hold"] as const);
  const world = await aGuardedVersion({ mode, fails: (_, version) => isBad && version === "24" });
  const { time, calls } = world;
  const ports = damagedPorts(world.guard, broken);
  const moving = { table: world.table, catalog: ports.catalog, newId: ports.newId };
  const look = (aheadMs = 0) =>
    runGuards({ ...ports, now: () => new Date(time.now().getTime() + aheadMs) }).catch((error: Error) => {
      if (!["died", "lost"].includes(error.message)) violations.push(`a look threw ${error.message}`);
    });
  const violations: string[] = [];
  await world.traffic(12);
  await world.move("beta", "24");
  await world.traffic(4);

  const actions: [number, () => Promise<unknown>][] = [
    [10, () => world.traffic(1, 20_000)],
    [10, () => look()],
    [4, () => Promise.all([look(), look(one([-300_000, 0, 90_000]))])],
    [
      5,
      async () =>
        calls.fail(
          one(["put", "commit", "moveAlias", "create", "get"]),
          one(["before", "after"]),
          new Error(one(["died", "lost"])),
        ),
    ],
    [3, () => time.pass(61_000)],
    [3, () => finishMoves(moving, time.now()).catch(() => undefined)],
    [2, () => releaseKeepers(world.guard.watches).catch(() => undefined)],
    [1, async () => world.database.connection.exec("UPDATE guard_watches SET watch = '{'")],
    [1, () => freeze(true)],
    [3, () => freeze(false)],
    [2, () => double()],
  ];
  const freeze = (on: boolean) =>
    world
      .change({ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, ...(on && { freeze: FREEZE }) } })
      .catch(() => undefined);
  /** What was counted of the version is counted by another router once more. */
  async function double(): Promise<void> {
    const from = new Date(Math.floor(time.now().getTime() / MINUTE) * MINUTE);
    const { counts } = await world.events.counts({ from, to: new Date(from.getTime() + MINUTE) }, "minute");
    await world.events.count({ spans: [{ span: "minute", from, counts, dropped: 0 }], failures: [] }, `ghost-${seed}`);
  }

  for (let action = 0; action < ACTIONS; action++) await weighted(random(), actions)();
  await comeToRest();
  return { violations, end: `${isBad ? "bad" : "healthy"} ${mode} ${world.versionOf("beta")}` };

  /** Nothing fails any more, and there is traffic enough to know. */
  async function comeToRest(): Promise<void> {
    await freeze(false).then(() => freeze(false));
    for (let round = 0; round < 14; round++) {
      await world.traffic(2, 30_000);
      await finishMoves(moving, time.now()).catch(() => undefined);
      await look();
    }
    await world.drive();
    const made = (await world.log()).filter(({ who }) => who === `guard/${RC}`);
    const rolledBack = made.filter(({ move }) => move?.kind === "rollback" && move.stage === "settled").length;
    const marked = made.filter(({ move }) => move === undefined).length;
    const is = world.versionOf("beta");
    if (!isBad && made.length > 0) violations.push("it acted upon a version that is healthy");
    if (rolledBack > 1) violations.push("it rolled back twice");
    if (marked > 1) violations.push("it marked the version twice");
    if (mode === "hold" && rolledBack > 0) violations.push("it moved what it was only to hold");
    if (isBad && marked === 0) violations.push("it found nothing");
    if (isBad && mode !== "hold" && is === "24") violations.push("the alias is still on the version");
    if (
      isBad &&
      mode === "undo" &&
      (await world.unresolved()).some(({ executedVersion }) => executedVersion === "24")
    ) {
      violations.push("what it left isn't done");
    }
    const told = new Set(
      world.notices.map(({ detail }) => JSON.stringify([detail.component, detail.version, detail.at])),
    );
    if (told.size > 1) violations.push("it told of more than one trip");
  }
}

function damagedPorts(ports: GuardPorts, broken: GuardBreakage | undefined): GuardPorts {
  const { catalog, replays, events, notify, watches } = ports;
  const isStuck = broken === "alias stays" || broken === "trip forgotten";
  let told = 0;
  return {
    ...ports,
    catalog: isStuck ? { ...catalog, moveAlias: async () => true } : catalog,
    watches: broken === "trip forgotten" ? { ...watches, put: (watch) => watches.put(forgetful(watch)) } : watches,
    replays: broken === "nothing healed" ? { ...replays, create: async () => true } : replays,
    notify: async (event) => {
      const at = new Date(Date.UTC(2026, 0, 1) + ++told).toISOString();
      const { detail, ...rest } = JSON.parse(event);
      await notify(broken === "told anew" ? JSON.stringify({ ...rest, detail: { ...detail, at } }) : event);
      if (broken === "told anew") await notify(event);
    },
    events: broken === "ledger unheard" ? unheard(events) : events,
  };
}

/** What has ended is found anew. */
function forgetful({ trip, ...watch }: Watch): Watch {
  return trip === undefined || trip.stage === "ended" ? watch : { ...watch, trip };
}

/** All that was tried on the version has failed, whatever the ledger says, and the counts say so. */
function unheard(events: GuardPorts["events"]): GuardPorts["events"] {
  return {
    ...events,
    counts: async (...asked) => {
      const read = await events.counts(...asked);
      const failing = read.counts.map((one) => (one.version === "24" ? { ...one, failed: one.firsts } : one));
      return { ...read, counts: failing };
    },
    failures: async (component, window) => {
      const at = new Date(window.to.getTime() - 3 * MINUTE);
      return Array.from({ length: 40 }, (_, n) => ({
        ...{
          at: new Date(at.getTime() - n * 10_000),
          component,
          version: "24",
          alias: "beta",
          because: "customer pin" as const,
        },
        ...{ type: "order placed", errorType: "Made", message: "up", requestId: "r" },
        ...{ deliveryKey: `d-${n}`, eventId: `e-${n}`, subject: { customer: `c-${n}` } },
      }));
    },
    deliveriesOf: async (keys) => {
      const entries = await events.deliveriesOf(keys);
      return new Map(
        [...entries].map(([key, all]) => [
          key,
          all.map((entry) => ({
            ...entry,
            attempts: entry.attempts.map((one) => (one.version === "24" ? { ...one, outcome: "dead" as const } : one)),
          })),
        ]),
      );
    },
  };
}
