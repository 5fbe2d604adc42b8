import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchesOf, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from "../../shared/client/put-events-batches.ts";

function sized(...bytes: number[]): { bytes: number }[] {
  return bytes.map((count) => ({ bytes: count }));
}

describe("batches", () => {
  test.each([
    ["nothing", [], []],
    ["10 small entries", Array<number>(10).fill(1), [10]],
    ["11 small entries", Array<number>(11).fill(1), [10, 1]],
    ["two that are 1 MB less a byte together", [MAX_BATCH_BYTES - 1, 1], [2]],
    ["two that are 1 MB together", [MAX_BATCH_BYTES, 1], [1, 1]],
    ["a large one between small ones", [1, MAX_BATCH_BYTES, 1, 1], [1, 1, 2]],
  ])("batches of %s have the lengths that they should", (_, bytes, lengths) => {
    expect(batchesOf(sized(...bytes)).map(({ length }) => length)).toEqual(lengths);
  });

  test("stay below the documented 1 MB, which is 1,048,576 bytes", () => {
    expect(MAX_BATCH_BYTES).toBe(1_048_575);
  });

  test("never exceed the limits, keep the order, and aren't split without need", () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: MAX_BATCH_BYTES }));
    fc.assert(
      fc.property(fc.array(size, { maxLength: 60 }), (bytes) => {
        const entries = sized(...bytes);
        const batches = batchesOf(entries);
        expect(batches.flat()).toEqual(entries);
        for (const [index, batch] of batches.entries()) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(MAX_BATCH_ENTRIES);
          expect(total(batch)).toBeLessThanOrEqual(MAX_BATCH_BYTES);
          const [next] = batches[index + 1] ?? [];
          if (next !== undefined && batch.length < MAX_BATCH_ENTRIES) {
            expect(total(batch) + next.bytes).toBeGreaterThan(MAX_BATCH_BYTES);
          }
        }
      }),
    );
  });
});

function total(batch: readonly { bytes: number }[]): number {
  return batch.reduce((sum, { bytes }) => sum + bytes, 0);
}
