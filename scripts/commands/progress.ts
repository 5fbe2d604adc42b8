/** A counter on stderr, such as `12 of 112 changes`, while there is somebody to watch it and more than one. */
export function progress(total: number, things: string): { next(): void; stop(): void } {
  let done = 0;
  const shown = total > 1 && process.stderr.isTTY === true;
  return {
    next() {
      done++;
      if (shown) process.stderr.write(`\r${done} of ${total} ${things}${done === total ? "\n" : ""}`);
    },
    /** Leaves the line, for what is said about why it went no further. */
    stop() {
      if (shown && done < total) process.stderr.write("\n");
    },
  };
}
