import { originTag } from "../../domain/deliveries/request-id.ts";
import { printable } from "../../domain/text/printable.ts";

/** Most characters that a stream holds for a slow disk; what is written beyond that is counted and dropped. */
const MAX_UNREAD = 1_048_576;

/** Longest text of one write; the rest of it is cut off. */
const MAX_TEXT = 262_144;

/** One write as lines of the log, each with the time and the origin it belongs to. Control characters are escapes. */
export function logLines(at: Date, origin: string | undefined, text: string): string {
  const start = `${at.toISOString()} ${printable(origin ?? originTag({}))} `;
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  // Whoever prints the log on a terminal must not have it do what a version, or the event that it prints, says.
  return lines.map((line) => `${start}${printable(line)}\n`).join("");
}

/**
 * Makes every write to the stream whole lines of the log. This happens in the worker, at the moment of the write: the
 * text reaches the main thread later, when another invocation may run. Runs in the worker.
 */
export function tagOutput(stream: NodeJS.WriteStream, origin: () => string | undefined): void {
  const write: (text: string, done?: Done) => boolean = stream.write.bind(stream);
  let dropped = 0;

  function tagged(chunk: string | Uint8Array, encoding?: BufferEncoding | Done, callback?: Done): boolean {
    const done = typeof encoding === "function" ? encoding : callback;
    if (stream.writableLength > MAX_UNREAD) {
      dropped++;
      if (done !== undefined) queueMicrotask(done);
      return false;
    }
    const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    const cut =
      text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more characters)` : text;
    return write(logLines(new Date(), origin(), cut), done);
  }

  stream.write = tagged;
  stream.on("drain", () => {
    if (dropped === 0) return;
    write(logLines(new Date(), undefined, `(${dropped} writes were dropped: the log couldn't keep up)`));
    dropped = 0;
  });
}

type Done = (error?: Error | null) => void;
