import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TurnoutError } from "../domain/errors.ts";
import { type BodyStore, hasExpired } from "./body-store.ts";

/** What says something about the process at this moment, and nothing about a file. */
const PASSING = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EBUSY", "EINTR"]);

/** Bodies as files of one folder, which is made when the first one is stored. */
export function fileBodyStore(folder: string): BodyStore {
  return {
    async put(key, bytes) {
      // A reader sees the whole file or none. What a crash leaves of this begins with its expiry too, and goes with it.
      const unfinished = join(folder, `${key}.${randomUUID()}.tmp`);
      try {
        const made = await mkdir(folder, { recursive: true, mode: 0o700 });
        if (made !== undefined) await synced(dirname(made), "r");
        await synced(unfinished, "w", (file) => file.writeFile(bytes));
        await rename(unfinished, join(folder, key));
        await synced(folder, "r");
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => {});
        throw notStored(folder, error);
      }
    },
    async get(key) {
      const path = join(folder, key);
      try {
        return { ok: true, value: await readFile(path) };
      } catch (error) {
        const problem =
          `the body can't be read from ${path} (${told(error)}). Restore the folder 'bodies' together with the state ` +
          "file that it belongs to";
        if (!PASSING.has(codeOf(error))) return { ok: false, problem };
        throw new TurnoutError("failed", `An event can't be read: ${told(error)}. Try again.`, { cause: error });
      }
    },
    async expire(now, limit) {
      const expired = (await names(folder))
        .filter((name) => hasExpired(name, now))
        .sort()
        .slice(0, limit);
      for (const name of expired) await rm(join(folder, name), { force: true });
      return expired.length;
    },
  };
}

type OpenFile = Awaited<ReturnType<typeof open>>;

async function synced(path: string, flags: string, write?: (file: OpenFile) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await write?.(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function notStored(folder: string, error: unknown): TurnoutError {
  return new TurnoutError(
    "failed",
    `A large event body can't be stored in ${folder} (${told(error)}). Check that there is room on the disk, and that ` +
      "Turnout's user may write there.",
    { cause: error },
  );
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
