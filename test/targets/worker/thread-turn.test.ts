import { expect, test } from "vitest";
import { followingTurn, threadTurn } from "../../../shared/targets/worker/thread-turn.ts";

test("followingTurn is what a turn holds once it was set to it, however many events a thread has run", () => {
  const turn = threadTurn();
  for (const number of [0, 1, 2 ** 31 - 2, 2 ** 31 - 1, -(2 ** 31), -1]) {
    Atomics.store(turn, 0, followingTurn(number));
    expect(Atomics.load(turn, 0)).toBe(followingTurn(number));
    expect(followingTurn(number)).not.toBe(number);
  }
});
