import { expect, test } from "vitest";
import { durationOf, MOST_HANDED, noteEnded, threadProgress } from "../../../shared/targets/worker/thread-progress.ts";

test("durationOf is what was noted of each of the last events that are done, however many a thread has run", () => {
  for (const first of [0, 2 ** 31 - MOST_HANDED / 2, -MOST_HANDED / 2]) {
    const progress = threadProgress();
    const numbers = Array.from({ length: MOST_HANDED }, (_, index) => (first + index) | 0);
    progress.ended[0] = first | 0;
    for (const [index, number] of numbers.entries()) {
      expect(durationOf(progress, number)).toBeUndefined();
      noteEnded(progress, number, index / 10);
    }
    expect(numbers.map((number) => durationOf(progress, number))).toEqual(numbers.map((_, index) => index / 10));
  }
});

test("durationOf is undefined for an event that has failed, also where later ones are done", () => {
  const progress = threadProgress();
  noteEnded(progress, 0, 1);
  noteEnded(progress, 1);
  noteEnded(progress, 2, 3);
  expect([0, 1, 2, 3].map((number) => durationOf(progress, number))).toEqual([1, undefined, 3, undefined]);
});
