import { close, fdatasync, openSync } from "node:fs";

/** Waits for the disk. */
export type LogSync = {
  /** Resolves once everything that was committed before is on disk. Not to be asked twice at once. */
  wait(): Promise<void>;
  close(): void;
};

/**
 * Waits for a write-ahead log to be on disk, in another thread: SQLite's own wait for it would hold up everything else in
 * the process, for longer than the transaction itself takes. Whoever has committed with `synchronous = NORMAL` and waited
 * here has what `FULL` promises: it syncs the same file after the same write.
 * @param path the database's; its log has to be there by the first wait
 */
export function logSync(path: string): LogSync {
  let file: number | undefined;
  let waiting = false;
  let closed = false;
  const letGo = () => {
    if (file !== undefined) close(file, () => {});
  };
  return {
    wait() {
      file ??= openSync(`${path}-wal`, "r+");
      waiting = true;
      const log = file;
      return new Promise((resolve, reject) => {
        fdatasync(log, (error) => {
          waiting = false;
          if (closed) letGo();
          if (error === null) resolve();
          else reject(error);
        });
      });
    },
    close() {
      closed = true;
      if (!waiting) letGo();
    },
  };
}
