import type { WatchStore } from "../../watch-store/watch-store.ts";

/** Only for the sole server at its start: whoever was about something is gone, and the first look goes on with it. */
export async function releaseKeepers(watches: WatchStore): Promise<void> {
  for (const { keeper, ...watch } of await watches.watches()) if (keeper !== undefined) await watches.put(watch);
}
