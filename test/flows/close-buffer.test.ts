import { describe, expect, it } from "vitest";
import type { Close } from "../../shared/domain/delivery.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { closeBuffer, FLUSH_AFTER_MS } from "../../shared/flows/close-buffer.ts";
import { simulatedTime } from "../simulation/simulated-time.ts";
import { eventually } from "../support/port-calls.ts";

const aClose = (deliveryKey: string): Close => ({ deliveryKey, attempt: 1, at: new Date(0), outcome: "done" });

/** A buffer for that many closes, with what was written, write by write. */
function aBuffer(
  expected: number,
  answer: (closes: readonly Close[]) => boolean[] = (closes) => closes.map(() => true),
) {
  const time = simulatedTime();
  const writes: string[][] = [];
  const close = async (closes: readonly Close[]) => {
    writes.push(closes.map(({ deliveryKey }) => deliveryKey));
    return answer(closes);
  };
  const buffer = closeBuffer({ close } as EventStore, expected, time.delay);
  return { time, writes, close: (key: string) => buffer(aClose(key)) };
}

describe("a close buffer", () => {
  it("writes as soon as the last close is there", async () => {
    const { writes, close } = aBuffer(3);
    expect(await Promise.all([close("a"), close("b"), close("c")])).toEqual([true, true, true]);
    expect(writes).toEqual([["a", "b", "c"]]);
  });

  it("writes a single close at once, and sets no timer for it", async () => {
    const { time, writes, close } = aBuffer(1);
    await close("a");
    expect([writes, time.running()]).toEqual([[["a"]], 0]);
  });

  it("writes what is there 250 ms after the first one waiting, and begins again with the next", async () => {
    expect(FLUSH_AFTER_MS).toBe(250);
    const { time, writes, close } = aBuffer(4);
    const early = [close("a")];
    await time.pass(200);
    early.push(close("b"));
    await time.pass(49);
    expect(writes).toEqual([]);
    await time.pass(1);
    expect(await Promise.all(early)).toEqual([true, true]);

    await time.pass(1_000);
    const late = close("c");
    await time.pass(249);
    expect(writes).toEqual([["a", "b"]]);
    await time.pass(1);
    expect(await late).toBe(true);
    await close("d");
    await time.pass(1_000);
    expect(writes).toEqual([["a", "b"], ["c"], ["d"]]);
  });

  it("doesn't write again when the last close came before the 250 ms were over", async () => {
    const { time, writes, close } = aBuffer(2);
    await Promise.all([close("a"), close("b")]);
    await time.pass(1_000);
    expect(writes).toEqual([["a", "b"]]);
  });

  it("tells each close whether a newer attempt had taken over; one that isn't answered counts as that", async () => {
    const { close } = aBuffer(3, () => [true, false]);
    expect(await Promise.all([close("a"), close("b"), close("c")])).toEqual([true, false, false]);
  });

  it("fails the closes of a write that failed, and none of another", async () => {
    let broken = true;
    const { time, close } = aBuffer(3, (closes) => {
      if (broken) throw new Error("the store is away");
      return closes.map(() => true);
    });
    const early = Promise.allSettled([close("a"), close("b")]);
    await eventually(() => time.running() === 1);
    await time.pass(250);
    expect((await early).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    broken = false;
    expect(await close("c")).toBe(true);
  });
});
