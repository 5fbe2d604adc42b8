/** Characters of a full bar. */
const WIDTH = 30;

/** A bar on stderr, while there is somebody to watch it and more than one thing to do. */
export function progress(total: number, things: string): { next(): void; stop(): void } {
  let done = 0;
  const shown = total > 1 && process.stderr.isTTY === true;
  return {
    next() {
      done++;
      if (shown) process.stderr.write(`\r${progressLine(done, total, things)}${done === total ? "\n" : ""}`);
    },
    /** Leaves the line, for what is said about why it went no further. */
    stop() {
      if (shown && done < total) process.stderr.write("\n");
    },
  };
}

/** E.g. `[###---------------------------]  10 %  12 of 112 changes`; full only when all is done. */
export function progressLine(done: number, total: number, things: string): string {
  const filled = Math.floor((done / total) * WIDTH);
  const percent = `${Math.floor((done / total) * 100)}`.padStart(3);
  return `[${"#".repeat(filled)}${"-".repeat(WIDTH - filled)}] ${percent} %  ${done} of ${total} ${things}`;
}
