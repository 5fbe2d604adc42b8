import type { CircuitBreaker } from "../../shared/domain/deliveries/circuit-breaker.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { openBreakers } from "../../shared/flows/deliver/circuit-breakers.ts";
import { healthOf } from "../../shared/flows/watch/health.ts";
import type { MetricLooks } from "./server-metrics.ts";

const HOUR_MS = 3_600_000;

/** However often somebody asks, the store is looked at no more often. */
const LOOK_EVERY_MS = 5_000;

/** How the server's parts are looked at when somebody asks for its metrics. */
export function metricLooks(
  state: EmbeddedState,
  breakers: ReadonlyMap<string, CircuitBreaker>,
  hosts: () => number,
  now: () => Date,
): MetricLooks {
  const { events, routingTable, catalog } = state;
  const queuesNow = async () => {
    const named = { live: state.queue, "dead-letters": state.deadLetters, outcomes: state.outcomes };
    const looked = Object.entries(named).map(async ([name, queue]) => {
      const [{ visible, inFlight }, oldest] = [await queue.depth(now()), await queue.oldestSentAt()];
      return [name, { visible, inFlight, oldestAgeMs: oldest === undefined ? 0 : ageMs(oldest) }] as const;
    });
    return Object.fromEntries(await Promise.all(looked));
  };
  const ageMs = (sentAt: Date) => Math.max(0, now().getTime() - sentAt.getTime());
  const healthNow = async () => {
    const at = now();
    const window = { from: new Date(at.getTime() - HOUR_MS), to: new Date(at.getTime() + 1) };
    const { versions, dropped } = await healthOf({ events, routingTable, catalog }, { window }, at);
    return {
      dropped,
      versions: versions.map(({ component, version, unresolved, verdict }) => ({
        component,
        version,
        unresolved,
        unhealthy: verdict.level !== "ok",
      })),
    };
  };
  return {
    queues: queuesNow,
    health: kept(healthNow, now),
    openBreakers: () => openBreakers(breakers),
    hosts,
    routingRevision: () => routingTable.head(),
  };
}

/** The same answer again for a while; a failed one isn't kept. */
function kept<T>(ask: () => Promise<T>, now: () => Date): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | undefined;
  return () => {
    const at = now().getTime();
    if (last !== undefined && at >= last.at && at < last.at + LOOK_EVERY_MS) return last.answer;
    const answer = ask();
    last = { at, answer };
    answer.catch(() => {
      last = undefined;
    });
    return answer;
  };
}
