import type { Context } from "aws-lambda";
import { expect, it } from "vitest";
import { sweeperHandler } from "../../functions/sweeper.ts";
import { aRouter } from "../support/router.ts";

/** A sweeper with so much of its function's time left, of which every page of what has expired takes `pageMs`. */
async function sweepWith(leftMs: number, pageMs: number) {
  const { events, time } = await aRouter();
  let pages = 0;
  const expire = async () => {
    pages += 1;
    await time.pass(pageMs);
    return 100;
  };
  const queue = { send: async () => [] };
  const handler = sweeperHandler({ events: { ...events, expire }, queue, now: time.now });
  const swept = await handler({}, { getRemainingTimeInMillis: () => leftMs } as Context);
  return { swept, pages };
}

it.each([
  [60_000, 1_000, 50],
  [10_001, 1_000, 1],
  [10_000, 1_000, 0],
  [3_000, 1_000, 0],
])("with %i ms left and %i ms per page the sweeper takes %i pages, so that 10 s are spare", async (left, ms, pages) => {
  expect(await sweepWith(left, ms)).toEqual({ swept: { redelivered: 0, expired: 100 * pages }, pages });
});
