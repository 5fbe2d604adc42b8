import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readOriginTag } from "../domain/deliveries/request-id.ts";
import type { TimeWindow } from "../domain/text/time-window.ts";
import { logFile } from "../targets/worker/log-file.ts";
import { merged } from "./merge-lines.ts";
import type { LogLine, LogQuery, VersionLogs } from "./version-logs.ts";

/** How often a file that is followed is looked at. */
const LOOK_EVERY_MS = 250;

const PIECE_BYTES = 65_536;

/** Longest line that is kept together; none is written that is longer. */
const MAX_LINE_CHARS = 2_000_000;

/** @param wait waits between two looks at what is followed */
export function fileVersionLogs(logs: string, wait: (ms: number) => Promise<void>): VersionLogs {
  async function versions(component: string): Promise<string[]> {
    const names = await readdir(join(logs, component)).catch(() => []);
    return [...new Set(names.flatMap((name) => /^(.+)\.log(\.1)?$/.exec(name)?.[1] ?? []))].sort();
  }

  const wanted = async ({ component, version }: LogQuery) =>
    version === undefined ? await versions(component) : [version];

  return {
    versions,
    async *lines(query, window) {
      const sources = (await wanted(query)).map((version) =>
        linesOf(logFile(logs, query.component, version), version, query, window),
      );
      yield* merged(sources);
    },
    async *follow(query, since) {
      const tails = new Map<string, ReturnType<typeof fileTail>>();
      try {
        for (;;) {
          const found: LogLine[] = [];
          for (const version of await wanted(query)) {
            const file = logFile(logs, query.component, version);
            const tail = tails.get(version) ?? fileTail(file);
            tails.set(version, tail);
            for (const text of await tail.more()) {
              const line = readLine(text, version);
              if (line !== undefined && line.at >= since && isAsked(line, query)) found.push(line);
            }
          }
          yield* found.sort((a, b) => a.at.getTime() - b.at.getTime());
          await wait(LOOK_EVERY_MS);
        }
      } finally {
        await Promise.all([...tails.values()].map((tail) => tail.close()));
      }
    },
  };
}

/** `TIME ORIGIN TEXT`; undefined for what isn't a line of a log, or only the rest of one. */
function readLine(line: string, version: string): LogLine | undefined {
  const [time = "", tag = ""] = line.split(" ", 2);
  const at = new Date(time);
  if (tag === "" || Number.isNaN(at.getTime())) return undefined;
  return { at, version, ...readOriginTag(tag), text: line.slice(time.length + tag.length + 2) };
}

function isAsked({ requestId }: LogLine, { requestIds }: LogQuery): boolean {
  return requestIds === undefined || (requestId !== undefined && requestIds.has(requestId));
}

/** Of what was put aside first; either may be missing. Both are open before any is read: a log may be put aside meanwhile. */
async function* linesOf(file: string, version: string, query: LogQuery, window: TimeWindow): AsyncGenerator<LogLine> {
  const current = await openIfThere(file);
  const aside = await openIfThere(`${file}.1`);
  try {
    const [one, other] = [await aside?.stat(), await current?.stat()];
    // Put aside between the two looks, it is the same.
    for (const handle of one?.ino === other?.ino ? [current] : [aside, current]) {
      for await (const text of handle?.readLines({ autoClose: false }) ?? []) {
        const line = readLine(text, version);
        if (line === undefined || line.at < window.from || line.at >= window.to) continue;
        if (isAsked(line, query)) yield line;
      }
    }
  } finally {
    await Promise.all([current, aside].map((handle) => handle?.close().catch(() => {})));
  }
}

/**
 * Reads on in a file from where it was left, however often it is put aside, removed or begun anew: what was open is read to
 * its end before the file of that name now is. The first time it begins with what was put aside.
 */
function fileTail(file: string) {
  let handle: FileHandle | undefined;
  let position = 0;
  let rest = "";
  // Keeps half a character until its other half has been written.
  let decoder = new TextDecoder();
  let begun = false;

  async function readOn(lines: string[]): Promise<void> {
    if (handle === undefined) return;
    // Cut short in place: begun anew.
    if ((await handle.stat()).size < position) [position, rest, decoder] = [0, "", new TextDecoder()];
    const bytes = Buffer.alloc(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(bytes, 0, PIECE_BYTES, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      const pieces = (rest + decoder.decode(bytes.subarray(0, bytesRead), { stream: true })).split("\n");
      rest = (pieces.pop() ?? "").slice(-MAX_LINE_CHARS);
      lines.push(...pieces);
    }
  }

  async function change(to: FileHandle | undefined): Promise<void> {
    await handle?.close().catch(() => {});
    [handle, position, rest, decoder] = [to, 0, "", new TextDecoder()];
  }

  return {
    async more(): Promise<string[]> {
      const lines: string[] = [];
      if (!begun) {
        begun = true;
        await change(await openIfThere(`${file}.1`));
        await readOn(lines);
        await change(await openIfThere(file));
      }
      await readOn(lines);
      const [there, own] = [await stat(file).catch(() => undefined), await handle?.stat()];
      if (there === undefined || there.ino === own?.ino) return lines;
      // Whatever was written between the two looks.
      await readOn(lines);
      await change(await openIfThere(file));
      await readOn(lines);
      return lines;
    },
    close: () => change(undefined),
  };
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  return open(file, "r").catch(() => undefined);
}
