import { describe, expect, it } from "vitest";
import type { Close } from "../../../shared/domain/deliveries/delivery.ts";
import { closeBuffer, FLUSH_AFTER_MS } from "../../../shared/flows/deliver/close-buffer.ts";
import { type SimulatedTime, simulatedTime } from "../../simulation/simulated-time.ts";
import { nextTurn } from "../../support/port-calls.ts";

const LEASE_MS = 35_000;

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
  const { now, delay } = time;
  const buffer = closeBuffer({ events: { close }, now, delay, random: () => 0.5 }, expected);
  const leaseEnds = new Date(now().getTime() + LEASE_MS);
  return { time, writes, close: (key: string, by = leaseEnds, atOnce = false) => buffer(aClose(key), by, atOnce) };
}

describe("a close buffer", () => {
  it("writes as soon as the last close is there", async () => {
    const { writes, close } = aBuffer(3);
    expect(await Promise.all([close("a"), close("b"), close("c")])).toEqual([true, true, true]);
    expect(writes).toEqual([["a", "b", "c"]]);
  });

  it("writes one that others wait for at once, with what is there", async () => {
    const { time, writes, close } = aBuffer(3);
    const early = close("a");
    expect(await Promise.all([early, close("b", new Date(8.64e15), true)])).toEqual([true, true]);
    expect(writes).toEqual([["a", "b"]]);
    await close("c");
    await time.pass(1_000);
    expect(writes).toEqual([["a", "b"], ["c"]]);
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

  it("waits anew for others once it has written, whenever the ones before came", async () => {
    const { time, writes, close } = aBuffer(4);
    void close("a");
    await time.pass(100);
    void close("b");
    await time.pass(200);
    void close("c");
    await time.pass(200);
    expect(writes).toEqual([["a", "b"]]);
    await time.pass(50);
    expect(writes).toEqual([["a", "b"], ["c"]]);
  });

  it("counts one that isn't answered as taken over also where it is written by itself", async () => {
    let tries = 0;
    const { time, close } = aBuffer(1, () => {
      if (++tries === 1) throw new Error("the store is away");
      return [];
    });
    const closing = close("a");
    await passing(time, 1_000);
    expect([await closing, tries]).toEqual([false, 2]);
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

  it("keeps the closes of a write that failed, and stores each as soon as the store is back", async () => {
    let broken = true;
    const { time, writes, close } = aBuffer(3, (closes) => {
      if (broken) throw new Error("the store is away");
      return closes.map(() => true);
    });
    const early = Promise.all([close("a"), close("b")]);
    await passing(time, 20_000);
    broken = false;
    writes.length = 0;
    await passing(time, 1_000);
    expect(await early).toEqual([true, true]);
    expect(writes).toEqual([["a"], ["b"]]);
    expect(await close("c")).toBe(true);
  });

  it("stores the others while one can't be stored, and gives that up when its lease is over", async () => {
    const { time, close, writes } = aBuffer(2, (closes) => {
      if (closes.some(({ deliveryKey }) => deliveryKey === "poison")) throw new Error("not this one");
      return closes.map(() => true);
    });
    const closing = Promise.allSettled([close("a"), close("poison")]);
    await passing(time, LEASE_MS + 1_000);
    expect((await closing).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    const tries = writes.filter(([key]) => key === "poison").length;
    expect(tries).toBeGreaterThan(30);
    await passing(time, 10_000);
    expect(writes.filter(([key]) => key === "poison")).toHaveLength(tries);
  });
});

/** Time that goes by in small steps, so that what waits for it is asked again in between. */
async function passing(time: SimulatedTime, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    await time.pass(50);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
  }
}
