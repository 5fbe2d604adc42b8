import { readdirSync, readFileSync } from "node:fs";

/** The kernel's pages: 4 KiB where versions run; where they are larger, processes seem smaller than they are. */
const PAGE_BYTES = 4_096;

/** Several processes that are looked at together share one look. */
const LOOK_MS = 10;

type Look = { atMs: number; memory: Map<number, { parent: number; bytes: number }> };

let last: Look = { atMs: Number.NEGATIVE_INFINITY, memory: new Map() };

/**
 * Resident memory of a process and of all that it has started, in bytes, native memory included. Pages that a process
 * shares with one that it was forked from are counted twice. 0 where there is no `/proc`.
 */
export function memoryOf(pid: number): number {
  const { memory } = look();
  let bytes = 0;
  for (const each of memory.keys()) if (isWithin(each, pid, memory)) bytes += memory.get(each)?.bytes ?? 0;
  return bytes;
}

function isWithin(pid: number, ancestor: number, memory: Look["memory"]): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = memory.get(at)?.parent) {
    if (at === ancestor) return true;
  }
  return false;
}

function look(): Look {
  const atMs = performance.now();
  if (atMs - last.atMs < LOOK_MS) return last;
  const memory: Look["memory"] = new Map();
  for (const name of processes()) {
    const [parent, pages] = fieldsOf(name) ?? [];
    if (parent !== undefined && pages !== undefined) memory.set(Number(name), { parent, bytes: pages * PAGE_BYTES });
  }
  last = { atMs, memory };
  return last;
}

function processes(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Parent and resident pages: fields 4 and 24 of proc(5). The name before them may hold anything, also parentheses. */
function fieldsOf(pid: string): [parent: number, pages: number] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [Number(fields[1]), Number(fields[21])];
  } catch {
    // It has ended since.
    return undefined;
  }
}
