import { PassThrough, type Readable } from "node:stream";
import { logLines } from "../worker/worker-output.ts";

/** Most characters that wait for a slow disk; lines that come beyond that are counted and dropped. */
const MAX_UNREAD = 1_048_576;

/** The longest line; what is written beyond that without an end is the next one. */
const MAX_LINE = 262_144;

export type TaggedOutput = {
  /** The lines of the log. Ends with what they are read from. */
  lines: Readable;
  /** Ends a line that has no end yet: what is written from now on belongs to another event. */
  endLine(): void;
};

/** Makes whatever a process writes into lines of the log, each with the time and the request that it was written for. */
export function tagLines(output: Readable, requestId: () => string | undefined): TaggedOutput {
  const lines = new PassThrough({ readableHighWaterMark: MAX_UNREAD });
  let begun = "";
  let dropped = 0;

  function write(text: string): void {
    if (text === "") return;
    if (lines.readableLength + lines.writableLength > MAX_UNREAD) {
      dropped += 1;
      return;
    }
    if (dropped > 0) {
      lines.write(logLines(new Date(), undefined, `(${dropped} writes were dropped: the log couldn't keep up)`));
      dropped = 0;
    }
    lines.write(logLines(new Date(), requestId(), text));
  }

  function endLine(): void {
    write(begun);
    begun = "";
  }

  output.setEncoding("utf8");
  output.on("data", (chunk: string) => {
    const end = chunk.lastIndexOf("\n") + 1;
    if (end > 0) {
      write(begun + chunk.slice(0, end));
      begun = "";
    }
    begun += chunk.slice(end);
    if (begun.length > MAX_LINE) endLine();
  });
  output.on("close", () => {
    endLine();
    lines.end();
  });
  output.on("error", () => {});
  return { lines, endLine };
}
