import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A line that a version has written for one request, and when. */
export type PrintedLine = { at: string; requestId: string; text: string };

/** Where what a version has written is kept; what was before is beside it, as `<file>.1`. */
export function logFile(logs: string, component: string, version: string): string {
  return join(logs, component, `${version}.log`);
}

/** What a version has written for these requests, in order; its whole log is read, at most 20 MiB. */
export async function printedLines(file: string, requestIds: ReadonlySet<string>): Promise<PrintedLine[]> {
  const found: PrintedLine[] = [];
  for (const each of [`${file}.1`, file]) {
    if (!existsSync(each)) continue;
    for await (const line of createInterface({ input: createReadStream(each), crlfDelay: Number.POSITIVE_INFINITY })) {
      const [at = "", requestId = ""] = line.split(" ", 2);
      if (requestIds.has(requestId)) found.push({ at, requestId, text: line.slice(at.length + requestId.length + 2) });
    }
  }
  return found;
}
