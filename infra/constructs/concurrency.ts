/** What routing takes of the account's concurrent executions. */
export type Shares = {
  /** Each holds one, and one more per event of its batch while it sends. */
  routers: number;
  /** Of the outcomes queue, whose messages take one request each. */
  outcomes: number;
};

/** Dead letters (two queues, two at once), schedules, deployments, commits and one replayer. */
const OTHERS = 10;

const LEAST = 2;
const MOST = 1_000;
const ROUTERS_PER_OUTCOMES = 10;

/**
 * How many routers there may be, so that all of routing stays within so many concurrent executions where an event goes to
 * one component. One that goes to three holds three while it is sent; replays come on top, at their rate.
 */
export function sharesOf(concurrency: number, batchSize: number): Shares {
  const perRouter = 1 + batchSize + 1 / ROUTERS_PER_OUTCOMES;
  const routers = Math.min(MOST, Math.floor((concurrency - OTHERS - LEAST) / perRouter));
  if (routers >= LEAST) return { routers, outcomes: Math.max(LEAST, Math.ceil(routers / ROUTERS_PER_OUTCOMES)) };
  const least = Math.ceil(LEAST * perRouter) + OTHERS + LEAST;
  throw new Error(
    `With batches of ${batchSize}, routing takes ${least} concurrent executions at least, and not ${concurrency}: ` +
      "raise the environment's concurrency, or lower its batch size.",
  );
}
