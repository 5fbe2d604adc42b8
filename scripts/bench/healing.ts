import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import type { TakenOff, Trip } from "../../shared/domain/health/watch.ts";
import { stateText } from "../../shared/domain/releases/release-state.ts";
import { isEnded, type Replay } from "../../shared/domain/replays/replay.ts";
import { releases } from "../../shared/flows/release/find-release.ts";
import { freePort } from "./free-port.ts";
import {
  aHealingWorld,
  BAD,
  COMPONENT,
  CUSTOMERS,
  entryOf,
  FIRST_STEP,
  type HealingWorld,
  HISTORY,
} from "./healing-world.ts";
import type { Effects } from "./keyed-effects.ts";
import { printBudget } from "./print-budget.ts";
import { startServer } from "./server.ts";
import { steadyLoad } from "./steady-load.ts";

const PER_SECOND = 200;
const BEFORE_MS = 15_000;
const AT_MOST_MS = 900_000;

/** When the whole server is killed, by surprise. */
type KillAt = "never" | "the trip" | "the replay";

type Healing = {
  /** Seconds from the first event that failed on the bad version. */
  tripped: number;
  movedBack: number;
  healed: number;
  affected: number;
  events: number;
  /** From an event's arrival to done, in ms, of those that didn't fail: 99 % of them stay within. */
  p99: number;
  p99BesideTheTrip: number;
  /** By a store that the versions share, and that is none of Turnout's. */
  effects: ReturnType<Effects["count"]>;
  release: string;
};

/**
 * A server under a steady load, and a release of a version that fails always for a third of the customers. What is typed is
 * its start.
 */
async function healing(failing: number, killAt: KillAt): Promise<Healing> {
  const home = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  const world = await aHealingWorld(home, failing);
  const port = await freePort();
  const start = () => startServer(home, { TURNOUT_PORT: String(port) });
  let server = await start();
  const load = steadyLoad(server.url, PER_SECOND, (n) => entryOf(world, n));
  try {
    await delay(BEFORE_MS);
    await startRelease(home);
    let killed = killAt === "never";
    const end = Date.now() + AT_MOST_MS;
    for (let healed = false; !healed; await delay(50)) {
      if (Date.now() > end) throw new Error("it wasn't healed in time");
      const trip = await foundOf(world);
      const replays = await replaysOf(world);
      const isDue =
        killAt === "the trip" ? trip !== undefined : replays.some(({ progress }) => progress.counts.sent > 0);
      if (!killed && isDue) {
        killed = true;
        await server.end("SIGKILL");
        server = await start();
      }
      const isRepaired = replays.length > 0 && replays.every(isEnded);
      healed = isRepaired && trip?.stage === "ended" && (await isAtRest(world));
    }
    const events = await load.stop();
    await untilAllDone(world, events, end);
    return { ...(await figuresOf(world)), events };
  } finally {
    await load.stop();
    await server.end("SIGTERM");
    world.state.close();
    world.effects.close();
    rmSync(home, { recursive: true, force: true });
  }
}

async function startRelease(home: string): Promise<void> {
  const asked = ["--version", BAD, "--through", `${FIRST_STEP},25%,100%`, "--every", "10m", "--guard", "undo"];
  const said = ["--reason", "faster rule", "--yes"];
  const options = { env: { PATH: process.env.PATH, TURNOUT_HOME: home } };
  const args = ["scripts/turnout.ts", "release", "start", COMPONENT, ...asked, ...said];
  await promisify(execFile)(process.execPath, args, options);
}

/** What the guard has found: that the version is worse, or for whom. */
async function foundOf({ state }: HealingWorld): Promise<Trip | TakenOff | undefined> {
  const watch = (await state.watches.watches()).find(({ version }) => version === BAD);
  return watch?.trip ?? watch?.taken?.[0];
}

async function replaysOf({ state }: HealingWorld): Promise<Replay[]> {
  const all = await state.replays.list(10);
  return all.filter((replay): replay is Replay => "progress" in replay);
}

async function releaseOf({ state }: HealingWorld) {
  const [one] = await releases(state.routingTable);
  if (one === undefined) throw new Error("there is no release");
  return one.release;
}

/** The release moves nobody any more. */
async function isAtRest(world: HealingWorld): Promise<boolean> {
  const { paused, ended } = await releaseOf(world);
  return paused !== undefined || ended !== undefined;
}

