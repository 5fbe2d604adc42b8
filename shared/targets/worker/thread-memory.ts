import type { ResourceLimits, Worker } from "node:worker_threads";
import type { Failure } from "./worker-thread.ts";

/**
 * V8 ends the whole host, not the thread, when one allocation overshoots a thread's limit by more than 16 MB, as that of
 * a growing Map or array does. So V8's own limit is set this much higher, and half way a thread is stopped from outside:
 * up to there V8 may let garbage lie before it collects (it collects at latest half way to its limit). What remains is
 * code that can't be interrupted: a loop that V8 has optimised down to allocations, and native code.
 */
const V8_HEADROOM_MB = 512;

/** Without a limit, survivors of one collection alone can overshoot by more than those 16 MB. */
const YOUNG_GENERATION_MB = 16;

const MEBIBYTE = 1_048_576;

/** What V8 itself is told of a thread that may have so much. */
export function limitsOf(memoryMb: number): ResourceLimits {
  return { maxOldGenerationSizeMb: memoryMb + V8_HEADROOM_MB, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
}

/**
 * Looks at a thread's memory from outside.
 * @param isBusy whether it may have more at the next look, though nothing was begun since
 * @param onExceeded told when it has too much
 */
export function threadMemory(worker: Worker, memoryMb: number, isBusy: () => boolean, onExceeded: () => void) {
  let hasRun = true;
  let reading = false;
  let bytes = 0;

  function take({ used_heap_size, external_memory }: { used_heap_size: number; external_memory: number }): void {
    bytes = used_heap_size + external_memory;
    if (bytes > (memoryMb + V8_HEADROOM_MB / 2) * MEBIBYTE) onExceeded();
  }

  /** By a thread that has just begun or ended. */
  function refused(): void {
    hasRun = true;
  }

  return {
    /** The thread begins something. */
    noteRun(): void {
      hasRun = true;
    },
    /** Looks only when something has run. */
    check(): void {
      if (!hasRun || reading) return;
      reading = true;
      hasRun = isBusy();
      void worker
        .getHeapStatistics()
        .then(take, refused)
        .finally(() => {
          reading = false;
        });
    },
    /** When it was last looked at: the heap, and what Buffers hold outside of it. */
    bytes: () => bytes,
  };
}

export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

export function outOfMemory(memoryMb: number): Failure {
  const remedy = "Give the component more worker.memoryMb, or find what it keeps";
  return { type: "Runtime.OutOfMemory", message: `more memory was used than the ${memoryMb} MB it has. ${remedy}.` };
}
