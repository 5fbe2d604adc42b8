import { untilQueueIsEmpty } from "../../scripts/bench/embedded-rate.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";

/** No delivery of a test waits for longer. */
const DAY_MS = 86_400_000;

/** Waits until all that a running server has accepted is at rest: no queue holds anything, and the sweeper has nothing. */
export async function untilAtRest(home: string, url: string): Promise<void> {
  const state = openEmbeddedState(home, { create: false });
  try {
    for (;;) {
      await untilQueueIsEmpty(url);
      const parked = await state.events.due(new Date(Date.now() + DAY_MS), 1);
      const depths = await Promise.all([state.queue, state.outcomes].map((queue) => queue.depth(new Date())));
      // What leaves the sweeper's list is in a queue by then.
      if (parked.length === 0 && depths.every(({ visible, inFlight }) => visible + inFlight === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    state.close();
  }
}
