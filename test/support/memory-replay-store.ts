import { isEnded, type Replay } from "../../shared/domain/replays/replay.ts";
import type { ReplayStore } from "../../shared/replay-store/replay-store.ts";

/** Replays in memory. Each answer is a copy: nobody changes what is stored but by a call. */
export function memoryReplayStore(): ReplayStore {
  const stored = new Map<string, Replay>();
  const sorted = () => [...stored.values()].toSorted((a, b) => +a.requestedAt - +b.requestedAt);
  return {
    async create(replay) {
      if (stored.has(replay.name)) return false;
      stored.set(replay.name, structuredClone({ ...replay, lock: 1 }));
      return true;
    },
    async get(name) {
      return structuredClone(stored.get(name));
    },
    async list(limit) {
      return structuredClone(sorted().reverse().slice(0, limit));
    },
    async active() {
      return structuredClone(sorted().filter((replay) => !isEnded(replay)));
    },
    async update(replay) {
      if (stored.get(replay.name)?.lock !== replay.lock) return undefined;
      const next = structuredClone({ ...replay, lock: replay.lock + 1 });
      stored.set(replay.name, next);
      return structuredClone(next);
    },
  };
}
