import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";
import { between } from "./chance.ts";
import type { SimulatedProcess, Surroundings } from "./simulated-process.ts";

/** How far a request and its repetition may lie apart, in ms. */
const MAX_APART_MS = 1_500;

/** The replays as a process far from their store sees them: a change may be made and its answer lost, or sent twice. */
export function distantReplayStore(
  { time, chance }: Surroundings,
  process: SimulatedProcess,
  store: ReplayStore,
): ReplayStore {
  const near = <T>(work: () => Promise<T>) => time.work(work);
  return {
    create: (replay) => process.call("create replay", () => near(() => store.create(replay))),
    get: (name) => process.call("get replay", () => near(() => store.get(name))),
    list: (limit) => process.call("list replays", () => near(() => store.list(limit))),
    active: () => process.call("active replays", () => near(() => store.active())),
    update: (replay) =>
      process.call("update replay", async (point) => {
        const answer = await near(() => store.update(replay));
        const kind = process.strike(`${point} at the store`, { "request repeated by the store's client": 0.02 });
        if (kind === undefined) return answer;
        // The repetition finds the new lock, and the store answers as it did the first time.
        await time.delay(between(chance(`${point} apart`), 1, MAX_APART_MS));
        await near(() => store.update(replay));
        return answer;
      }),
  };
}
