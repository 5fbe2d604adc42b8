import type { IncomingMessage } from "node:http";

export type BodyRead =
  | { ok: true; bytes: Buffer }
  /** `aborted`: the client went away, and nobody waits for an answer. */
  | { ok: false; why: "too large" | "encoded" | "aborted" };

/** Where the first bytes go of a body that comes in pieces. */
const FIRST_BYTES = 16_384;

const NOTHING = Buffer.alloc(0);

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
  const announced = Number(request.headers["content-length"]);
  return new Promise((resolve) => {
    // One buffer that doubles: a list of chunks would let a client that sends byte by byte hold a hundred times more.
    let held: Buffer = NOTHING;
    let bytes = 0;
    const take = (chunk: Buffer) => {
      // Most bodies come whole.
      if (chunk.length === announced) {
        held = chunk;
        bytes = announced;
        return;
      }
      const needed = bytes + chunk.length;
      if (needed > limitBytes) {
        request.off("data", take).pause();
        held = NOTHING;
        resolve({ ok: false, why: "too large" });
        return;
      }
      if (needed > held.length) held = grown(held, bytes, Math.max(FIRST_BYTES, needed, held.length * 2));
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