async function untilAllDone({ effects }: HealingWorld, events: number, end: number): Promise<void> {
  for (;;) {
    const { once, more } = effects.count();
    if (once + more >= events) return;
    if (Date.now() > end) throw new Error("not all was done in time");
    await delay(500);
  }
}

async function figuresOf(world: HealingWorld): Promise<Omit<Healing, "events">> {
  const { routingTable } = world.state;
  const all = await liveDeliveries(world);
  const affected = all.filter(({ attempts }) => attempts.some(hasFailed));
  const failures = affected.flatMap(({ attempts }) => attempts.filter(hasFailed));
  const first = Math.min(...failures.map(({ at }) => at.getTime()));
  const after = (at: Date | undefined) => ((at?.getTime() ?? Number.NaN) - first) / 1_000;
  const found = await foundOf(world);
  const log = await routingTable.changesAfter(0, 100);
  const back =
    log.find(({ move }) => move?.kind === "rollback" && move.stage === "settled") ??
    log.find(({ who }) => who === `guard/${COMPONENT}`);
  const waited = all.filter(({ attempts }) => attempts.length === 1 && !attempts.some(hasFailed));
  const isBeside = ({ t0 }: LedgerEntry) => found !== undefined && t0 >= new Date(found.at) && t0 <= (back?.at ?? t0);
  const last = Math.max(...affected.map(({ closedAt }) => closedAt?.getTime() ?? Number.POSITIVE_INFINITY));
  return {
    tripped: after(found && new Date(found.at)),
    movedBack: after(back?.at),
    healed: after(new Date(last)),
    affected: affected.length,
    p99: p99Of(waited.filter((entry) => !isBeside(entry))),
    p99BesideTheTrip: p99Of(waited.filter(isBeside)),
    effects: world.effects.count(),
    release: stateText(await releaseOf(world)),
  };
}

/** Every delivery of the load, and none of before. */
async function liveDeliveries({ state: { events }, began }: HealingWorld): Promise<LedgerEntry[]> {
  const found: LedgerEntry[] = [];
  for await (const page of events.records({ from: began, to: new Date(8.64e15) }, new Date())) {
    const entries = await events.deliveriesOf(page.map(({ eventKey }) => eventKey));
    found.push(...[...entries.values()].flat().filter(({ component }) => component === COMPONENT));
  }
  return found;
}

function p99Of(entries: readonly LedgerEntry[]): number {
  const took = entries.map(({ t0, closedAt }) => (closedAt?.getTime() ?? Number.POSITIVE_INFINITY) - t0.getTime());
  return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.NaN;
}

function hasFailed({ outcome, version }: LedgerEntry["attempts"][number]): boolean {
  return version === BAD && (outcome === "failed" || outcome === "dead");
}

const CASES = [
  { failing: 2, told: "two of the three whom its first step takes" },
  { failing: 1, told: "one of the three whom its first step takes" },
];

export async function benchHealing(): Promise<void> {
  console.log(
    `Self-healing, embedded, ${PER_SECOND} events/s of ${CUSTOMERS} customers, ${HISTORY.minutes / 60} h of ${HISTORY.each} events a ` +
      `minute of each known:\na release through ${FIRST_STEP}, 25% and 100%, guard undo, of a version that fails always for a third of them`,
  );
  for (const { failing, told } of CASES) {
    console.log(`  it fails for ${told}`);
    for (const killAt of ["never", "the trip", "the replay"] as const) print(killAt, await healing(failing, killAt));
  }
}

function print(killAt: KillAt, figures: Healing): void {
  const { tripped, movedBack, healed, affected, events, p99, p99BesideTheTrip, release } = figures;
  const { once, more, runsBeyond } = figures.effects;
  const share = ((100 * affected) / events).toFixed(2);
  console.log(
    `    ${killAt === "never" ? "undisturbed" : `server killed at ${killAt}`}: from the first failure found after ` +
      `${tripped.toFixed(1)} s, moved back after ${movedBack.toFixed(1)} s, all done on stable after ${healed.toFixed(1)} s; ` +
      `${affected} of ${events} events failed (${share} %), and ${runsBeyond} ran again whose effect was made; the ` +
      `release: ${release}; p99 of what didn't fail ${p99} ms, and ${p99BesideTheTrip} ms between found and moved back`,
  );
  printBudget(`one effect of each event (${once} of ${events} have one, ${more} more)`, once === events && more === 0);
}
