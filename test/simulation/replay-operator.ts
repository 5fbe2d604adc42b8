import { TurnoutError } from "../../shared/domain/errors.ts";
import { isEnded, noCounts } from "../../shared/domain/replays/replay.ts";
import { askOfReplay, startReplay } from "../../shared/flows/replay/start-replay.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import { between } from "./chance.ts";
import type { History, SeenReplay } from "./history.ts";
import type { PlannedReplay } from "./planned-replays.ts";
import { MINUTE, type Scenario } from "./scenario.ts";
import type { Surroundings } from "./simulated-process.ts";

/** How long it takes to notice that a replay has failed, in ms. */
const MAX_NOTICE_MS = 10 * MINUTE;

/**
 * Starts replays as planned, pauses, resumes and cancels them, and notes when that took effect and when it was told so.
 * One that fails is resumed, as often as it takes; of one that was cancelled, the cancelling is.
 * @param drive drives one until it ends or fails, in that round
 */
export function replayOperator(
  { time, chance }: Surroundings,
  replays: ReplayStore,
  { replays: planned, asks }: Scenario,
  history: History,
  drive: (replay: PlannedReplay, round: number) => Promise<void>,
) {
  const start = time.now();
  let open = planned.length + asks.length;
  const who = { who: "ada", why: "a test" };

  async function begin(plan: PlannedReplay): Promise<void> {
    const { name, mode, filter, destination, avoidVersion, window, ratePerSecond, concurrency } = plan;
    const seen: SeenReplay = { ...plan, startedAt: time.now(), asks: [] };
    history.replays.push(seen);
    await time.work(() =>
      startReplay(replays, {
        ...who,
        name,
        mode,
        filter,
        destination,
        concurrency,
        command: `turnout replay start --name ${name}`,
        requestedAt: new Date(time.now()),
        window: { from: new Date(start + window.from), to: new Date(start + window.to) },
        planned: noCounts(),
        ...(avoidVersion === undefined ? {} : { avoidVersion }),
        ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
      }),
    );
    for (let round = 1; ; round++) {
      await drive(plan, round);
      const replay = await time.work(() => replays.get(name));
      if (replay === undefined || (isEnded(replay) && replay.progress.failed === undefined)) return;
      await time.delay(between(chance(`${name} has failed, noticed ${round}`), 0, MAX_NOTICE_MS));
      await ask(name, replay.asked === "cancel" ? "cancel" : "run");
    }
  }

  async function ask(name: string, asked: "run" | "pause" | "cancel"): Promise<void> {
    const note: SeenReplay["asks"][number] = { asked, at: time.now() };
    try {
      await time.work(() => askOfReplay(replays, name, { ...who, asked, at: new Date(time.now()) }));
    } catch (error) {
      // It has ended, it was cancelled before, or it never began.
      if (error instanceof TurnoutError) return;
      throw error;
    }
    history.replays.find((replay) => replay.name === name)?.asks.push(note);
    await time.delay(between(chance(`told of ${name} ${asked}`), 1, 30));
    note.toldAt = time.now();
  }

  const surely = (work: Promise<void>) =>
    void work.catch((error: unknown) => void history.surprises.push({ at: time.now(), error }));

  for (const plan of planned) {
    time.at(start + plan.at, () => {
      surely(
        begin(plan).finally(() => {
          open -= 1;
        }),
      );
    });
  }
  for (const { at, replay, asked, until } of asks) {
    time.at(start + at, () => {
      if (until === undefined) open -= 1;
      surely(ask(replay, asked));
    });
    if (until === undefined) continue;
    time.at(start + until, () => {
      open -= 1;
      surely(ask(replay, "run"));
    });
  }
  return { isDone: () => open === 0 };
}
