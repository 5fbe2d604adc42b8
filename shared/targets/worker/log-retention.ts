import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Sees to it that no line of a log is kept for longer than `keptMs`: after half of that a log is put aside, and what was put
 * aside goes after the other half. Never throws: what can't be removed now may be the next time.
 */
export async function expireLogs(logs: string, keptMs: number, now: Date): Promise<void> {
  const names = await readdir(logs, { recursive: true }).catch(() => []);
  const before = now.getTime() - keptMs / 2;
  for (const file of names.filter((name) => /\.log(\.1)?$/.test(name)).map((name) => join(logs, name))) {
    const writtenAt = (await stat(file).catch(() => undefined))?.mtimeMs ?? now.getTime();
    if (writtenAt < before) await rm(file, { force: true }).catch(() => {});
    else if (file.endsWith(".log") && (await beginsAt(file)) < before) await rename(file, `${file}.1`).catch(() => {});
  }
}

/** The time of a log's first line, in ms; that of one which has none is now or never. */
async function beginsAt(file: string): Promise<number> {
  const handle = await open(file, "r").catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await handle?.read(Buffer.alloc(24), 0, 24, 0)) ?? {};
    const time = Date.parse(buffer?.toString("latin1", 0, bytesRead) ?? "");
    return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
  } finally {
    await handle?.close();
  }
}
