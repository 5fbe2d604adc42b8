import type { Watch } from "../domain/health/watch.ts";

/** What the guards know of the versions that they watch, and what they have found. */
export interface WatchStore {
  /** Those of a component, or of all: by component, alias and version. One that can't be read is left out. */
  watches(component?: string): Promise<Watch[]>;
  /**
   * Stores a watch if the stored one still has the lock of this one, 0 standing for none; the stored lock is one more.
   * @returns what is stored now, or undefined when it has changed since and nothing was changed. A store that has to
   * repeat its own request, because the answer was lost, answers as that first request did.
   */
  put(watch: Watch): Promise<Watch | undefined>;
  /** Forgets a watch, whatever its lock is. */
  remove(watch: Pick<Watch, "component" | "alias" | "version">): Promise<void>;
}
