import type { Context } from "aws-lambda";
import { expect, it } from "vitest";
import { moveSweeperHandler, sweeperHandler } from "../../functions/sweeper.ts";
import { secondsLater, someAliases } from "../support/alias-moves.ts";
import { noLaptops } from "../support/no-laptops.ts";
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
  const handler = sweeperHandler({ ...noLaptops, events: { ...events, expire }, queue, now: time.now });
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

it("the move sweeper finishes what was left a minute ago, and reads the log only when there may be something", async () => {
  const { calls, ports, change, die, stable } = someAliases();
  let seconds = 0;
  const handler = moveSweeperHandler({ ...ports, now: () => secondsLater(seconds) });
  /** Whether a run at that time has read the log. */
  const reads = async (at: number) => {
    seconds = at;
    calls.since();
    await handler({}, {} as Context);
    return calls.since().includes("rows");
  };
  expect([await reads(0), await reads(10)]).toEqual([true, false]);
  await die("before", "1", "2");
  expect([await reads(20), await reads(60), stable()]).toEqual([true, true, "1"]);
  expect([await reads(70), stable(), await reads(80)]).toEqual([true, "2", false]);
  await change({ kind: "set plan", customer: "acme", plan: "paid" });
  expect([await reads(90), await reads(100)]).toEqual([true, false]);
});
