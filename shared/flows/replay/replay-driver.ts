import { TurnoutError } from "../../domain/errors.ts";
import { afterError, withoutErrors } from "../../domain/replays/failing-replay.ts";
import { isEnded, type Replay } from "../../domain/replays/replay.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import { untilWritten, type WritePorts } from "../kept-writes.ts";
import { LOST, lostRaces } from "../lost-races.ts";

export type DriverPorts = WritePorts & { replays: ReplayStore; newId: () => string };

/** Whether a replay has ended; if not, when it is to be run again, in ms. */
export type ReplayRun = { ended: true } | { ended: false; waitMs: number };

/** Whether there is time for something that may take so long, in ms. */
export type MayGoOn = (neededMs: number) => boolean;

/** For how long a driver that says nothing is taken to be alive. */
const DRIVER_LEASE_MS = 60_000;

/** How often a driver says that it is alive. */
const BEAT_MS = 10_000;

/** How often one that can't be run on is looked at: paused, or driven by another. */
const LOOK_AGAIN_MS = 5_000;

/** Thrown where nothing more may be begun: the replay was paused or cancelled, another drives it, or time is up. */
export class Stopped extends Error {}

export type ReplayDriver = ReturnType<typeof replayDriver>;

/** One who drives a replay. Only one does at a time; were there two, the ledger would still have each delivery made once. */
export function replayDriver(ports: DriverPorts, name: string, mayGoOn: MayGoOn) {
  const id = ports.newId();
  const lease = () => ({ id, until: new Date(ports.now().getTime() + DRIVER_LEASE_MS) });

  async function update(to: (replay: Replay) => Replay | undefined): Promise<Replay | undefined> {
    return lostRaces(
      async () => {
        const current = await ports.replays.get(name);
        if (current === undefined) throw new TurnoutError("not found", `There is no replay '${name}'.`);
        const changed = to(current);
        if (changed === undefined) return undefined;
        return (await ports.replays.update(changed)) ?? LOST;
      },
      { others: `Other changes of replay '${name}'`, left: "Whoever drives it next goes on." },
    );
  }

  async function write(to: (replay: Replay) => Replay): Promise<Replay> {
    const changed = await update((replay) =>
      replay.driver?.id === id ? { ...to(replay), driver: lease() } : undefined,
    );
    if (changed === undefined) throw new Stopped(`another drives replay '${name}'`);
    return changed;
  }

  return {
    /** Stores how far it has come. @throws Stopped when another drives the replay */
    change: (to: (replay: Replay) => Replay) =>
      write((replay) => {
        const further = to(replay);
        return { ...further, progress: withoutErrors(further.progress) };
      }),
    async takeUp(): Promise<ReplayRun | { replay: Replay }> {
      let answer: ReplayRun = { ended: true };
      const replay = await update((current) => {
        const now = ports.now();
        const { driver, asked, progress } = current;
        const wait = (waitMs: number) => {
          answer = { ended: false, waitMs };
          return undefined;
        };
        if (isEnded(current)) return undefined;
        if (driver !== undefined && driver.id !== id && driver.until > now) {
          return wait(Math.min(LOOK_AGAIN_MS, driver.until.getTime() - now.getTime()));
        }
        if (asked === "pause") return wait(LOOK_AGAIN_MS);
        const { nextPassAt, trouble: _, ...goesOn } = progress;
        // One that is cancelled begins with what it had begun at once, and then waits as others do.
        const waits = asked === "run" || progress.cancelling === true;
        if (waits && nextPassAt !== undefined && nextPassAt > now) {
          return wait(nextPassAt.getTime() - now.getTime());
        }
        return { ...current, driver: lease(), progress: { startedAt: now, ...goesOn } };
      });
      return replay === undefined ? answer : { replay };
    },
    /**
     * Says now and then that the replay is driven, as a send may take longer than its driver is taken to be alive without
     * a word. Apart from the pages: what waits for the next time must not keep a page's events in memory.
     * @returns what ends that
     */
    keepAlive(): () => void {
      let over = false;
      const beat = async () => {
        for (;;) {
          await ports.delay(BEAT_MS);
          if (over) return;
          // Also while it is stopping, for as long as something is on its way. Why it fails is met before the next batch.
          await write((same) => same).catch(() => {});
        }
      };
      void beat();
      return () => {
        over = true;
      };
    },
    /**
     * @param neededMs how long what comes next may take
     * @throws Stopped when the pass must not go on
     */
    async goOn(neededMs = 0): Promise<void> {
      if (!mayGoOn(neededMs)) throw new Stopped("time is up");
      const current = await ports.replays.get(name);
      if (current?.driver?.id !== id) throw new Stopped(`another drives replay '${name}'`);
      // What it does is asked, not what was asked when it was last stored: that may have changed with its last page.
      if (current.asked !== (current.progress.cancelling ? "cancel" : "run"))
        throw new Stopped(`replay '${name}' was asked to ${current.asked}`);
      if (current.driver.until.getTime() - ports.now().getTime() < DRIVER_LEASE_MS / 2) await write((same) => same);
    },
    /** Keeps for the operator why it doesn't go on, and gives it up where that has been so for too long. */
    async note(error: unknown): Promise<void> {
      const trouble = error instanceof Error ? error.message : String(error);
      await write((replay) => ({ ...replay, progress: afterError(replay.progress, trouble, ports.now()) }));
    },
    /** Lets another take it up at once. */
    async leave(): Promise<void> {
      const left = () =>
        update((replay) => {
          if (replay.driver?.id !== id) return undefined;
          const { driver: _, ...free } = replay;
          return free;
        });
      // While it says that it is driven, nobody else takes it up.
      await untilWritten(ports, left, lease().until);
    },
  };
}
