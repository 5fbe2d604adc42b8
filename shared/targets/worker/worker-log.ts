import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Readable, Transform, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { logLines } from "./worker-output.ts";

/** The most that is kept of a log: one of half this size becomes `<file>.1`, in place of the one before it. */
const MOST_KEPT_BYTES = 20 * 1024 * 1024;

/** What versions say may have customers' data in it. */
const PRIVATE = { mode: 0o600 };

/** Most of our own lines that wait for a slow disk; what comes beyond that is counted and dropped. */
const MAX_WAITING_BYTES = 1_048_576;

/** What one version wrote, and what went wrong with it. Never throws: a full disk must not fail a delivery. */
export type WorkerLog = {
  /** Appends the lines that the stream brings, at the pace of the disk, until the stream ends. */
  take(output: Readable): void;
  /** The same for what was written past `tagOutput`: every line gets its time, and no request. */
  takeUntagged(output: Readable, now: () => Date): void;
  /** @param origin whom it tells of, as `originTag` writes it; undefined for nobody in particular */
  note(at: Date, origin: string | undefined, text: string): void;
  /** Resolves once everything that was taken is written. */
  close(): Promise<void>;
};

/** Appends to the file, which is made with its folder at the first line. A problem is told once, on stderr. */
export function workerLog(file: string, mostKeptBytes = MOST_KEPT_BYTES): WorkerLog {
  const outputs = new Set<Promise<void>>();
  let dropped = 0;
  let told = false;

  async function append(text: Buffer): Promise<void> {
    try {
      await rotate(file, text.length, mostKeptBytes / 2);
      await appendFile(file, text, PRIVATE).catch(async () => {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        await appendFile(file, text, PRIVATE);
      });
    } catch (error) {
      if (told) return;
      told = true;
      const problem = error instanceof Error ? error.message : String(error);
      process.stderr.write(`turnout: the log ${file} can't be written (${problem}). Deliveries go on without it.\n`);
    }
  }

  const sink = new Writable({
    highWaterMark: 65_536,
    write: (chunk: Buffer, _encoding, done) => void append(chunk).then(() => done()),
    // Whatever came while the last write was under way is one write.
    writev: (chunks, done) => void append(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => done()),
  });
  // Two streams of every worker.
  sink.setMaxListeners(0);
  sink.on("drain", () => {
    if (dropped === 0) return;
    sink.write(logLines(new Date(), undefined, `(${dropped} lines were dropped: the log couldn't keep up)`));
    dropped = 0;
  });

  function take(output: Readable): void {
    const end = finished(output, { writable: false }).catch(() => {});
    outputs.add(end);
    void end.then(() => outputs.delete(end));
    output.pipe(sink, { end: false });
  }

  return {
    take,
    takeUntagged(output, now) {
      const tag = (chunk: Buffer, _encoding: string, done: (error: null, tagged: string) => void) =>
        done(null, logLines(now(), undefined, chunk.toString()));
      take(output.pipe(new Transform({ transform: tag })));
    },
    note(at, origin, text) {
      if (sink.writableEnded) return;
      if (sink.writableLength > MAX_WAITING_BYTES) dropped++;
      else sink.write(logLines(at, origin, text));
    },
    async close() {
      await Promise.all(outputs);
      sink.end();
      await finished(sink);
    },
  };
}

async function rotate(file: string, more: number, mostBytes: number): Promise<void> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size > 0 && size + more > mostBytes) await rename(file, `${file}.1`);
}
