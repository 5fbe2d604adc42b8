import type { IncomingMessage } from "node:http";

export type BodyRead =
  | { ok: true; bytes: Buffer }
  /** `aborted`: the client went away, and nobody waits for an answer. */
  | { ok: false; why: "too large" | "encoded" | "aborted" };

/** Where a body's first bytes go; most bodies need no more. */
const FIRST_BYTES = 16_384;

/**
 * Reads a request's body of at most `limitBytes`. A longer one is given up at once where its length is
 * announced, and at the first byte too many where it is not; what was read is let go and the rest stays unread.
 *
 * @param start called before the first byte is asked for, the moment for `100 Continue`
 */
export function readBody(request: IncomingMessage, limitBytes: number, start: () => void): Promise<BodyRead> {
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) return refused("too large");
  if ((request.headers["content-encoding"] ?? "identity") !== "identity") return refused("encoded");
  start();
  return new Promise((resolve) => {
    // One buffer that doubles: a list of chunks would let a client that sends byte by byte hold a hundred times more.
    let held = Buffer.allocUnsafe(FIRST_BYTES);
    let bytes = 0;
    const take = (chunk: Buffer) => {
      const needed = bytes + chunk.length;
      if (needed > limitBytes) {
        request.off("data", take).pause();
        held = Buffer.alloc(0);
        resolve({ ok: false, why: "too large" });
        return;
      }
      if (needed > held.length) held = grown(held, bytes, Math.max(needed, held.length * 2));
      chunk.copy(held, bytes);
      bytes = needed;
    };
    request.on("data", take);
    request.once("end", () => resolve({ ok: true, bytes: held.subarray(0, bytes) }));
    // After `end` these change nothing: a promise resolves once.
    request.once("error", () => resolve({ ok: false, why: "aborted" }));
    request.once("close", () => resolve({ ok: false, why: "aborted" }));
  });
}

function grown(held: Buffer, bytes: number, size: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(size);
  held.copy(larger, 0, 0, bytes);
  return larger;
}

function refused(why: "too large" | "encoded"): Promise<BodyRead> {
  return Promise.resolve({ ok: false, why });
}
